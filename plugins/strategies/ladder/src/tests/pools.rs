//! Candidates that are missing from a call, cannot be asked, or leave the pool; and state that is none.

use super::*;

const POOL: [&str; 7] = [
    "v a m1", "v a m2", "w b m1", "v a m3", "v c m1", "w b m4", "v c m2",
];

#[test]
fn accounts_need_not_have_the_same_models() {
    let mut climb = Climb::of(&POOL);
    let expected = ["a m1", "a m2", "a m3", "b m1", "b m4", "c m1", "c m2"];
    let ranking = climb.rank();
    assert_eq!(climb.names(&ranking), expected);
    for name in expected.iter().cycle().take(20) {
        assert_eq!(climb.first(), *name);
        climb.fails(name, 2);
    }
}

#[test]
fn an_account_is_its_vendors() {
    let mut climb = Climb::of(&["v main m1", "w main m2", "v main m3"]);
    climb.act("next-account");
    assert_eq!(climb.note(), "at w/main/m2");
}

#[test]
fn who_cannot_be_asked_keeps_the_place() {
    let mut climb = Climb::of(&POOL);
    climb.rank();
    climb.available[0] = 0.0;
    climb.fails("a m1", 1);
    for _ in 0..5 {
        assert_eq!(climb.first(), "a m1", "the host skips it");
        climb.fails("a m2", 1); // whose failures are not the current step's
    }
    climb.available[0] = 1.0;
    climb.serves("a m1");
    assert_eq!(climb.first(), "a m1");
}

#[test]
fn a_request_it_cannot_serve_begins_behind_it_and_moves_nothing() {
    let mut climb = Climb::of(&POOL);
    climb.act("next-model");
    assert_eq!(climb.first(), "a m2");
    climb.fails("a m2", 2);
    let ranking = climb.rank_among(&[0, 2, 5, 6]);
    assert_eq!(climb.names(&ranking), ["b m1", "b m4", "c m2", "a m1"]);
    assert_eq!(ranking.state, None);
    assert_eq!(
        climb.first(),
        "a m3",
        "its failures counted as soon as it was seen again"
    );
}

#[test]
fn a_step_that_is_new_to_it_is_counted_from_when_it_is_seen() {
    let mut climb = Climb::of(&POOL);
    climb.rank();
    climb.fails("a m1", 2);
    climb.fails("a m2", 9);
    // It moves to a m2, which this request cannot use: how often that has failed is not known here.
    let ranking = climb.rank_among(&[0, 3, 4]);
    assert_eq!(climb.names(&ranking), ["a m3", "c m1", "a m1"]);
    assert_eq!(climb.first(), "a m2");
    climb.fails("a m2", 2);
    assert_eq!(climb.first(), "a m3");
}

#[test]
fn unknown_counts_move_nothing() {
    let mut climb = Climb::of(&POOL);
    climb.rank();
    climb.fails("a m1", 1);
    climb.failures[0] = f64::NAN;
    assert_eq!(climb.first(), "a m1");
    climb.failures[0] = 2.0;
    assert_eq!(climb.first(), "a m2");
}

#[test]
fn the_pool_may_change_around_it() {
    let mut climb = Climb::of(&POOL);
    climb.act("next-account");
    assert_eq!(climb.first(), "b m1");
    let mut climb = climb.moved_to(&["x new m1", "v c m1", "w b m9", "w b m1", "v a m1"]);
    assert_eq!(climb.first(), "b m1");
    climb.fails("b m1", 2);
    assert_eq!(climb.first(), "a m1", "the order is that of the new pool");
}

#[test]
fn who_leaves_is_succeeded() {
    for (stays, heir) in [
        (&["v a m1", "w b m1", "v a m3", "v c m1"][..], "a m3"), // only the model left
        (&["w b m4", "v c m1", "w b m1"][..], "b m1"),           // the whole account left
        (&["v c m1", "v a m1"][..], "c m1"),                     // and the next one too: the first of all
        (&["x new m7"][..], "new m7"),
    ] {
        let mut climb = Climb::of(&POOL);
        climb.act("next-model");
        assert_eq!(climb.first(), "a m2");
        let mut climb = climb.moved_to(stays);
        assert_eq!(climb.first(), heir);
        climb.fails(heir, 1);
        assert_eq!(climb.first(), heir, "counted from when it came");
    }
}

#[test]
fn heirs_are_those_of_the_pool_as_it_is() {
    let climb = Climb::of(&["v a m1", "v b m1", "v c m1", "v d m1"]);
    let mut climb = climb.moved_to(&["v a m1", "v b m1", "v c m1", "v d m1"]);
    climb.act("next-account");
    assert_eq!(climb.first(), "b m1");
    // c leaves, and then b: d follows b, though it did not when the ladder came to b.
    let mut climb = climb.moved_to(&["v a m1", "v b m1", "v d m1"]);
    assert_eq!(climb.first(), "b m1");
    let mut climb = climb.moved_to(&["v a m1", "v d m1"]);
    assert_eq!(climb.first(), "d m1");
    climb.act("next-model");
    assert_eq!(climb.first(), "a m1");
}

#[test]
fn state_that_cannot_be_read_is_the_beginning() {
    let garbage = [
        &b"garbage"[..],
        b"{}",
        b"null",
        b"[1, 2]",
        &[0xff; 100],
        br#"{"at":["v","a"],"heirs":[],"arrived_with":1}"#,
        br#"{"at":["v","a","m2"],"heirs":[["v","a","m3"],["w","b","m1"]],"arrived_with":-1}"#,
    ];
    for state in garbage {
        let mut climb = Climb::of(&POOL);
        climb.bench().state = state.to_vec();
        assert_eq!(climb.first(), "a m1");
        climb.fails("a m1", 2);
        assert_eq!(climb.first(), "a m2");
        climb.bench().state = state.to_vec();
        climb.act("next-account");
        assert_eq!(climb.first(), "b m1");
    }
}

#[test]
fn one_candidate_and_none() {
    let mut climb = Climb::of(&["v a m"]);
    for _ in 0..3 {
        assert_eq!(climb.first(), "a m");
        climb.fails("a m", 2);
        climb.act("next-account");
    }
    assert!(Climb::of(&[]).rank().order.is_empty());
    assert!(Climb::of(&POOL).rank_among(&[]).order.is_empty());
}
