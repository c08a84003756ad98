//! Prices with worked numbers, turns among equals, and whatever else may be handed over.

use patchbay_sdk::testkit::{Bench, assert_ranks_everybody, assert_schema_tells_defaults};
use serde_json::{Value, json};

use super::*;

const NAN: f64 = f64::NAN;

fn bench(settings: &Value, input: &[f64], output: &[f64]) -> Bench<Cost> {
    let pool = patchbay_sdk::testkit::pool(input.len() as u32);
    Bench::configured(settings, pool)
        .expect("settings")
        .fact(&Fact::InputPrice, input)
        .fact(&Fact::OutputPrice, output)
}

#[test]
fn the_cheapest_goes_first() {
    // (3 x 0.15 + 0.60) / 4 = 0.2625, (3 x 0.27 + 1.10) / 4 = 0.4775, 0, (3 x 0.50 + 0.10) / 4 = 0.40.
    let order = bench(&json!({}), &[0.15, 0.27, 0.0, 0.50], &[0.60, 1.10, 0.0, 0.10])
        .rank()
        .order;
    assert_eq!(order, [2, 0, 3, 1]);
}

#[test]
fn what_is_written_may_count_more() {
    // 3 and 2 by default, 4.2 and 5.2 where nine in ten tokens are output.
    let (input, output) = ([2.5, 0.8], [4.5, 5.6]);
    assert_eq!(bench(&json!({}), &input, &output).rank().order, [1, 0]);
    assert_eq!(
        bench(&json!({"input_share": 0.1}), &input, &output).rank().order,
        [0, 1]
    );
    assert_eq!(
        bench(&json!({"input_share": 1}), &[1.0, 2.0], &[9.0, 1.0])
            .rank()
            .order,
        [0, 1]
    );
}

#[test]
fn one_price_stands_for_both_and_none_is_dearer_than_any() {
    let order = bench(&json!({}), &[NAN, 2.0, NAN, 1e9], &[NAN, NAN, 1.0, 1e9])
        .rank()
        .order;
    assert_eq!(order, [2, 1, 3, 0]);
}

#[test]
fn those_that_cost_the_same_take_turns() {
    let mut bench = bench(&json!({}), &[1.0, 1.0, 0.5, 1.0], &[1.0, 1.0, 0.5, 1.0])
        .fact(&Fact::Available, &[1.0, 1.0, 0.0, 1.0]);
    let orders: Vec<_> = (0..4).map(|_| bench.rank().order).collect();
    assert_eq!(orders, [[0, 1, 3, 2], [1, 3, 0, 2], [3, 0, 1, 2], [0, 1, 3, 2]]);
    assert_eq!(bench.served(9999), [3333, 3333, 0, 3333]);
}

#[test]
fn everybody_is_ranked() {
    assert_ranks_everybody::<Cost>(&json!({}));
    assert_ranks_everybody::<Cost>(&json!({"input_share": 0}));
}

#[test]
fn the_schema_says_what_the_defaults_are() {
    assert_schema_tells_defaults::<Cost>(&Cost::describe().settings_schema);
}
