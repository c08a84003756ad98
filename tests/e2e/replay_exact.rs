//! Ten thousand decisions of all strategies, made under load with failures, come out the same when they are made again.

use http::StatusCode;
use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{MARK, SERVER};
use serde_json::{Value, json};

use crate::replay::Recording;
use crate::setup::{hello, simulator, vendor_without_key, with, with_circuit};

/// Each is the strategy of a public model of its name.
const STRATEGIES: [&str; 12] = [
    "priority",
    "cost",
    "round-robin",
    "weighted",
    "health",
    "weighted-round-robin",
    "least-connections",
    "response-time",
    "random",
    "composite",
    "fallback-chain",
    "ladder",
];
const CALLERS: usize = 50;
const REQUESTS: usize = 200;

/// Nine accounts with four models each, none like another.
fn config(simulator: &Simulator) -> String {
    let accounts = (1..=9).map(|number| {
        format!(
            "[[vendors.sim.accounts]]\nname = \"a{number}\"\napi_key = \"a{number}.{MARK}\"\nweight = {}.5\npriority = {}\n",
            number % 4,
            number % 3
        )
    });
    let models = (1..=4).map(|number| {
        format!("[[vendors.sim.models]]\nname = \"m{number}\"\nprice = {{ input = 0.{number}, output = {number}.5 }}\n")
    });
    let public = STRATEGIES.map(|strategy| {
        let settings = match strategy {
            "fallback-chain" => "settings = { order = [{ model = \"m3\" }, { account = \"a5\" }] }\n",
            _ => "",
        };
        let targets = "targets = [\"sim/m1\", \"sim/m2\", \"sim/m3\", \"sim/m4\"]\n";
        format!("[models.{strategy}]\nstrategy = \"{strategy}\"\n{targets}{settings}")
    });
    let vendor = vendor_without_key(simulator, "sim");
    let tables: String = accounts.chain(models).chain(public).collect();
    let circuit = "failures = 10\nfirst = \"50ms\"\nlongest = \"200ms\"\n";
    with_circuit(&format!("{SERVER}{vendor}{tables}"), circuit)
}

fn trouble(simulator: &Simulator) {
    let account = |rule: Rule, account: &str, status| rule.account(account).status(status);
    simulator.set_rules(vec![
        account(Rule::first(400), "a1", StatusCode::INTERNAL_SERVER_ERROR),
        account(Rule::first(200), "a2", StatusCode::TOO_MANY_REQUESTS),
        account(Rule::first(300), "a3", StatusCode::BAD_GATEWAY),
        account(Rule::always().model("m2"), "a4", StatusCode::SERVICE_UNAVAILABLE),
    ]);
}

fn request(number: usize) -> Value {
    let model = STRATEGIES[number % STRATEGIES.len()];
    with(
        hello(),
        json!({"model": model, "stream": number.is_multiple_of(5)}),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_decisions_are_the_same_again() {
    let simulator = simulator().await;
    trouble(&simulator);
    let plugins = [&STRATEGIES[..], &["openai"]].concat();
    let recording = Recording::of(&plugins, &config(&simulator), (CALLERS, REQUESTS), request).await;
    let lines = recording.lines();
    let decisions: Vec<&Value> = lines.iter().filter_map(|line| line.get("decision")).collect();
    assert_eq!(decisions.len(), CALLERS * REQUESTS, "none is left out");
    let switched = decisions
        .iter()
        .filter(|decision| decision["attempts"].as_array().unwrap().len() > 1);
    let switched = switched.count();
    assert!(switched > 200, "there were failures: {switched}");
    let mut all = 0;
    for strategy in STRATEGIES {
        let report = recording.report(strategy, &["--model", strategy, "--exact"]);
        let agreement = &report["agreement"];
        assert_eq!(
            agreement["same_order"], agreement["decisions"],
            "{strategy}: {report:#}"
        );
        all += agreement["decisions"].as_u64().unwrap();
        assert_eq!(
            report["recorded_by"].as_array().unwrap().len(),
            1,
            "{strategy} never failed: {report:#}"
        );
    }
    assert_eq!(all as usize, CALLERS * REQUESTS);
    let remembered = decisions
        .iter()
        .filter(|decision| decision["state"] != "")
        .count();
    assert!(remembered > 1000, "some strategies remember: {remembered}");
}
