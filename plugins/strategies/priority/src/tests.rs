//! The order, by example and over random pools.

use patchbay_sdk::testkit::{Bench, Dice, assert_ranks_everybody};
use serde_json::json;

use super::*;

#[test]
fn the_lowest_value_goes_first_and_equals_keep_their_order() {
    let mut bench = Bench::<Priority>::new(5).fact(&Fact::Priority, &[10.0, 1.0, 10.0, f64::NAN, 0.0]);
    assert_eq!(bench.rank().order, [4, 1, 0, 2, 3]);
    assert_eq!(bench.rank_among(&[3, 2, 0]).order, [2, 0, 3]);
}

#[test]
fn every_candidate_is_ranked_in_order() {
    let mut dice = Dice::new(7);
    for _ in 0..1000 {
        let numbers: Vec<f64> = (0..=dice.below(40)).map(|_| dice.below(5) as f64).collect();
        let order = Bench::<Priority>::new(numbers.len() as u32)
            .fact(&Fact::Priority, &numbers)
            .rank()
            .order;
        assert_eq!(order.len(), numbers.len());
        let value = |candidate: u32| numbers[candidate as usize];
        for pair in order.windows(2) {
            let in_order = (value(pair[0]), pair[0]) < (value(pair[1]), pair[1]);
            assert!(in_order, "{order:?} of {numbers:?}");
        }
    }
}

#[test]
fn nobody_is_an_empty_order() {
    assert!(Bench::<Priority>::new(0).rank().order.is_empty());
}

#[test]
fn everybody_is_ranked() {
    assert_ranks_everybody::<Priority>(&json!({}));
}
