//! Words, windows and percentiles over given times.

use super::*;

const START: Millis = 1_700_000_000_000;
const MINUTE: Millis = 60_000;

fn millis(time: u64) -> Duration {
    Duration::from_millis(time)
}

#[test]
fn three_failures_in_a_row_are_unhealthy_and_a_success_is_announced_with_what_was_before() {
    let health = Health::new();
    assert_eq!(
        health.condition(START),
        Condition::Healthy,
        "nothing speaks against it"
    );
    let turn = health.failed(START);
    assert_eq!(turn, Some((Condition::Healthy, Condition::Degraded)));
    assert_eq!(health.failed(START), None);
    let turn = health.failed(START);
    assert_eq!(turn, Some((Condition::Degraded, Condition::Unhealthy)));
    let turn = health.succeeded(START, millis(5), None);
    assert_eq!(turn, Some((Condition::Unhealthy, Condition::Healthy)));
}

#[test]
fn a_small_share_of_successes_is_degraded_until_five_minutes_have_passed() {
    let health = Health::new();
    for _ in 0..5 {
        health.failed(START);
        health.succeeded(START, millis(5), None);
    }
    assert!((health.success_rate(START) - 0.5).abs() < 1e-9);
    assert_eq!(health.condition(START), Condition::Degraded);
    assert_eq!(health.condition(START + 4 * MINUTE), Condition::Degraded);
    let later = START + 5 * MINUTE + 30_000;
    assert!(health.success_rate(later).is_nan());
    assert_eq!(health.condition(later), Condition::Healthy);
}

#[test]
fn slots_are_used_again_without_their_old_counts() {
    let health = Health::new();
    for minute in 0..20 {
        health.failed(START + minute * MINUTE);
    }
    health.succeeded(START + 20 * MINUTE, millis(1), None);
    // Four failures lie less than five minutes back.
    assert!((health.success_rate(START + 20 * MINUTE) - 0.2).abs() < 1e-9);
}

#[test]
fn averages_and_percentiles_are_those_of_the_recent_ones() {
    let health = Health::new();
    assert!(health.latency.average_ms().is_nan() && health.latency.percentiles().p50.is_nan());
    for time in 1..=100 {
        health.succeeded(START, millis(time), Some(millis(time / 10)));
    }
    let percentiles = health.latency.percentiles();
    assert_eq!(
        (percentiles.p50, percentiles.p95, percentiles.p99),
        (50.0, 95.0, 99.0)
    );
    assert!(
        (health.latency.p95_ms() - 93.0).abs() <= 8.0,
        "{}",
        health.latency.p95_ms()
    );
    for _ in 0..128 {
        health.succeeded(START, millis(7), None);
    }
    assert_eq!(health.latency.percentiles().p99, 7.0);
    assert!((health.latency.average_ms() - 7.0).abs() < 0.01);
    assert_eq!(health.first_token.percentiles().p99, 9.0);
}
