//! Who is tried first, and what happens when a strategy does not know.

use std::time::{Duration, Instant};

use patchbay_simulator::Simulator;
use patchbay_tests::{Gateway, SERVER};
use serde_json::json;

use crate::setup::{asked, hello, simulator, status, vendor_without_key, vendors, with};

const THREE: [&str; 3] = ["one", "two", "three"];

async fn gateway(simulator: &Simulator, strategy: &str) -> Gateway {
    let config = vendors(simulator, &THREE) + strategy;
    Gateway::start(&["openai", "round-robin", "priority", "wayward"], &config).await
}

#[tokio::test]
async fn round_robin_takes_turns() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "strategy = \"round-robin\"\n").await;
    for _ in 0..12 {
        let answer = gateway.client().chat(&hello()).await;
        assert!(answer.header("x-patchbay-strategy").starts_with("round-robin@"));
    }
    assert_eq!(asked(&simulator), THREE.repeat(4));
    // After a failure the next in turn, and the turn itself moves on by one.
    simulator.forget_requests();
    simulator.set_rules(vec![status("one", 500)]);
    for _ in 0..3 {
        assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    }
    assert_eq!(asked(&simulator), ["one", "two", "two", "three"]);
}

#[tokio::test]
async fn round_robin_spreads_evenly_over_callers_at_once() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "strategy = \"round-robin\"\n").await;
    let client = gateway.client();
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..30 {
                    assert_eq!(client.chat(&hello()).await.status, 200);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let received: Vec<u64> = simulator
        .state()
        .accounts
        .iter()
        .map(|account| account.received)
        .collect();
    assert_eq!(received, [100, 100, 100]);
}

#[tokio::test]
async fn each_public_model_has_turns_of_its_own() {
    let simulator = simulator().await;
    let more = "strategy = \"round-robin\"\n[models.n]\ntargets = [\"one/m\", \"two/m\"]\nstrategy = \"round-robin\"\n";
    let gateway = gateway(&simulator, more).await;
    let other = with(hello(), json!({"model": "n"}));
    for request in [&hello(), &other, &hello(), &other] {
        gateway.client().chat(request).await;
    }
    assert_eq!(asked(&simulator), ["one", "one", "two", "two"]);
}

/// Priorities 5, 0, 5 and 1, over two models of two accounts.
fn prioritised(simulator: &Simulator) -> String {
    let account = |vendor: &str, name: &str, priority: i32| {
        format!(
            "[[vendors.{vendor}.accounts]]\nname = \"{name}\"\napi_key = \"{name}\"\npriority = {priority}\n"
        )
    };
    let one = vendor_without_key(simulator, "one") + "models = [\"m\"]\n";
    let two = vendor_without_key(simulator, "two") + "models = [\"m\"]\n";
    [
        "attempts = 10\n",
        SERVER,
        &one,
        &account("one", "last", 5),
        &account("one", "first", 0),
        &two,
        &account("two", "very-last", 5),
        &account("two", "second", 1),
        "[models.m]\ntargets = [\"one/m\", \"two/m\"]\n",
    ]
    .concat()
}

#[tokio::test]
async fn lower_priorities_go_first_with_the_plugin_and_without() {
    let simulator = simulator().await;
    simulator.add(patchbay_simulator::Rule::always().status(http::StatusCode::TOO_MANY_REQUESTS));
    for (strategy, name) in [("", "built-in"), ("strategy = \"priority\"\n", "priority@")] {
        let config = prioritised(&simulator) + strategy;
        let gateway = Gateway::start(&["openai", "priority"], &config).await;
        simulator.forget_requests();
        let answer = gateway.client().chat(&hello()).await;
        assert!(answer.header("x-patchbay-strategy").starts_with(name));
        let tried: Vec<String> = simulator
            .requests()
            .into_iter()
            .map(|request| request.account)
            .collect();
        assert_eq!(tried, ["first", "second", "last", "very-last"], "{name}");
    }
}

