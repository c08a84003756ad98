//! What each plugin may use: limits of its own, instances of its own, threads of its own.

use std::time::{Duration, Instant};

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Client, Gateway, SERVER, component, other_version};
use serde_json::{Value, json};

use crate::hostile::{assert_error, assert_named, order};
use crate::setup::{hello, say, simulator, streamed, vendor, with};

/// Two vendors, each with an adapter of its own that is told what to do: `m` by `hostile`, `n` by a copy of it that is
/// called `other`. The echo serves `good`.
async fn twins(simulator: &Simulator, grants: &str) -> Gateway {
    let one = vendor(simulator, "one").replace("\"openai\"", "\"hostile\"");
    let two = vendor(simulator, "two").replace("\"openai\"", "\"other\"");
    let config = format!(
        "{SERVER}{grants}{one}models = [\"m\"]\n{two}models = [\"n\"]\n[vendors.echo]\nmodels = [\"good\"]\n"
    );
    let gateway = Gateway::start(&["hostile", "echo"], &config).await;
    gateway.write_plugin("other.wasm", &component("hostile"));
    gateway
        .plugin_until("other", |plugin| plugin["state"] == "serving")
        .await;
    gateway
}

fn to(model: &str, request: Value) -> Value {
    with(request, json!({"model": model}))
}

#[tokio::test]
async fn a_plugin_may_have_limits_of_its_own() {
    let simulator = simulator().await;
    let grants = "[plugins.limits]\ncall = \"200ms\"\nhost_data = \"1MiB\"\n\
                  [plugins.grants.other]\nlimits = { call = \"60ms\", host_data = \"2MiB\" }\n";
    let gateway = twins(&simulator, grants).await;
    let client = gateway.client();
    let swell = order(&json!({"do": "swell", "bytes": 1_500_000}));
    assert_eq!(client.chat(&to("n", swell.clone())).await.status, 200);
    assert_eq!(client.chat(&to("m", swell)).await.status, 502);
    let said = gateway
        .logged_text("1048576 bytes (plugins.limits.host_data)")
        .await;
    assert!(said["plugin"].as_str().unwrap().starts_with("hostile@"), "{said}");
    let endless = order(&json!({"do": "loop"}));
    for (model, plugin, text) in [
        ("m", "hostile@", "limit of 200 ms"),
        ("n", "other@", "limit of 60 ms"),
    ] {
        assert_eq!(client.chat(&to(model, endless.clone())).await.status, 502);
        let said = gateway.logged_text(text).await;
        assert!(said["plugin"].as_str().unwrap().starts_with(plugin), "{said}");
    }
    // What is not overridden is as for everybody.
    let hoard = order(&json!({"do": "hoard"}));
    assert_error(&client.chat(&hoard).await, 502, "plugin_error", &hoard);
    assert_named(
        &gateway,
        "exchange.start",
        "67108864 bytes (plugins.limits.memory)",
    )
    .await;
}

/// A gateway with the relay under these grants, and a model `good` that does not need it.
async fn granted(simulator: &Simulator, grants: &str) -> Gateway {
    let relay = vendor(simulator, "sim").replace("\"openai\"", "\"relay\"");
    let config = format!(
        "{SERVER}[plugins.grants.relay]\n{grants}\n{relay}models = [\"m\"]\n[vendors.echo]\nmodels = [\"good\"]\n"
    );
    Gateway::start(&["relay", "echo"], &config).await
}

