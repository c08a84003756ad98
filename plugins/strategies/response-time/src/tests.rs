//! Orders with worked numbers, who is tried first, who is asked again, and whatever else may be handed over.

use patchbay_sdk::testkit::{Bench, assert_ranks_everybody, assert_schema_tells_defaults};
use serde_json::json;

use super::*;

const NAN: f64 = f64::NAN;

fn bench(latency: &[f64]) -> Bench<ResponseTime> {
    Bench::new(latency.len() as u32).fact(&Fact::LatencyMs, latency)
}

#[test]
fn the_fastest_goes_first() {
    let mut bench = bench(&[800.0, 300.0, 2000.0]).fact(&Fact::FirstTokenMs, &[100.0, 250.0, 90.0]);
    assert_eq!(bench.rank().order, [1, 0, 2]);
    bench.request.streaming = true;
    assert_eq!(
        bench.rank().order,
        [2, 0, 1],
        "a stream is as fast as its first token"
    );
    let mut bench = bench.fact(&Fact::Available, &[1.0, 1.0, 0.0]);
    assert_eq!(bench.rank().order, [0, 1, 2]);
}

#[test]
fn who_is_not_known_goes_first_while_nothing_is_under_way_there() {
    let mut idle = bench(&[300.0, NAN, 200.0, NAN]).fact(&Fact::InFlight, &[0.0; 4]);
    assert_eq!(idle.rank().order, [1, 3, 2, 0]);
    assert_eq!(idle.rank().order, [3, 1, 2, 0], "in turn");
    let mut busy = bench(&[300.0, NAN, 200.0, NAN]).fact(&Fact::InFlight, &[7.0, 1.0, 7.0, 0.0]);
    assert_eq!(busy.rank().order, [3, 2, 0, 1]);
    let mut failed = busy.fact(&Fact::ConsecutiveFailures, &[1.0, 0.0, 0.0, 1.0]);
    assert_eq!(
        failed.rank().order,
        [2, 0, 3, 1],
        "one that fails is not known for long"
    );
}

/// Everybody starts without a time, nobody has answered yet: the crowd spreads.
#[test]
fn a_crowd_at_the_start_spreads() {
    let mut in_flight = [0.0; 5];
    for sequence in 0..500 {
        let mut bench = bench(&[NAN; 5]).fact(&Fact::InFlight, &in_flight);
        bench.request.sequence = sequence;
        in_flight[bench.rank().order[0] as usize] += 1.0;
    }
    assert!(
        in_flight
            .iter()
            .all(|&requests| (80.0..120.0).contains(&requests)),
        "{in_flight:?}"
    );
}

#[test]
fn the_slow_are_asked_again_in_turn() {
    let mut bench = bench(&[30.0, 10.0, 20.0, 40.0]).fact(&Fact::Available, &[1.0, 1.0, 1.0, 0.0]);
    let firsts: Vec<u32> = (0..60).map(|_| bench.rank().order[0]).collect();
    let mut expected = [1; 60];
    (expected[19], expected[39], expected[59]) = (0, 2, 0);
    assert_eq!(firsts, expected);
    bench.request.sequence = 0;
    assert_eq!(bench.served(10_000), [250, 9500, 250, 0]);
}

/// The slow one has become the fastest; its average moves a tenth of the way with each answer.
#[test]
fn one_that_has_become_faster_is_back_soon() {
    let mut latency = [100.0, 2000.0, 150.0];
    let mut asked = 0;
    for sequence in 0..3000 {
        let mut bench = bench(&latency);
        bench.request.sequence = sequence;
        if bench.rank().order[0] == 1 {
            asked += 1;
            latency[1] += (20.0 - latency[1]) / 10.0;
        }
    }
    // 31 answers from 2000 below 100, each of them one in forty requests.
    assert!((1680..=1740).contains(&asked), "{asked}");
}

#[test]
fn others_are_asked_as_often_as_is_set() {
    let settings = json!({"others_every": 0});
    let bench =
        Bench::<ResponseTime>::configured(&settings, patchbay_sdk::testkit::pool(2)).expect("settings");
    assert_eq!(bench.fact(&Fact::LatencyMs, &[2.0, 1.0]).served(1000), [0, 1000]);
}

#[test]
fn everybody_is_ranked() {
    assert_ranks_everybody::<ResponseTime>(&json!({}));
}

#[test]
fn the_schema_says_what_the_defaults_are() {
    assert_schema_tells_defaults::<ResponseTime>(&ResponseTime::describe().settings_schema);
}
