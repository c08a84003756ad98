//! How often each comes first, and second, and whatever else may be handed over.

use patchbay_sdk::testkit::{Bench, assert_ranks_everybody, assert_shares};
use serde_json::json;

use super::*;

fn bench(weights: &[f64]) -> Bench<Weighted> {
    Bench::new(weights.len() as u32).fact(&Fact::Weight, weights)
}

#[test]
fn shares_are_those_of_the_weights() {
    assert_shares(
        &bench(&[1.0, 2.0, 5.0, 2.0]).served(10_000),
        &[0.1, 0.2, 0.5, 0.2],
    );
    assert_shares(&bench(&[0.001, 0.003]).served(10_000), &[0.25, 0.75]);
    assert_shares(&bench(&[7.0; 4]).served(10_000), &[0.25; 4]);
}

#[test]
fn among_those_that_are_left_shares_are_those_of_the_weights_again() {
    let mut bench = bench(&[1.0, 6.0, 3.0]).fact(&Fact::Available, &[1.0, 0.0, 1.0]);
    assert_shares(&bench.served(10_000), &[0.25, 0.0, 0.75]);
}

/// The probability of an order is the product of the shares among those that are left: 1 2 3 has 1/6 x 2/5, and so on.
#[test]
fn whole_orders_are_as_likely_as_drawing_without_replacement_makes_them() {
    let mut bench = bench(&[1.0, 2.0, 3.0]);
    let expected = [
        ([0, 1, 2], 1.0 / 6.0 * 2.0 / 5.0),
        ([0, 2, 1], 1.0 / 6.0 * 3.0 / 5.0),
        ([1, 0, 2], 2.0 / 6.0 * 1.0 / 4.0),
        ([1, 2, 0], 2.0 / 6.0 * 3.0 / 4.0),
        ([2, 0, 1], 3.0 / 6.0 * 1.0 / 3.0),
        ([2, 1, 0], 3.0 / 6.0 * 2.0 / 3.0),
    ];
    let mut dice = Dice::new(5);
    let mut seen = [0; 6];
    for _ in 0..60_000 {
        bench.request.entropy = dice.bits();
        let order = bench.rank().order;
        let which = expected.iter().position(|(known, _)| *known == order[..]);
        seen[which.expect("one of six orders")] += 1;
    }
    assert_shares(&seen, &expected.map(|(_, share)| share));
}

#[test]
fn a_weight_of_zero_goes_last_and_one_that_is_not_known_counts_as_one() {
    let mut bench = bench(&[0.0, 3.0, f64::NAN, -0.0]);
    assert_shares(&bench.served(10_000), &[0.0, 0.75, 0.25, 0.0]);
    let mut bench = bench.fact(&Fact::Available, &[1.0, 0.0, 0.0, 1.0]);
    assert_shares(&bench.served(10_000), &[0.5, 0.0, 0.0, 0.5]);
    let mut tiny = self::bench(&[0.0, 1e-250]);
    assert_eq!(tiny.served(10_000), [0, 10_000]);
}

#[test]
fn everybody_is_ranked() {
    assert_ranks_everybody::<Weighted>(&json!({}));
}

/// Worked through by hand from the entropy 0, so that nobody changes what recorded decisions are replayed with.
#[test]
fn the_same_bits_make_the_same_order() {
    let drawn: Vec<f64> = std::iter::repeat_n((), 3)
        .scan(Dice::new(0), |dice, ()| Some(dice.fraction()))
        .collect();
    assert_eq!(
        drawn.iter().map(|u| (u * 1e4) as u32).collect::<Vec<_>>(),
        [8833, 4315, 264]
    );
    // -ln: 0.1240, 0.8403, 3.6335; over the weights 1, 8, 40: 0.1240, 0.1050, 0.0908.
    assert_eq!(bench(&[1.0, 8.0, 40.0]).rank().order, [2, 1, 0]);
}
