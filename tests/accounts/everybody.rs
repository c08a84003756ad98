//! Nobody is left who could serve: callers are told so without anybody being asked, and told truly when to come back.

use std::time::Duration;

use patchbay_simulator::Rule;
use tokio::time::sleep;

use crate::fault::{come_back, no_quota, says};
use crate::stage::{Stage, only};
use crate::traffic::{End, Outcome, ask};

const SETTINGS: &str = r#"
[circuit]
first = "2s"

[recheck.classes.insufficient_quota]
after = "2s"
attempts = 3
"#;

async fn once(stage: &Stage) -> Outcome {
    ask(&stage.gateway.client(), stage.clock, "m0", false).await
}

/// Everybody fails like this until nobody is asked any more. What callers are told then.
async fn with_nobody(rule: Rule) -> (Stage, Outcome) {
    let stage = Stage::with_pool(SETTINGS).await;
    assert_eq!(once(&stage).await.end, End::Complete);
    stage.simulator.set_rules(only([rule]));
    for _ in 0..4 {
        assert_eq!(once(&stage).await.end, End::Refused);
    }
    let asked = stage.simulator.requests().len();
    let told = once(&stage).await;
    assert_eq!(stage.simulator.requests().len(), asked, "nobody is asked");
    (stage, told)
}

/// Whoever comes back when told to is served.
async fn comes_back(stage: &Stage, told: &Outcome) {
    stage.simulator.set_rules(only([]));
    let seconds = told
        .retry_after
        .unwrap_or_else(|| panic!("no retry-after: {told:#?}"));
    assert!((1..=2).contains(&seconds), "{told:#?}");
    sleep(Duration::from_secs(seconds)).await;
    let again = once(stage).await;
    assert_eq!(again.end, End::Complete, "{told:#?} and then {again:#?}");
}

#[tokio::test]
async fn limits_are_told_with_the_vendors_time() {
    let (stage, told) = with_nobody(come_back(429, 2)).await;
    assert_eq!(told.status, 429, "{told:#?}");
    comes_back(&stage, &told).await;
}

#[tokio::test]
async fn trouble_is_told_with_the_circuits_time() {
    let (stage, told) = with_nobody(says(503)).await;
    assert_eq!(told.status, 503, "{told:#?}");
    comes_back(&stage, &told).await;
}

#[tokio::test]
async fn used_up_quota_is_told_with_the_time_of_the_recheck() {
    let (stage, told) = with_nobody(no_quota()).await;
    assert_eq!(told.status, 429, "{told:#?}");
    comes_back(&stage, &told).await;
}

#[tokio::test]
async fn nobody_is_told_to_come_back_where_that_would_not_help() {
    let (_stage, told) = with_nobody(says(401)).await;
    assert_eq!((told.status, told.retry_after), (503, None), "{told:#?}");
}

/// The first one to be back counts, whatever the others wait for.
#[tokio::test]
async fn the_earliest_of_all_is_told() {
    let (stage, told) = {
        let stage = Stage::with_pool(SETTINGS).await;
        assert_eq!(once(&stage).await.end, End::Complete);
        let rules = [
            says(401),
            come_back(429, 60).account("north-b"),
            come_back(503, 2).account("east-b"),
        ];
        stage.simulator.set_rules(only(rules));
        assert_eq!(once(&stage).await.end, End::Refused);
        let told = once(&stage).await;
        (stage, told)
    };
    comes_back(&stage, &told).await;
}
