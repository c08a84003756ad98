//! What vendors say is left of their limits.

use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue};
use patchbay_simulator::Rule;
use patchbay_tests::eventually;
use serde_json::{Value, json};

use crate::allowance::{accounts, assert_limited, at_once, served, start};
use crate::setup::{hello, simulator, streamed, with};

/// Rules that have the vendor say what is left of its requests.
fn says(account: &str, remaining: &'static str, reset: &'static str) -> Rule {
    let name = |text| HeaderName::from_static(text);
    Rule::always()
        .account(format!("{account}-key"))
        .header(
            name("x-ratelimit-limit-requests"),
            HeaderValue::from_static("100"),
        )
        .header(
            name("x-ratelimit-remaining-requests"),
            HeaderValue::from_static(remaining),
        )
        .header(
            name("x-ratelimit-reset-requests"),
            HeaderValue::from_static(reset),
        )
}

#[tokio::test]
async fn what_vendors_say_is_left_is_kept_to() {
    let simulator = simulator().await;
    let gateway = start(
        &simulator,
        "settings = { read_limits = true }",
        &[("a", ""), ("b", "")],
    )
    .await;
    simulator.set_rules(vec![says("a", "2", "3s")]);
    let ask = async |request: Value| {
        let answer = gateway.client().chat(&request).await;
        (answer.status, answer.header("x-patchbay-account").to_owned())
    };
    let by = |account: &str| (200, account.to_owned());
    assert_eq!(ask(hello()).await, by("a"));
    simulator.set_rules(vec![]);
    let told = Instant::now();
    for _ in 0..2 {
        assert_eq!(ask(hello()).await, by("a"), "counted down");
    }
    for _ in 0..3 {
        assert_eq!(ask(hello()).await, by("b"));
    }
    assert_eq!(
        ask(with(hello(), json!({"model": "n"}))).await,
        by("a"),
        "another model"
    );
    tokio::time::sleep(Duration::from_secs(3).saturating_sub(told.elapsed())).await;
    assert_eq!(ask(hello()).await, by("a"), "the window is over");
    // Streams are told as well, and callers when there is nobody left.
    simulator.set_rules(vec![says("a", "0", "20s"), says("b", "0", "40s")]);
    for _ in 0..2 {
        let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
        assert!(stream.is_done(), "{:?}", stream.events);
    }
    let answer = gateway.client().chat(&hello()).await;
    assert_limited(&answer, "rate_limit_exceeded", 18..=20);
    // What is no number, or is absurd, takes nobody away.
    gateway.write_config(&(accounts(&simulator, "settings = { read_limits = true }", &[("c", "")])));
    eventually("the account is there", async || {
        (ask(hello()).await == by("c")).then_some(())
    })
    .await;
    for remaining in ["-1", "NaN", "inf", "1e300", "many", ""] {
        simulator.set_rules(vec![says("c", remaining, "900h")]);
        for _ in 0..2 {
            assert_eq!(ask(hello()).await, by("c"), "{remaining:?}");
        }
    }
}

/// Many at once, while the vendor says that little is left: those on their way are not in what it says.
#[tokio::test]
async fn a_crowd_does_not_run_into_a_limit_it_was_told_of() {
    let simulator = simulator().await;
    let gateway = start(
        &simulator,
        "settings = { read_limits = true }",
        &[("a", ""), ("b", "")],
    )
    .await;
    simulator.set_rules(vec![says("a", "5", "30s")]);
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    simulator.set_rules(vec![Rule::always().latency(Duration::from_millis(100))]);
    for answer in at_once(&gateway.client(), 40, &hello()).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(
        served(&simulator),
        [("a".to_owned(), 6), ("b".to_owned(), 35)].into()
    );
}