#[tokio::test]
async fn a_strategy_that_fails_is_replaced_by_the_built_in_order() {
    let simulator = simulator().await;
    let ways = [
        ("panic", "trap"),
        ("loop", "call"),
        ("hoard", "memory"),
        ("unoffered", "contract"),
        ("twice", "contract"),
        ("remember", "contract"),
        ("refuse", "refused"),
    ];
    let models: String = ways
        .iter()
        .map(|(rank, _)| {
            format!("[models.{rank}]\ntargets = [\"one/m\", \"two/m\"]\nstrategy = \"wayward\"\nsettings = {{ rank = \"{rank}\" }}\n")
        })
        .collect();
    let gateway = gateway(&simulator, &models).await;
    for (rank, problem) in ways {
        let labels = [("function", "strategy.rank"), ("problem", problem)];
        let before = gateway.metric("patchbay_plugin_failures_total", &labels).await;
        for _ in 0..2 {
            simulator.forget_requests();
            let started = Instant::now();
            let answer = gateway
                .client()
                .chat(&with(hello(), json!({"model": rank})))
                .await;
            assert_eq!(
                (answer.status, asked(&simulator)),
                (200, vec!["one".to_owned()]),
                "{rank}"
            );
            assert_eq!(answer.header("x-patchbay-strategy"), "built-in", "{rank}");
            assert!(
                started.elapsed() < Duration::from_secs(2),
                "{rank} took {:?}",
                started.elapsed()
            );
        }
        assert_eq!(
            gateway
                .metric("patchbay_strategy_fallbacks_total", &[("model", rank)])
                .await,
            2.0,
            "{rank}"
        );
        assert_eq!(
            gateway.metric("patchbay_plugin_failures_total", &labels).await,
            before + 2.0,
            "{rank}"
        );
    }
    // The log names the plugin, the function and what it was.
    for text in [
        "no idea whom to choose",
        "took longer than the limit of 250 ms (plugins.limits.call)",
        "(plugins.limits.memory)",
        "candidate 1000 was not offered",
        "candidate 0 is ranked twice",
        "a state of 65537 bytes",
        "I would rather not",
    ] {
        let line = gateway.logged_text(text).await;
        assert!(line["plugin"].as_str().unwrap().starts_with("wayward@"), "{line}");
    }
    // And the same component takes turns where it is not told otherwise.
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
}

#[tokio::test]
async fn whoever_a_strategy_leaves_out_is_not_tried() {
    let simulator = simulator().await;
    let models = "strategy = \"wayward\"\nsettings = { rank = \"only-the-last\" }\n\
                  [models.none]\ntargets = [\"one/m\"]\nstrategy = \"wayward\"\nsettings = { rank = \"nobody\" }\n";
    let gateway = gateway(&simulator, models).await;
    simulator.set_rules(vec![status("three", 500)]);
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!((answer.status, answer.header("x-patchbay-attempts")), (502, "1"));
    let answer = gateway
        .client()
        .chat(&with(hello(), json!({"model": "none"})))
        .await;
    assert_eq!(
        (answer.status, answer.error().code.as_deref()),
        (503, Some("no_candidate"))
    );
    assert_eq!(asked(&simulator), ["three"]);
    assert_eq!(
        gateway.metric("patchbay_strategy_fallbacks_total", &[]).await,
        0.0
    );
}

#[tokio::test]
async fn a_strategy_that_cannot_be_configured_is_reported_and_the_built_in_order_serves() {
    let simulator = simulator().await;
    let model = |name: &str, strategy: &str| {
        format!("[models.{name}]\ntargets = [\"two/m\", \"one/m\"]\n{strategy}\n")
    };
    let models = [
        model("schema", "strategy = \"wayward\"\nsettings = { rank = 1 }"),
        model("unknown", "strategy = \"wayward\"\nsettings = { weights = [1] }"),
        model(
            "refused",
            "strategy = \"wayward\"\nsettings = { configure = \"refuse\" }",
        ),
        model(
            "stuck",
            "strategy = \"wayward\"\nsettings = { configure = \"loop\" }",
        ),
        model("missing", "strategy = \"no-such-plugin\""),
        model("adapter", "strategy = \"openai\""),
    ];
    let gateway = gateway(&simulator, &models.concat()).await;
    let notices = gateway.notices().await;
    for (name, why) in [
        ("schema", "rank"),
        ("unknown", "weights"),
        ("refused", "not with these settings"),
        ("stuck", "plugins.limits.call"),
        ("missing", "no-such-plugin.wasm"),
        ("adapter", "is an adapter"),
    ] {
        simulator.forget_requests();
        let answer = gateway
            .client()
            .chat(&with(hello(), json!({"model": name})))
            .await;
        assert_eq!(
            (answer.status, answer.header("x-patchbay-strategy")),
            (200, "built-in"),
            "{name}"
        );
        assert_eq!(asked(&simulator), ["two"], "{name}");
        assert!(
            notices.contains(&format!("models.{name}: ")),
            "{name} in {notices}"
        );
        assert!(notices.contains(why), "{why} in {notices}");
    }
}
