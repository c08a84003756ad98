//! Loads with worked numbers, a crowd that spreads by weight, and whatever else may be handed over.

use patchbay_sdk::testkit::{Bench, assert_ranks_everybody};
use serde_json::json;

use super::*;

fn bench(in_flight: &[f64], weights: &[f64]) -> Bench<LeastConnections> {
    Bench::new(in_flight.len() as u32)
        .fact(&Fact::InFlight, in_flight)
        .fact(&Fact::Weight, weights)
}

#[test]
fn whoever_has_the_least_to_do_for_its_weight_goes_first() {
    // 4 / 2 = 2, 1 / 1, 3 / 4 = 0.75, 9 / 6 = 1.5, and 5 for one whose weight is not known.
    let order = bench(&[4.0, 1.0, 3.0, 9.0, 5.0], &[2.0, 1.0, 4.0, 6.0, f64::NAN])
        .rank()
        .order;
    assert_eq!(order, [2, 1, 3, 0, 4]);
}

#[test]
fn those_that_have_nothing_to_do_take_turns() {
    let mut bench =
        bench(&[0.0, 2.0, 0.0, 0.0], &[1.0, 9.0, 5.0, 1.0]).fact(&Fact::Available, &[1.0, 1.0, 1.0, 0.0]);
    let orders: Vec<_> = (0..3).map(|_| bench.rank().order).collect();
    assert_eq!(orders, [[0, 2, 1, 3], [2, 0, 1, 3], [0, 2, 1, 3]]);
}

#[test]
fn a_weight_of_zero_goes_last_even_without_anything_to_do() {
    let mut bench = bench(&[0.0, 50.0, 0.0], &[0.0, 1.0, -0.0]);
    assert_eq!(bench.rank().order, [1, 0, 2]);
    assert_eq!(bench.rank().order, [1, 2, 0], "they take turns");
}

/// As many attempts under way as there were requests, since none of them ends.
#[test]
fn a_crowd_spreads_by_weight() {
    let weights = [1.0, 2.0, 5.0, 0.0, 2.0];
    let mut in_flight = [0.0; 5];
    for sequence in 0..10_000 {
        let mut bench = bench(&in_flight, &weights);
        bench.request.sequence = sequence;
        in_flight[bench.rank().order[0] as usize] += 1.0;
    }
    assert_eq!(in_flight, [1000.0, 2000.0, 5000.0, 0.0, 2000.0]);
}

#[test]
fn everybody_is_ranked() {
    assert_ranks_everybody::<LeastConnections>(&json!({}));
}
