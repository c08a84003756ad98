//! What a person sees at 80 columns.

use super::*;
use crate::accounts::{ModelView, Totals};
use crate::cli::snapshot;
use crate::pool::LimitView;

pub(in crate::cli) const NOW: u64 = 1_795_132_800_000;
const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

pub(in crate::cli) fn available() -> KeyView {
    KeyView {
        state: "available".to_owned(),
        class: None,
        message: None,
        since: Some(NOW - 26 * HOUR),
        first_error: None,
        last_error: None,
        attempts: 0,
        next_recheck: None,
        next_recheck_seconds: None,
        due: false,
        health: Some("healthy".to_owned()),
    }
}

/// In trouble for so many seconds, until so many from now.
pub(in crate::cli) fn troubled(
    state: &str,
    class: &str,
    message: &str,
    seconds: u64,
    until: Option<u64>,
) -> KeyView {
    KeyView {
        state: state.to_owned(),
        class: Some(class.to_owned()),
        message: Some(message.to_owned()),
        since: Some(NOW - SECOND),
        first_error: Some(NOW - seconds * SECOND),
        last_error: Some(NOW - 2 * SECOND),
        attempts: 2,
        next_recheck: until.map(|until| NOW + until * SECOND),
        next_recheck_seconds: until,
        due: until == Some(0),
        health: Some("unhealthy".to_owned()),
    }
}

pub(in crate::cli) fn traffic(requests: u64, success_rate: f64, latency_ms: f64) -> Traffic {
    Traffic {
        in_flight: 1,
        requests,
        success_rate: Some(success_rate),
        latency_ms: Some(latency_ms),
        latency_p95_ms: Some(latency_ms * 3.0),
        first_token_ms: None,
        first_token_p95_ms: None,
    }
}

pub(in crate::cli) fn account(
    name: &str,
    key: KeyView,
    traffic: Traffic,
    models: Vec<ModelView>,
) -> AccountView {
    let (vendor, account) = name.split_once('/').unwrap();
    AccountView {
        vendor: vendor.to_owned(),
        account: account.to_owned(),
        key,
        traffic,
        limits: vec![],
        models,
    }
}

pub(in crate::cli) fn model(name: &str, key: KeyView, traffic: Traffic) -> ModelView {
    ModelView {
        model: name.to_owned(),
        key,
        traffic,
        limits: vec![],
    }
}

/// Of which so much is used, until so many seconds from now.
pub(in crate::cli) fn limit(name: &str, unit: &str, used: f64, most: f64, seconds: u64) -> LimitView {
    LimitView {
        name: name.to_owned(),
        unit: unit.to_owned(),
        used: Some(used),
        most: Some(most),
        remaining: Some(most - used),
        resets_at: Some(NOW + seconds * SECOND),
        learned: false,
        warned: used >= 0.8 * most,
    }
}

fn status(accounts: Vec<AccountView>) -> Status {
    Status {
        version: "0.1.0".to_owned(),
        now: NOW,
        uptime_seconds: 11_520,
        generation: 3,
        totals: Totals::of(&accounts),
        accounts,
    }
}

#[test]
fn those_that_need_somebody_come_first() {
    let idle = Traffic::default();
    let refused = "Incorrect API key provided: \u{1b}[31msk-...wxyz\u{1b}[0m.\nYou can find your API key at the vendor's \
                   console, where it can also be rotated and revoked";
    let off = KeyView {
        state: UNAVAILABLE.to_owned(),
        message: Some("vendors.north.accounts.spare: switched off by enabled = false".to_owned()),
        since: None,
        ..available()
    };
    let models = vec![
        model("small", available(), traffic(900, 1.0, 420.0)),
        model(
            "large-with-a-name-that-no-column-has-room-for",
            troubled("cooling down", "rate_limit_exceeded", "slow down", 4, Some(2)),
            traffic(100, 0.8, 2_345.0),
        ),
    ];
    let quota = "You exceeded your current quota, please check your plan and billing details";
    let mut first = account("east/first", available(), traffic(12_000, 0.9999, 640.0), vec![]);
    first.key.health = Some("degraded".to_owned());
    first.limits = vec![
        limit("requests_per_minute", "requests", 55.0, 60.0, 12),
        limit("daily_tokens", "tokens", 1.0, 1e6, 12),
    ];
    let accounts = vec![
        first,
        account("east/team-b", available(), traffic(1_000, 0.97, 612.0), models),
        account(
            "north/main",
            troubled("out of service", "insufficient_quota", quota, 720, Some(252)),
            traffic(50, 0.31, 810.0),
            vec![],
        ),
        account("north/spare", off, idle.clone(), vec![]),
        account(
            "west/backup",
            troubled(
                "disabled by failure",
                "authentication_error",
                refused,
                10_921,
                None,
            ),
            traffic(7, 0.0, 120.0),
            vec![],
        ),
        account(
            "west/old",
            troubled(
                "disabled by failure",
                "unknown_error",
                "账户异常",
                400_000,
                Some(0),
            ),
            idle,
            vec![],
        ),
    ];
    snapshot::matches("status", &render(&status(accounts), "127.0.0.1:8080"));
}

#[test]
fn when_all_is_well_it_says_so() {
    let models = vec![model("small", available(), Traffic::default())];
    let accounts = vec![account(
        "east/first",
        available(),
        traffic(12, 1.0, 640.0),
        models,
    )];
    snapshot::matches("status.well", &render(&status(accounts), "gateway.example:443"));
    snapshot::matches("status.empty", &render(&status(vec![]), "127.0.0.1:8080"));
}

#[test]
fn what_is_tried_again_by_itself_needs_nobody() {
    let cooling = troubled("cooling down", "timeout", "no reply within 60 s", 5, Some(1));
    let text = render(
        &status(vec![account("a/b", cooling, Traffic::default(), vec![])]),
        "x:1",
    );
    assert!(
        text.ends_with("Nothing needs you: what is left alone is tried again by itself.\n"),
        "{text}"
    );
}
