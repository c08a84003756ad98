//! Orders with worked numbers, turns, who is asked to show that it has recovered, and whatever else may be handed over.

use patchbay_sdk::testkit::{Bench, assert_ranks_everybody, assert_schema_tells_defaults};
use serde_json::json;

use super::*;

fn bench(health: &[f64], rates: &[f64]) -> Bench<Health> {
    Bench::new(health.len() as u32)
        .fact(&Fact::Health, health)
        .fact(&Fact::SuccessRate, rates)
}

#[test]
fn the_word_decides_and_then_the_success_rate() {
    // 4 x 0.5 + 1.00 = 3.00, 4 x 1 + 0.90 = 4.90, 0 + 0.99, 4 + 0.97, and 4 + 1 for one of which nothing is known.
    let order = bench(
        &[0.5, 1.0, 0.0, 1.0, f64::NAN],
        &[1.0, 0.90, 0.99, 0.97, f64::NAN],
    )
    .rank()
    .order;
    assert_eq!(order, [4, 3, 1, 0, 2]);
}

#[test]
fn equals_take_turns_of_which_others_take_none() {
    let mut bench = bench(&[1.0, 0.5, 1.0, 1.0], &[1.0; 4]).fact(&Fact::Available, &[1.0, 1.0, 1.0, 0.0]);
    let firsts: Vec<u32> = (0..22).map(|_| bench.rank().order[0]).collect();
    let mut expected: Vec<u32> = [0, 2].repeat(9);
    expected.extend([0, 1, 2, 0]);
    assert_eq!(firsts, expected, "the twentieth request is for another");
    bench.request.sequence = 0;
    assert_eq!(bench.served(10_000), [4750, 500, 4750, 0]);
}

#[test]
fn a_request_for_another_says_so_and_goes_on_to_the_healthiest() {
    let mut bench = bench(&[1.0, 0.0, 0.5], &[1.0, 0.2, 0.4]);
    assert_eq!(bench.rank().note, None);
    bench.request.sequence = 19;
    let ranking = bench.rank();
    assert_eq!(ranking.order, [1, 0, 2]);
    assert_eq!(
        ranking.note.as_deref(),
        Some("not the best: one of the others, in turn")
    );
    bench.request.sequence = 39;
    assert_eq!(bench.rank().order, [2, 0, 1]);
}

/// A candidate that has recovered answers well from now on, and its rate is that of the last 40 attempts.
#[test]
fn a_candidate_that_has_recovered_is_back_soon() {
    let (mut health, mut rates) = ([1.0, 0.0], [1.0, 0.0]);
    let mut asked = 0;
    for sequence in 0..2000 {
        let mut bench = bench(&health, &rates);
        bench.request.sequence = sequence;
        if bench.rank().order[0] == 1 {
            asked += 1;
            rates[1] = f64::from(asked.min(40)) / 40.0;
            health[1] = if rates[1] < 0.9 { 0.5 } else { 1.0 };
        }
    }
    assert_eq!(rates, [1.0, 1.0]);
    // Forty requests of which each is one in twenty, then half of what is left.
    assert!((590..=650).contains(&asked), "{asked}");
}

#[test]
fn others_are_asked_as_often_as_is_set() {
    let bench = |every: u64| {
        let settings = json!({"others_every": every});
        let bench = Bench::<Health>::configured(&settings, patchbay_sdk::testkit::pool(3)).expect("settings");
        bench.fact(&Fact::Health, &[0.5, 1.0, 0.0])
    };
    assert_eq!(bench(0).served(1000), [0, 1000, 0]);
    assert_eq!(bench(10).served(1000), [50, 900, 50]);
    assert_eq!(bench(1).served(1000), [500, 0, 500]);
}

#[test]
fn everybody_is_ranked() {
    assert_ranks_everybody::<Health>(&json!({}));
    assert_ranks_everybody::<Health>(&json!({"others_every": 1}));
}

#[test]
fn the_schema_says_what_the_defaults_are() {
    assert_schema_tells_defaults::<Health>(&Health::describe().settings_schema);
}
