//! Quotas of a day and a month: used up, they stay used up, over restarts and crashes too.

use std::time::Duration;

use patchbay_simulator::Simulator;
use patchbay_tests::Gateway;
use serde_json::{Value, json};

use crate::allowance::{accounts, assert_limited, served};
use crate::setup::{hello, simulator, with};

/// What an answer to [`request`] uses, by the simulator.
async fn tokens_of_an_answer(simulator: &Simulator) -> u64 {
    let gateway = Gateway::start(&["openai"], &accounts(simulator, "", &[("a", "")])).await;
    let answer = gateway.client().chat(&request()).await;
    simulator.forget_requests();
    answer.json()["usage"]["total_tokens"].as_u64().unwrap()
}

/// May write no more than it does, so that what is reserved is what is used, and the input.
fn request() -> Value {
    with(hello(), json!({"max_tokens": 2}))
}

fn with_storage(config: &str, folder: &std::path::Path) -> String {
    let storage = format!("[storage]\npath = \"{}/patchbay.db\"", folder.display());
    config.replacen("[storage]\npath = \"off\"", &storage, 1)
}

fn passed<'a>(lines: &'a [Value], passed: &str) -> Vec<&'a Value> {
    let is_it = |line: &&Value| line["message"] == "limit" && line["passed"] == passed;
    lines.iter().filter(is_it).collect()
}

async fn say_it(gateway: &Gateway) -> (u16, String) {
    let answer = gateway.client().chat(&request()).await;
    (answer.status, answer.header("x-patchbay-account").to_owned())
}

/// Kills it. What was noted 100 ms before is there afterwards.
async fn crash(mut gateway: Gateway) {
    tokio::time::sleep(Duration::from_millis(200)).await;
    gateway.process.kill().unwrap();
    gateway.process.wait().unwrap();
}

/// Seconds until the day ends in UTC.
fn until_midnight() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    86_400 - now.unwrap().as_secs() % 86_400
}

#[tokio::test]
async fn a_quota_that_is_used_up_stays_so_over_a_restart_and_a_crash() {
    let simulator = simulator().await;
    let each = tokens_of_an_answer(&simulator).await;
    let folder = tempfile::tempdir().unwrap();
    // Room for ten and not for eleven.
    let limits = format!("daily_tokens = {}", each * 10 + each / 2);
    let both = accounts(&simulator, "", &[("a", &limits), ("b", "")]);
    let alone = accounts(&simulator, "", &[("a", &limits)]);
    let gateway = Gateway::start(&["openai"], &with_storage(&both, folder.path())).await;
    for _ in 0..5 {
        assert_eq!(say_it(&gateway).await, (200, "a".to_owned()));
    }
    crash(gateway).await;
    let gateway = Gateway::start(&["openai"], &with_storage(&both, folder.path())).await;
    let mut by_a = 0;
    while say_it(&gateway).await == (200, "a".to_owned()) {
        by_a += 1;
        assert!(by_a < 20);
    }
    assert_eq!(by_a + 5, served(&simulator)["a"]);
    assert!((9..=10).contains(&(by_a + 5)), "{by_a}");
    for _ in 0..3 {
        assert_eq!(say_it(&gateway).await, (200, "b".to_owned()));
    }
    gateway
        .logged("used up", |line| line["passed"] == "used up")
        .await;
    let log = gateway.log();
    for what in ["warning", "used up"] {
        let lines = passed(&log, what);
        assert_eq!(lines.len(), 1, "{what}: {lines:?}");
        assert_eq!(
            (&lines[0]["account"], &lines[0]["limit"]),
            (&json!("a"), &json!("daily_tokens"))
        );
        let labels = [("passed", what), ("account", "a"), ("limit", "daily_tokens")];
        assert_eq!(gateway.metric("patchbay_limits_passed_total", &labels).await, 1.0);
    }
    crash(gateway).await;
    let gateway = Gateway::start(&["openai"], &with_storage(&alone, folder.path())).await;
    let answer = gateway.client().chat(&request()).await;
    let left = until_midnight();
    assert_limited(&answer, "insufficient_quota", left.saturating_sub(5)..=left + 5);
    assert_eq!(answer.header("x-patchbay-attempts"), "0");
    assert_eq!(passed(&gateway.log(), "warning").len(), 0, "it was told already");
    assert_eq!(by_a + 5, served(&simulator)["a"]);
}

#[tokio::test]
async fn money_is_counted_by_the_models_prices() {
    let simulator = simulator().await;
    let each = tokens_of_an_answer(&simulator).await;
    // A dollar for each token, of one model; the other one is free.
    let models = "models = [{ name = \"m\", price = { input = 1e6, output = 1e6 } }, \
                  { name = \"n\", price = { input = 0, output = 0 } }]";
    let limits = format!("monthly_cost = {}", each * 3 + each / 2);
    let gateway = Gateway::start(
        &["openai"],
        &accounts(&simulator, models, &[("a", &limits), ("b", "")]),
    )
    .await;
    let mut by_a: u64 = 0;
    while say_it(&gateway).await == (200, "a".to_owned()) {
        by_a += 1;
        assert!(by_a < 20);
    }
    assert!((2..=3).contains(&by_a), "{by_a}");
    let used = [("account", "a"), ("limit", "monthly_cost")];
    let ratio = gateway.metric("patchbay_limit_used_ratio", &used).await;
    let expected = (by_a * each) as f64 / (each * 3 + each / 2) as f64;
    assert!((ratio - expected).abs() < 1e-6, "{ratio}, {expected}");
    let spent = gateway
        .metric("patchbay_cost_dollars_total", &[("account", "a")])
        .await;
    assert!((spent - (by_a * each) as f64).abs() < 1e-6, "{spent}");
    // What costs nothing is not held up by money that is nearly gone.
    let free = with(request(), json!({"model": "n"}));
    let answer = gateway.client().chat(&free).await;
    assert_eq!((answer.status, answer.header("x-patchbay-account")), (200, "a"));
}

#[tokio::test]
async fn a_money_quota_without_a_price_is_pointed_out() {
    let simulator = simulator().await;
    let config = accounts(&simulator, "models = [\"m\"]", &[("a", "daily_cost = 1")]);
    let gateway = Gateway::start(&["openai"], &config).await;
    gateway
        .logged_text("has no price, so quotas of money take it for free")
        .await;
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
}
