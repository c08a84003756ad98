//! Whose turn it is: nginx's own example, shares over many decisions, and what is remembered of whom.

use patchbay_sdk::strategy::Dice;
use patchbay_sdk::testkit::{Bench, assert_ranks_everybody, assert_schema_tells_defaults};
use serde_json::json;

use super::*;

const UNKNOWN: f64 = f64::NAN;

fn candidate(name: &str) -> Candidate {
    Candidate {
        vendor: "v".to_owned(),
        account: name.to_owned(),
        model: "m".to_owned(),
        tags: Vec::new(),
    }
}

/// A bench whose candidates are known by a letter each.
fn named(names: &str) -> Bench<WeightedRoundRobin> {
    let pool = names.chars().map(|name| candidate(&name.to_string())).collect();
    Bench::configured(&json!({}), pool).unwrap()
}

/// How often each is first in so many decisions.
fn turns(bench: &mut Bench<WeightedRoundRobin>, candidates: usize, decisions: usize) -> Vec<usize> {
    let mut turns = vec![0; candidates];
    for _ in 0..decisions {
        turns[bench.rank().order[0] as usize] += 1;
    }
    turns
}

#[test]
fn five_to_one_to_one_is_spread_as_nginx_spreads_it() {
    let mut bench = named("abc").fact(&Fact::Weight, &[5.0, 1.0, 1.0]);
    let orders: Vec<_> = (0..7).map(|_| bench.rank().order).collect();
    assert_eq!(
        orders.iter().map(|order| order[0]).collect::<Vec<_>>(),
        [0, 0, 1, 0, 2, 0, 0]
    );
    // Before the third turn a, b and c stand at 1, 3 and 3 sevenths, before the fifth at 4, -2 and 5.
    assert_eq!((&orders[2], &orders[4]), (&vec![1, 2, 0], &vec![2, 0, 1]));
}

#[test]
fn weights_come_from_success_and_speed() {
    let mut bench = named("abcd")
        .fact(&Fact::Weight, &[1.0, 1.0, 2.0, UNKNOWN])
        .fact(&Fact::SuccessRate, &[1.0, 0.5, 0.8, UNKNOWN])
        .fact(&Fact::LatencyMs, &[500.0, 500.0, 2000.0, UNKNOWN]);
    // 1 × 1 × 1, 1 × 0.5 × 1, 2 × 0.8 × 0.25 and 1, of 2.9 in all.
    let expected = [10_000.0 / 2.9, 5_000.0 / 2.9, 4_000.0 / 2.9, 10_000.0 / 2.9];
    for (turns, expected) in turns(&mut bench, 4, 10_000).into_iter().zip(expected) {
        assert!((turns as f64 - expected).abs() < 2.0, "{turns} of {expected}");
    }
}

#[test]
fn shares_are_honoured_over_ten_thousand_decisions() {
    for seed in 0..20 {
        let mut dice = Dice::new(seed);
        let size = 2 + dice.below(20);
        let weights: Vec<f64> = (0..size).map(|_| dice.below(100) as f64 / 8.0).collect();
        let success: Vec<f64> = (0..size).map(|_| dice.below(101) as f64 / 100.0).collect();
        let available: Vec<f64> = (0..size)
            .map(|index| f64::from(index == 0 || dice.below(4) > 0))
            .collect();
        let effective = |index: usize| weights[index] * success[index].max(0.05) * available[index];
        let total: f64 = (0..size).map(effective).sum();
        let mut bench = Bench::<WeightedRoundRobin>::new(size as u32)
            .fact(&Fact::Weight, &weights)
            .fact(&Fact::SuccessRate, &success)
            .fact(&Fact::Available, &available);
        for (index, turns) in turns(&mut bench, size, 10_000).into_iter().enumerate() {
            let expected = if total > 0.0 {
                effective(index) / total * 10_000.0
            } else {
                continue;
            };
            assert!(
                (turns as f64 - expected).abs() < size as f64,
                "seed {seed}: {turns} of {expected}"
            );
        }
    }
}

#[test]
fn who_does_badly_keeps_the_floor_and_gets_all_back() {
    let mut bench = named("ab").fact(&Fact::SuccessRate, &[1.0, 0.0]);
    let before = turns(&mut bench, 2, 2100);
    assert!((99..=101).contains(&before[1]), "1 in 21: {before:?}");
    let mut bench = bench.fact(&Fact::SuccessRate, &[1.0, 1.0]);
    let after = turns(&mut bench, 2, 100);
    assert!((49..=51).contains(&after[1]), "{after:?}");
}