#[tokio::test]
async fn a_plugin_whose_instances_are_used_up_is_busy_and_no_other_is() {
    let simulator = simulator().await;
    let gateway = granted(&simulator, "limits = { instances = 2 }").await;
    // These end when they are dropped.
    simulator.add(Rule::always().tokens(10).stall_after(3));
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = gateway.client().stream(&streamed(hello())).await;
        stream.next().await.unwrap();
        held.push(stream);
    }
    assert_eq!(gateway.metric("patchbay_plugin_instances", &[]).await, 2.0);
    let refused = gateway.client().chat(&hello()).await;
    assert_error(&refused, 503, "overloaded", &hello());
    assert_eq!(refused.header("retry-after"), "1");
    assert_named_busy(&gateway).await;
    let good = gateway.client().chat(&to("good", hello())).await;
    assert_eq!((good.status, good.content().as_str()), (200, "Hello there"));

    // Nobody did anything wrong: no version is taken back and nothing is left behind.
    simulator.set_rules(Vec::new());
    held.pop();
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    drop(held);
    gateway.metric_until("patchbay_plugin_instances", &[], 0.0).await;
    assert_eq!(gateway.plugin("relay").await["state"], "serving");
}

async fn assert_named_busy(gateway: &Gateway) {
    let said = gateway
        .logged_text("all 2 instances are in use (plugins.limits.instances)")
        .await;
    assert!(said["plugin"].as_str().unwrap().starts_with("relay@"), "{said}");
}

#[tokio::test]
async fn exchanges_that_share_an_instance_do_not_mix() {
    const STREAMS: usize = 12;
    let simulator = simulator().await;
    let gateway = granted(&simulator, "reuse = true\nlimits = { instances = 2 }").await;
    simulator.add(Rule::always().interval(Duration::from_millis(30)));
    let text = |number: usize| {
        let words: Vec<String> = (0..20).map(|word| format!("s{number}w{word}")).collect();
        words.join(" ")
    };
    let mut streams = Vec::new();
    for number in 0..STREAMS {
        let mut stream = gateway.client().stream(&streamed(say(&text(number)))).await;
        assert_eq!(stream.status, 200, "stream {number}");
        let first: Value = serde_json::from_str(&stream.next().await.unwrap().data).unwrap();
        assert!(first["stamp"].is_string(), "{first}");
        streams.push(stream);
    }
    // All of them are under way now, in as many instances as the plugin may have.
    assert_eq!(gateway.metric("patchbay_attempts_in_flight", &[]).await, 12.0);
    assert_eq!(gateway.metric("patchbay_plugin_instances", &[]).await, 2.0);
    let whole = gateway.client().chat(&say("beside them")).await;
    assert!(whole.content().ends_with("beside them"), "{}", whole.content());
    // One leaves early, which is nobody else's business.
    streams.remove(5);
    let numbers = (0..STREAMS).filter(|number| *number != 5);
    for (number, stream) in numbers.zip(streams) {
        let rest = stream.to_end().await;
        assert!(rest.is_done() && rest.clean, "stream {number}");
        let chunks = rest.chunks();
        let stamped: Vec<bool> = chunks.iter().map(|chunk| chunk["stamp"].is_string()).collect();
        // The last that holds a choice, and none in between.
        assert_eq!(
            stamped.iter().filter(|stamped| **stamped).count(),
            1,
            "stream {number}"
        );
        // Its own words, all of them and in order.
        let content = rest.content();
        assert!(content.ends_with(&text(number)), "stream {number}: {content}");
    }
    gateway.metric_until("patchbay_plugin_instances", &[], 0.0).await;
    assert_eq!(gateway.metric("patchbay_plugin_failures_total", &[]).await, 0.0);
}

