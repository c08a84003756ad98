//! Who goes first, by example.

use patchbay_sdk::testkit::{Bench, assert_ranks_everybody, pool};
use serde_json::json;

use super::*;

fn bench(size: u32) -> Bench<Thrifty> {
    Bench::configured(&json!({"budget_ms": 2000}), pool(size)).unwrap()
}

#[test]
fn the_cheapest_in_time_goes_first_and_the_slow_follow() {
    let mut bench = bench(5)
        .fact(&Fact::LatencyP95Ms, &[900.0, 8000.0, f64::NAN, 3000.0, 1500.0])
        .fact(&Fact::InputPrice, &[2.0, 0.0, 1.0, 0.1, f64::NAN])
        .fact(&Fact::OutputPrice, &[8.0, 0.0, 4.0, 0.4, f64::NAN]);
    assert_eq!(bench.rank().order, [2, 0, 4, 3, 1]);
    assert_eq!(
        bench.rank_among(&[0, 1]).order,
        [0, 1],
        "a request that needs much is offered few"
    );
}

#[test]
fn one_request_in_fifty_finds_out_whether_a_slow_one_has_become_quicker() {
    let mut bench = bench(2).fact(&Fact::LatencyP95Ms, &[900.0, 8000.0]);
    assert_eq!(bench.served(100), [98, 2]);
}

#[test]
fn nobody_is_left_out_and_the_same_is_decided_twice() {
    assert_ranks_everybody::<Thrifty>(&json!({"budget_ms": 2000}));
}

#[test]
fn settings_that_do_not_fit_are_refused() {
    let refused = Bench::<Thrifty>::configured(&json!({"budget": 2000}), pool(1)).unwrap_err();
    assert!(
        refused.starts_with("settings: missing field `budget_ms`"),
        "{refused}"
    );
}
