//! What a person sees of one account at 80 columns.

use super::*;
use crate::accounts::KeyAdvice;
use crate::cli::snapshot;
use crate::cli::status::tests::{NOW, account, available, limit, model, traffic, troubled};
use crate::failure::Kind;
use crate::pool::{Advice, LimitView, Schedule, State};
use crate::storage::KeyName;

const SCHEDULE: Schedule = Schedule {
    after: std::time::Duration::from_secs(3600),
    attempts: 3,
};

fn advice(model: Option<&str>, state: State, class: Option<&Kind>) -> KeyAdvice {
    let key = KeyName {
        vendor: "west".to_owned(),
        account: "backup".to_owned(),
        model: model.map(str::to_owned),
    };
    KeyAdvice {
        model: key.model.clone(),
        advice: Advice::on(&key, state, class),
    }
}

fn event(ago: u64, model: Option<&str>, from: &str, to: &str, class: Option<&str>) -> EventView {
    EventView {
        at: NOW - ago * 1000,
        model: model.map(str::to_owned),
        from: from.to_owned(),
        to: to.to_owned(),
        class: class.map(str::to_owned),
        message: None,
        vendor_code: None,
        until: None,
    }
}

#[test]
fn an_account_out_of_service_with_a_model_that_cools_down() {
    let quota = "You exceeded your current quota, please check your plan and billing details. For more information on \
                 this error, read the documentation";
    let key = troubled("out of service", "insufficient_quota", quota, 5_400, Some(1_812));
    let cooling = troubled("cooling down", "rate_limit_exceeded", "slow down", 4, Some(2));
    let models = vec![
        model("small", available(), traffic(900, 1.0, 420.0)),
        model("org/large", cooling, traffic(100, 0.8, 2_345.0)),
    ];
    let mut account = account("west/backup", key, traffic(1_000, 0.31, 810.0), models);
    account.limits = vec![
        limit("requests_per_minute", "requests", 12.0, 60.0, 41),
        limit("monthly_cost", "dollars", 20.0, 20.0, 1_900_000),
    ];
    account.models[1].limits = vec![LimitView {
        learned: true,
        ..limit("tokens", "tokens", 81_000.0, 100_000.0, 7)
    }];
    let out = State::OutOfService {
        until: 0,
        failed: 2,
        schedule: SCHEDULE,
    };
    let cooling = State::CoolingDown { until: 0, trials: 1 };
    let quota = Some("insufficient_quota");
    let analysis = Analysis {
        now: NOW,
        account,
        advice: vec![
            advice(None, out, Some(&Kind::InsufficientQuota)),
            advice(Some("org/large"), cooling, Some(&Kind::RateLimit)),
        ],
        history: vec![
            event(
                2,
                Some("org/large"),
                "half-open",
                "cooling down",
                Some("rate_limit_exceeded"),
            ),
            event(1_800, None, "rechecking", "out of service", quota),
            event(5_400, None, "available", "out of service", quota),
            event(200_000, Some("small"), "half-open", "available", None),
        ],
    };
    snapshot::matches("analyze", &render(&analysis));
}

#[test]
fn an_account_without_trouble() {
    let analysis = Analysis {
        now: NOW,
        account: account("west/backup", available(), Traffic::default(), vec![]),
        advice: vec![advice(None, State::Available { failures: 0 }, None)],
        history: vec![],
    };
    snapshot::matches("analyze.well", &render(&analysis));
}
