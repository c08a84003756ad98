//! How often each order comes, and whatever else may be handed over.

use patchbay_sdk::strategy::Fact;
use patchbay_sdk::testkit::{Bench, assert_ranks_everybody, assert_shares};
use serde_json::json;

use super::*;

#[test]
fn everybody_comes_first_equally_often() {
    let mut bench = Bench::<Random>::new(7);
    assert_shares(&bench.served(10_000), &[1.0 / 7.0; 7]);
    let mut bench = bench.fact(&Fact::Available, &[1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
    assert_shares(&bench.served(10_000), &[0.2, 0.0, 0.2, 0.2, 0.0, 0.2, 0.2]);
}

#[test]
fn every_order_is_as_likely() {
    let mut bench = Bench::<Random>::new(4);
    let mut dice = Dice::new(5);
    let mut seen = [0; 256];
    for _ in 0..48_000 {
        bench.request.entropy = dice.bits();
        let order = bench.rank().order;
        seen[order
            .iter()
            .fold(0, |number, &candidate| number * 4 + candidate as usize)] += 1;
    }
    let seen: Vec<usize> = seen.into_iter().filter(|&times| times > 0).collect();
    assert_shares(&seen, &[1.0 / 24.0; 24]);
}

#[test]
fn everybody_is_ranked() {
    assert_ranks_everybody::<Random>(&json!({}));
}

/// Worked through by hand from the entropy 0, so that nobody changes what recorded decisions are replayed with: of
/// 4, 3 and 2 places, the fractions 0.883, 0.431 and 0.026 are 3, 1 and 0.
#[test]
fn the_same_bits_make_the_same_order() {
    assert_eq!(Bench::<Random>::new(4).rank().order, [2, 0, 1, 3]);
}
