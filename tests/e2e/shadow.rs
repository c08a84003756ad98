//! Strategies that decide beside the live one, without effect.

use std::time::{Duration, Instant};

use patchbay_simulator::Simulator;
use patchbay_tests::{Gateway, eventually};
use serde_json::Value;

use crate::setup::{asked, hello, simulator, vendors};

/// Requests of each test.
const REQUESTS: usize = 60;

async fn gateway(simulator: &Simulator, strategy: &str, shadow: &str) -> Gateway {
    let config = vendors(simulator, &["one", "two", "three"]);
    let config = format!("{config}strategy = \"{strategy}\"\nshadow = {shadow}\n");
    Gateway::start(&["openai", "round-robin", "priority", "wayward"], &config).await
}

/// How many decisions of shadows had this outcome.
async fn counted(gateway: &Gateway, outcome: &str) -> f64 {
    let labels = [("model", "m"), ("outcome", outcome)];
    gateway.metric("patchbay_shadow_decisions_total", &labels).await
}

#[tokio::test]
async fn it_is_counted_whether_a_shadow_would_have_chosen_the_same() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "round-robin", "\"priority\"").await;
    for _ in 0..9 {
        gateway.client().chat(&hello()).await;
    }
    gateway
        .metric_until("patchbay_shadow_decisions_total", &[("outcome", "differed")], 6.0)
        .await;
    assert_eq!(counted(&gateway, "agreed").await, 3.0);
    assert_eq!(
        asked(&simulator),
        ["one", "two", "three"].repeat(3),
        "the live one decides"
    );
}

/// The same plugin is live and in shadow: what it does there must not speak against it here.
#[tokio::test]
async fn whatever_a_shadow_does_callers_see_nothing_of_it() {
    let simulator = simulator().await;
    let ways = [
        "panic",
        "loop",
        "linger",
        "hoard",
        "unoffered",
        "twice",
        "nobody",
        "refuse",
        "remember",
    ];
    for way in ways {
        let shadow = format!("{{ strategy = \"wayward\", settings = {{ rank = \"{way}\" }} }}");
        let gateway = gateway(&simulator, "wayward", &shadow).await;
        simulator.forget_requests();
        let began = Instant::now();
        for _ in 0..REQUESTS {
            let answer = gateway.client().chat(&hello()).await;
            assert_eq!(answer.status, 200, "{way}: {}", answer.text());
            assert!(
                answer.header("x-patchbay-strategy").starts_with("wayward@"),
                "{way}"
            );
        }
        let took = began.elapsed();
        assert!(
            took < Duration::from_secs(5),
            "{way}: {took:?} for {REQUESTS} requests"
        );
        assert_eq!(
            asked(&simulator),
            ["one", "two", "three"].repeat(REQUESTS / 3),
            "{way}"
        );
        let outcomes: &[&str] = match way {
            "nobody" => &["differed"],
            // It may be done in time.
            "linger" => &["agreed", "differed", "failed"],
            _ => &["failed"],
        };
        eventually(&format!("{way} is counted"), async || {
            let mut all = 0.0;
            for outcome in outcomes {
                all += counted(&gateway, outcome).await;
            }
            (all > 0.0).then_some(())
        })
        .await;
        for innocent in [
            "patchbay_strategy_fallbacks_total",
            "patchbay_plugin_rollbacks_total",
            "patchbay_plugin_failures_total",
            "patchbay_plugins_slow",
        ] {
            assert_eq!(gateway.metric(innocent, &[]).await, 0.0, "{way}: {innocent}");
        }
        let failures = gateway
            .log()
            .into_iter()
            .filter(|line| line["level"] == "ERROR")
            .count();
        assert_eq!(failures, 0, "{way}: {:#?}", gateway.log());
    }
}

#[tokio::test]
async fn a_shadow_that_is_not_there_is_told_of_and_nothing_else() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "round-robin", "\"gone\"").await;
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!(answer.status, 200);
    let told = gateway.log().into_iter().any(|line| {
        let message = line["message"].as_str().unwrap_or_default();
        message.contains("models.m: in shadow:") && message.contains("gone")
    });
    assert!(told, "{:#?}", gateway.log());
}

/// It rests for nine times as long as it took, and what comes meanwhile is left out.
#[tokio::test]
async fn a_shadow_that_takes_long_is_asked_rarely() {
    let simulator = simulator().await;
    let shadow = "{ strategy = \"wayward\", settings = { rank = \"loop\" } }\n[decisions]\nrecord = \"decisions.jsonl\"";
    let mut gateway = gateway(&simulator, "round-robin", shadow).await;
    let began = Instant::now();
    let mut requests = 0;
    while began.elapsed() < Duration::from_secs(4) {
        gateway.client().chat(&hello()).await;
        requests += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    gateway.signal("TERM");
    gateway.process.wait().unwrap();
    let recorded = std::fs::read_to_string(gateway.folder().join("decisions.jsonl")).unwrap();
    let lines: Vec<Value> = recorded
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let decisions = lines.iter().filter_map(|line| line.get("decision"));
    let reasons: Vec<&str> = decisions
        .map(|decision| decision["shadow"]["failed"].as_str().unwrap())
        .collect();
    assert_eq!(reasons.len(), requests);
    let asked = reasons
        .iter()
        .filter(|reason| !reason.starts_with("left out"))
        .count();
    // One call takes 250 ms at least, so it is followed by 2.25 s of rest at least; what waits already is not asked.
    assert!((1..=3).contains(&asked), "{asked} of {reasons:?}");
}