#[test]
fn who_was_away_comes_back_to_his_share_and_no_more() {
    let mut bench = named("abc").fact(&Fact::Available, &[1.0, 1.0, 0.0]);
    let away: Vec<_> = (0..1000).map(|_| bench.rank().order).collect();
    assert!(
        away.iter().all(|order| order.len() == 3 && order[2] == 2),
        "he goes last"
    );
    let mut bench = bench.fact(&Fact::Available, &[1.0, 1.0, 1.0]);
    let back = turns(&mut bench, 3, 30);
    assert!(back.iter().all(|turns| (9..=11).contains(turns)), "{back:?}");
}

#[test]
fn a_change_of_weights_holds_from_the_next_turn_on() {
    let mut bench = named("ab").fact(&Fact::Weight, &[100_000.0, 70_000.0]);
    turns(&mut bench, 2, 101);
    let mut bench = bench.fact(&Fact::Weight, &[1.0, 1.0]);
    let turns = turns(&mut bench, 2, 10);
    assert!((4..=6).contains(&turns[0]), "{turns:?}");
}

#[test]
fn turns_belong_to_names() {
    let mut before = named("abc");
    before.rank(); // a has had its turn, b is next
    for (pool, expected) in [("cab", "cba"), ("cdab", "cbda"), ("ba", "ba"), ("defa", "defa")] {
        let mut after = named(pool);
        after.state.clone_from(&before.state);
        let name = |&index: &u32| pool.chars().nth(index as usize).unwrap();
        let order: String = after.rank().order.iter().map(name).collect();
        assert_eq!(order, expected, "of {pool}");
    }
}

/// Those who leave take what they are owed with them: newcomers begin with nothing, and must not be flooded for it.
#[test]
fn many_may_come_and_go() {
    let mut state = Vec::new();
    let mut rank = |names: &str, decisions: usize| {
        let mut bench = named(names);
        bench.state = std::mem::take(&mut state);
        let turns = turns(&mut bench, names.len(), decisions);
        state = bench.state;
        turns
    };
    for _ in 0..100 {
        rank("abc", 2); // c goes before its turn
        rank("ab", 2);
    }
    let turns = rank("abc", 12);
    assert!(turns.iter().all(|turns| (3..=5).contains(turns)), "{turns:?}");
}

#[test]
fn a_state_that_cannot_be_read_is_the_beginning() {
    let fresh = named("abc").rank();
    let nan = currents::write(&[currents::mark(&candidate("a"))], &[UNKNOWN]);
    for garbage in [b"garbage".to_vec(), vec![0xff; 48], vec![0; 16_000], nan] {
        let mut bench = named("abc");
        bench.state = garbage;
        assert_eq!(bench.rank().order, fresh.order);
        let turns = turns(&mut bench, 3, 30);
        assert!(turns.iter().all(|turns| (9..=11).contains(turns)), "{turns:?}");
    }
}

#[test]
fn nobody_is_there_or_nobody_weighs_anything() {
    assert!(named("").rank().order.is_empty());
    let away = named("ab").fact(&Fact::Available, &[0.0, 0.0]).rank();
    assert_eq!((away.order, away.state), (vec![0, 1], None));
    let mut weightless = named("ab").fact(&Fact::Weight, &[0.0, 0.0]);
    assert_eq!(turns(&mut weightless, 2, 10), [5, 5]);
    let mut one_weightless = named("ab").fact(&Fact::Weight, &[0.0, 0.001]);
    assert_eq!(turns(&mut one_weightless, 2, 10), [0, 10]);
}

#[test]
fn everybody_is_ranked() {
    assert_ranks_everybody::<WeightedRoundRobin>(&json!({}));
}

#[test]
fn settings_are_what_the_schema_says() {
    assert_schema_tells_defaults::<Settings>(&WeightedRoundRobin::describe().settings_schema);
    for floor in [0.0, -1.0, 1.5] {
        let error = WeightedRoundRobin::configure(Settings { floor }, Vec::new()).unwrap_err();
        assert!(error.contains("from 0.001 to 1"), "{error}");
    }
}

#[test]
fn five_hundred_candidates_fit_the_state_many_times_over() {
    let state = Bench::<WeightedRoundRobin>::new(500).rank().state.unwrap();
    assert_eq!(state.len(), 8000);
    let too_many = (0..4097).map(|index| candidate(&index.to_string())).collect();
    let error = WeightedRoundRobin::configure(Settings::default(), too_many).unwrap_err();
    assert_eq!(error, "4097 candidates; at most 4096 fit the state");
}
