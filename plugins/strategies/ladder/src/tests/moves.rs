//! Moves, by failures and by hand.

use patchbay_sdk::strategy::Dice;

use super::*;

#[test]
fn failures_walk_all_36_steps_and_round_again() {
    let mut climb = Climb::nine_by_four();
    let ladder = ladder(9, 4);
    for round in 1..=3 {
        for (step, name) in ladder.iter().enumerate() {
            let ranking = climb.rank();
            let mut expected = ladder.clone();
            expected.rotate_left(step);
            assert_eq!(climb.names(&ranking), expected, "round {round}");
            climb.fails(name, 1);
            assert_eq!(climb.first(), *name, "one failure moves nothing");
            climb.fails(name, 1);
        }
    }
    assert_eq!(climb.first(), "a1 m1");
}

#[test]
fn hands_walk_all_36_steps_and_round_again() {
    let mut climb = Climb::nine_by_four();
    for name in ladder(9, 4).iter().cycle().take(80) {
        assert_eq!(climb.first(), *name);
        climb.act("next-model");
    }
    climb.act("reset");
    for account in (1..=9).cycle().take(20) {
        assert_eq!(climb.first(), format!("a{account} m1"));
        climb.act("next-account");
    }
}

#[test]
fn hands_move_without_a_request_in_between() {
    let mut climb = Climb::nine_by_four();
    climb.act("next-model");
    climb.act("next-model");
    assert_eq!(climb.first(), "a1 m3");
    climb.act("next-account");
    climb.act("next-account");
    climb.act("next-model");
    assert_eq!(climb.first(), "a3 m2");
    climb.act("reset");
    assert_eq!(climb.first(), "a1 m1");
    let error = climb.bench().act("fly").unwrap_err();
    assert_eq!(
        error,
        "there is no action \"fly\"; it has reset, next-model, next-account"
    );
    assert!(Climb::of(&[]).bench().act("reset").is_err());
}

/// Against a model of the ladder that is as plain as can be.
#[test]
fn failures_and_hands_in_any_mixture() {
    for seed in 0..200 {
        let mut dice = Dice::new(seed);
        let mut climb = Climb::nine_by_four();
        let ladder = ladder(9, 4);
        let (mut step, mut since) = (0, 0);
        for _ in 0..200 {
            assert_eq!(climb.first(), ladder[step], "seed {seed}");
            let by_hand = [
                ("reset", 0),
                ("next-model", (step + 1) % 36),
                ("next-account", (step / 4 + 1) % 9 * 4),
            ];
            match dice.below(12) {
                hand @ 0..3 => {
                    climb.act(by_hand[hand].0);
                    (step, since) = (by_hand[hand].1, 0);
                }
                3..6 => {
                    climb.serves(&ladder[step]);
                    since = 0;
                }
                other => {
                    let times = if other == 6 { 7 } else { 1 };
                    climb.fails(&ladder[step], times);
                    since += times;
                }
            }
            if since >= 2 {
                (step, since) = ((step + 1) % 36, 0);
            }
        }
    }
}

#[test]
fn requests_that_fail_all_at_once_move_it_by_one_step() {
    let mut climb = Climb::nine_by_four();
    climb.rank();
    // Thirty requests were under way, and each has tried the first three steps in vain.
    for name in ["a1 m1", "a1 m2", "a1 m3"] {
        climb.fails(name, 30);
    }
    for _ in 0..10 {
        assert_eq!(climb.first(), "a1 m2");
    }
    climb.fails("a1 m2", 1);
    assert_eq!(climb.first(), "a1 m2", "one since it came");
    climb.fails("a1 m2", 1);
    assert_eq!(climb.first(), "a1 m3");
}

#[test]
fn who_has_served_meanwhile_is_counted_from_zero() {
    let mut climb = Climb::nine_by_four();
    climb.fails("a1 m1", 5);
    assert_eq!(climb.first(), "a1 m1", "what was before it came does not count");
    climb.serves("a1 m1");
    climb.fails("a1 m1", 1);
    assert_eq!(climb.first(), "a1 m1");
    climb.fails("a1 m1", 1);
    assert_eq!(climb.first(), "a1 m2");
}

#[test]
fn the_number_of_failures_is_a_setting() {
    let mut climb = Climb::nine_by_four();
    let pool = climb.pool.clone();
    climb.bench = Some(Bench::configured(&json!({"failures": 5}), pool).unwrap());
    climb.rank();
    climb.fails("a1 m1", 4);
    assert_eq!(climb.first(), "a1 m1");
    climb.fails("a1 m1", 1);
    assert_eq!(climb.first(), "a1 m2");
}

#[test]
fn the_note_says_where_it_stands_and_why_it_moved() {
    let mut climb = Climb::nine_by_four();
    assert_eq!(climb.note(), "at v/a1/m1");
    climb.available[0] = 0.0;
    assert_eq!(climb.note(), "at v/a1/m1, which cannot be asked now");
    assert_eq!(
        climb.rank_among(&[4, 5]).note.unwrap(),
        "at v/a1/m1, which cannot serve this request"
    );
    climb.fails("a1 m1", 3);
    assert_eq!(
        climb.note(),
        "moved to v/a1/m2 after 3 failures in a row of v/a1/m1"
    );
    assert_eq!(climb.note(), "at v/a1/m2");
}

#[test]
fn state_is_written_when_it_changes_and_only_then() {
    let mut climb = Climb::nine_by_four();
    assert!(climb.rank().state.is_some());
    assert_eq!(climb.rank().state, None);
    climb.fails("a1 m1", 1);
    assert_eq!(climb.rank().state, None);
    climb.fails("a1 m1", 1);
    assert!(climb.rank().state.is_some_and(|state| state.len() < 200));
    // An instance that has just been configured reads what another one wrote.
    let names = climb.pool.clone();
    let state = climb.bench().state.clone();
    climb.bench = Some(Bench::configured(&json!({}), names).unwrap());
    climb.bench().state = state;
    let ranking = climb.rank();
    assert_eq!(
        (climb.name(ranking.order[0]), ranking.state),
        ("a1 m2".to_owned(), None)
    );
}
