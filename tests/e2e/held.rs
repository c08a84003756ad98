//! Candidates that are left alone for a while, because asking them is known to be in vain.

use std::time::{Duration, Instant};

use http::HeaderValue;
use http::header::RETRY_AFTER;
use patchbay_simulator::Simulator;
use patchbay_tests::Gateway;

use crate::setup::{asked, hello, simulator, status, vendors, with_circuit};

async fn gateway(simulator: &Simulator, names: &[&str], circuit: &str) -> Gateway {
    let config = with_circuit(&vendors(simulator, names), circuit);
    Gateway::start(&["openai"], &config).await
}

#[tokio::test]
async fn a_model_the_vendor_does_not_know_is_not_asked_for_again_and_again() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one", "two"], "model_not_found = \"1s\"\n").await;
    simulator.set_rules(vec![status("one", 404)]);
    let started = Instant::now();
    for _ in 0..5 {
        assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    }
    assert_eq!(asked(&simulator), ["one", "two", "two", "two", "two", "two"]);
    assert!(started.elapsed() < Duration::from_secs(1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    simulator.set_rules(vec![]);
    assert_eq!(
        gateway.client().chat(&hello()).await.header("x-patchbay-vendor"),
        "one"
    );
}

#[tokio::test]
async fn with_nobody_else_the_caller_is_told_without_asking() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one"], "model_not_found = \"1m\"\n").await;
    simulator.set_rules(vec![status("one", 404)]);
    let first = gateway.client().chat(&hello()).await;
    let second = gateway.client().chat(&hello()).await;
    for answer in [&first, &second] {
        assert_eq!(
            (answer.status, answer.error().code.as_deref()),
            (404, Some("model_not_found"))
        );
    }
    assert_eq!(second.header("retry-after"), "60");
    assert_eq!(
        (second.header("x-patchbay-attempts"), simulator.requests().len()),
        ("0", 1)
    );
}

#[tokio::test]
async fn a_vendor_that_wants_to_be_left_alone_is_left_alone() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one", "two"], "").await;
    let seconds = |text| HeaderValue::from_static(text);
    simulator.set_rules(vec![
        status("one", 429).header(RETRY_AFTER, seconds("2")),
        status("two", 503).header(RETRY_AFTER, seconds("30")),
    ]);
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, "2"),
        "the earliest of both"
    );
    // Until then nobody is asked, and the caller learns when to come back.
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!(
        (answer.status, answer.error().code.as_deref()),
        (429, Some("rate_limit_exceeded"))
    );
    assert!(["1", "2"].contains(&answer.header("retry-after")));
    assert_eq!(asked(&simulator), ["one", "two"]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    simulator.set_rules(vec![]);
    assert_eq!(
        gateway.client().chat(&hello()).await.header("x-patchbay-vendor"),
        "one"
    );
}
