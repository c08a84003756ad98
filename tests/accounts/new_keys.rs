//! New keys: probed before any request reaches them, and requests that have nobody else wait for that.

use std::time::Duration;

use patchbay_simulator::{Operation, Received, Rule, Simulator};
use patchbay_tests::LISTEN;
use serde_json::json;

use crate::fault::{come_back, says};
use crate::history::story;
use crate::oracle::end;
use crate::stage::{Stage, account, calls, only, simulator, vendor};
use crate::traffic::{End, Outcome, Traffic, all_served, ask};

/// How long a vendor takes to list its models.
const PROBE: Duration = Duration::from_millis(600);

fn slow_probes() -> Rule {
    Rule::always().operation(Operation::Models).latency(PROBE)
}

/// One vendor with these accounts (name and key) and the model `m`.
pub(crate) fn config(simulator: &Simulator, adapter: &str, accounts: &[(&str, &str)]) -> String {
    let mut config = LISTEN.to_owned() + &vendor("sim", adapter, &simulator.url(), "models = [\"m\"]\n");
    for (name, key) in accounts {
        config += &account("sim", name, key);
    }
    config + "[models.m]\ntargets = [\"sim/m\"]\nstrategy = \"round-robin\"\n"
}

pub(crate) async fn stage(rules: Vec<Rule>, adapter: &str, accounts: &[(&str, &str)]) -> Stage {
    let simulator = simulator().await;
    simulator.set_rules(only(rules));
    let config = config(&simulator, adapter, accounts);
    Stage::new(simulator, &[adapter, "round-robin"], &config).await
}

/// Another configuration is in use.
pub(crate) async fn changed(stage: &Stage, accounts: &[(&str, &str)]) {
    stage
        .gateway
        .write_config(&config(&stage.simulator, "openai", accounts));
    let reloaded = stage.gateway.admin().post("/admin/reload", "").await.json();
    assert_eq!(reloaded["config_problem"], json!(null), "{reloaded}");
}

pub(crate) fn traffic(stage: &Stage) -> Traffic {
    Traffic::start(stage, 8, Duration::from_millis(10), &["m"])
}

pub(crate) async fn once(stage: &Stage) -> Outcome {
    ask(&stage.gateway.client(), stage.clock, "m", false).await
}

/// The first call with a key is a probe, and nothing else goes out before it has been answered.
pub(crate) fn probed_first(calls: &[Received]) {
    let [probe, rest @ ..] = calls else {
        panic!("never asked");
    };
    assert_eq!(
        (probe.operation, probe.status),
        (Operation::Models, 200),
        "{probe:#?}"
    );
    let early = rest.iter().find(|call| call.received < end(probe));
    assert!(early.is_none(), "{early:#?} before the end of {probe:#?}");
    assert!(
        rest.iter().any(|call| call.operation == Operation::Chat),
        "it never served"
    );
}

#[tokio::test]
async fn requests_wait_for_the_only_key_and_are_served() {
    let stage = stage(vec![slow_probes()], "openai", &[("only", "first")]).await;
    let traffic = traffic(&stage);
    tokio::time::sleep(2 * PROBE).await;
    // Another key in the file, while requests come in.
    changed(&stage, &[("only", "second")]).await;
    tokio::time::sleep(2 * PROBE).await;
    all_served(&traffic.finish().await, false);
    probed_first(&calls(&stage.simulator, "first", None));
    probed_first(&calls(&stage.simulator, "second", None));
}

#[tokio::test]
async fn others_serve_meanwhile_and_a_bad_key_never_does() {
    let bad = says(401).account("bad");
    let stage = stage(
        vec![slow_probes(), bad],
        "openai",
        &[("good", "good"), ("other", "bad")],
    )
    .await;
    let traffic = traffic(&stage);
    tokio::time::sleep(3 * PROBE).await;
    all_served(&traffic.finish().await, false);
    let asked = calls(&stage.simulator, "bad", None);
    let operations: Vec<Operation> = asked.iter().map(|call| call.operation).collect();
    assert_eq!(operations, [Operation::Models]);
    let (simulator, events) = stage.ended().await;
    let states: Vec<String> = story(&events, "sim-other", "")
        .into_iter()
        .map(|event| event.to)
        .collect();
    assert_eq!(states, ["verifying", "disabled by failure"]);
    drop(simulator);
}

/// The others will be back some time; the new key is known in a moment, and that is worth waiting for.
#[tokio::test]
async fn requests_wait_for_a_new_key_while_the_others_are_left_alone() {
    let stage = stage(vec![], "openai", &[("limited", "limited")]).await;
    assert_eq!(once(&stage).await.end, End::Complete);
    let limited = come_back(429, 60).account("limited");
    stage.simulator.set_rules(only([limited, slow_probes()]));
    assert_eq!(once(&stage).await.end, End::Refused);
    changed(&stage, &[("limited", "limited"), ("new", "new")]).await;
    let traffic = traffic(&stage);
    tokio::time::sleep(2 * PROBE).await;
    all_served(&traffic.finish().await, false);
    probed_first(&calls(&stage.simulator, "new", None));
}

#[tokio::test]
async fn a_key_is_verified_once_and_not_at_every_start() {
    let stage = stage(vec![], "openai", &[("only", "key")]).await;
    assert_eq!(once(&stage).await.end, End::Complete);
    // Written behind.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stage = stage.after_power_cut().await;
    assert_eq!(once(&stage).await.end, End::Complete);
    let (simulator, events) = stage.ended().await;
    let operations: Vec<Operation> = calls(&simulator, "key", None)
        .iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(operations, [Operation::Models, Operation::Chat, Operation::Chat]);
    let states: Vec<String> = story(&events, "sim-only", "")
        .into_iter()
        .map(|event| event.to)
        .collect();
    assert_eq!(states, ["verifying", "available"]);
}

#[tokio::test]
async fn where_there_is_no_probe_a_key_serves_at_once() {
    let stage = stage(vec![], "relay", &[("only", "key")]).await;
    assert_eq!(once(&stage).await.end, End::Complete);
    let operations: Vec<Operation> = calls(&stage.simulator, "key", None)
        .iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(operations, [Operation::Chat]);
}
