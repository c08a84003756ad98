//! Whose turn it is, by example and over random pools.

use patchbay_sdk::testkit::{Bench, Dice, assert_ranks_everybody};
use serde_json::json;

use super::*;

#[test]
fn candidates_take_turns() {
    let mut bench = Bench::<RoundRobin>::new(3).fact(&Fact::Available, &[1.0, 1.0, 1.0]);
    let orders: Vec<_> = (0..4).map(|_| bench.rank().order).collect();
    assert_eq!(orders, [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
}

#[test]
fn those_that_are_away_come_last_and_cost_nobody_a_turn() {
    let mut bench = Bench::<RoundRobin>::new(4).fact(&Fact::Available, &[1.0, 0.0, 1.0, 0.0]);
    let orders: Vec<_> = (0..3).map(|_| bench.rank().order).collect();
    assert_eq!(orders, [[0, 2, 1, 3], [2, 0, 3, 1], [0, 2, 1, 3]]);
}

#[test]
fn every_available_candidate_begins_equally_often() {
    let mut dice = Dice::new(3);
    for _ in 0..200 {
        let available: Vec<f64> = (0..=dice.below(12)).map(|_| dice.below(2) as f64).collect();
        let mut bench = Bench::<RoundRobin>::new(available.len() as u32).fact(&Fact::Available, &available);
        let here = available.iter().filter(|&&fact| fact == 1.0).count();
        let turns = if here == 0 { available.len() } else { here };
        bench.request.sequence = dice.bits() >> 1;
        let mut began = vec![0; available.len()];
        for _ in 0..turns * 3 {
            let order = bench.rank().order;
            assert_eq!(order.len(), available.len(), "nobody is left out");
            began[order[0] as usize] += 1;
        }
        for (fact, times) in available.iter().zip(began) {
            let expected = if *fact == 1.0 || here == 0 { 3 } else { 0 };
            assert_eq!(times, expected, "{available:?}");
        }
    }
}

#[test]
fn what_is_not_known_counts_as_available() {
    assert_eq!(Bench::<RoundRobin>::new(2).rank().order, [0, 1]);
    assert!(Bench::<RoundRobin>::new(0).rank().order.is_empty());
}

#[test]
fn everybody_is_ranked() {
    assert_ranks_everybody::<RoundRobin>(&json!({}));
}