#[tokio::test]
async fn who_shares_an_instance_shares_its_end_and_nobody_comes_in_afterwards() {
    let simulator = simulator().await;
    let gateway = granted(&simulator, "reuse = true\nlimits = { instances = 1 }").await;
    gateway.write_plugin("relay.wasm", &other_version("relay", "bad-traps_1").0);
    let bad = |plugin: &Value| {
        plugin["serving"]
            .as_str()
            .is_some_and(|name| name.contains("bad-traps"))
    };
    gateway.plugin_until("relay", bad).await;
    simulator.add(Rule::always().tokens(40).interval(Duration::from_millis(30)));
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = gateway.client().stream(&streamed(hello())).await;
        assert!(stream.next().await.is_some());
        streams.push(stream);
    }
    assert_eq!(
        gateway.client().chat(&say("an unlucky request")).await.status,
        502
    );
    for stream in streams {
        let rest = stream.to_end().await;
        assert!(!rest.is_done() && rest.error().is_some(), "cut, and says so");
    }
    let next = gateway.client().stream(&streamed(hello())).await.to_end().await;
    assert!(next.is_done() && next.error().is_none());
    // One trap, whoever else it cost something: not yet enough to be taken back.
    for (problem, times) in [("trap", 1.0), ("lost", 2.0)] {
        let failures = gateway
            .metric("patchbay_plugin_failures_total", &[("problem", problem)])
            .await;
        assert_eq!(failures, times, "{problem}");
    }
    assert_eq!(gateway.plugin("relay").await["state"], "serving");
}

/// Callers of `model` who make it loop, until they are dropped.
struct Loops(Vec<tokio::task::JoinHandle<()>>);

impl Loops {
    fn start(client: &Client, model: &str) -> Self {
        let request = to(model, order(&json!({"do": "loop"})));
        let callers = (0..4).map(|_| {
            let (client, request) = (client.clone(), request.clone());
            tokio::spawn(async move {
                loop {
                    assert!([502, 503].contains(&client.chat(&request).await.status));
                }
            })
        });
        Self(callers.collect())
    }
}

impl Drop for Loops {
    fn drop(&mut self) {
        self.0.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

#[tokio::test]
async fn a_slow_plugin_gets_a_lane_of_its_own_and_others_do_not_wait() {
    let simulator = simulator().await;
    let gateway = twins(&simulator, "[plugins.limits]\ncall = \"100ms\"\n").await;
    let loops = Loops::start(&gateway.client(), "m");
    let slow = [("plugin", "hostile")];
    gateway.metric_until("patchbay_plugin_slow", &slow, 1.0).await;
    assert_eq!(gateway.plugin("hostile").await["hot_path"], false);
    let mut slowest = Duration::ZERO;
    for _ in 0..100 {
        let began = Instant::now();
        let answer = gateway.client().chat(&to("good", hello())).await;
        slowest = slowest.max(began.elapsed());
        assert_eq!(answer.status, 200);
    }
    // Less than one call of the slow one, with its whole queue before it.
    assert!(slowest < Duration::from_millis(100), "{slowest:?}");
    for other in ["other", "echo"] {
        let labels = [("plugin", other)];
        assert_eq!(
            gateway.metric("patchbay_plugin_slow", &labels).await,
            0.0,
            "{other}"
        );
        assert_eq!(gateway.plugin(other).await["hot_path"], true, "{other}");
    }
    let text = "its calls take too long for the hot path";
    let said = gateway.logged_text(text).await;
    assert_eq!(
        (&said["level"], &said["plugin"]),
        (&json!("WARN"), &json!("hostile"))
    );
    // Busy on its one thread, it answers some of its own callers that it is.
    assert!(!loops.0.iter().any(tokio::task::JoinHandle::is_finished));
}

#[tokio::test]
async fn a_trusted_plugin_stays_on_the_hot_path() {
    let simulator = simulator().await;
    let grants = "[plugins.limits]\ncall = \"100ms\"\n[plugins.grants.hostile]\ntrusted = true\n";
    let gateway = twins(&simulator, grants).await;
    let endless = order(&json!({"do": "loop"}));
    for model in ["m", "n"] {
        // One long call is forgiven; so many are not.
        for _ in 0..10 {
            assert_eq!(
                gateway.client().chat(&to(model, endless.clone())).await.status,
                502
            );
        }
    }
    for (plugin, slow) in [("hostile", 0.0), ("other", 1.0)] {
        let labels = [("plugin", plugin)];
        assert_eq!(
            gateway.metric("patchbay_plugin_slow", &labels).await,
            slow,
            "{plugin}"
        );
    }
}
