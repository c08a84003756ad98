//! A new version of an adapter takes every key for a bad one. It is taken back, and with it what it has said of the
//! accounts: they serve again without anybody acting. Requests are under way with it all the time, and what they still
//! say is not heard.

use std::time::Duration;

use patchbay_simulator::Rule;
use patchbay_tests::{LISTEN, other_version};

use crate::fault::says;
use crate::history::story;
use crate::oracle::end;
use crate::stage::{Stage, account, calls, only, simulator, vendor};
use crate::traffic::{End, Traffic, all_served, ask};

const ACCOUNTS: [&str; 3] = ["one", "two", "three"];
const SETTINGS: &str = "
[plugins.rollback]
attempts = 3
";

#[tokio::test]
async fn accounts_that_a_bad_version_has_disabled_serve_again() {
    let simulator = simulator().await;
    // One of them is refused by its vendor indeed.
    let slow = Rule::always().latency(Duration::from_millis(250));
    simulator.set_rules(only([slow, says(401).account("refused")]));
    let mut config = format!("attempts = 9\n{LISTEN}{SETTINGS}");
    config += &vendor("sim", "relay", &simulator.url(), "models = [\"m\"]\n");
    for name in ACCOUNTS.iter().chain(&["refused"]) {
        config += &account("sim", name, name);
    }
    config += "[models.m]\ntargets = [\"sim/m\"]\nstrategy = \"round-robin\"\n";
    let stage = Stage::new(simulator, &["relay", "round-robin"], &config).await;
    let clock = stage.clock;
    let traffic = Traffic::start(&stage, 8, Duration::from_millis(20), &["m"]);
    clock.sleep_until(clock.now() + Duration::from_millis(800)).await;

    let lines = stage.gateway.log_lines();
    let (bytes, bad) = other_version("relay", "bad-keys");
    stage.gateway.write_plugin("relay.wasm", &bytes);
    stage
        .gateway
        .logged_after(lines, "it was taken back", |line| {
            line["message"]
                .as_str()
                .is_some_and(|said| said.contains(&bad) && said.contains("taken back"))
        })
        .await;
    let back = clock.now();
    clock.sleep_until(back + Duration::from_millis(1500)).await;
    let outcomes = traffic.finish().await;

    // Soon after all is as before. What was asked meanwhile may have been refused.
    let settled = back + Duration::from_millis(300);
    let (after, before): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|outcome| outcome.asked > settled);
    all_served(&after, false);
    let refused = before
        .iter()
        .filter(|outcome| outcome.end == End::Refused)
        .count();
    assert!(refused > 0, "the bad version has done no harm");
    for account in ACCOUNTS {
        let calls = calls(&stage.simulator, account, None);
        assert!(
            calls.iter().any(|call| call.received > settled),
            "{account} does not serve"
        );
    }
    let asked = calls(&stage.simulator, "refused", None);
    let known = asked.iter().map(end).min().unwrap();
    assert!(
        asked
            .iter()
            .all(|call| call.received < known + crate::oracle::GRACE),
        "refused for good"
    );
    let last = ask(&stage.gateway.client(), clock, "m", true).await;
    assert_eq!(last.end, End::Complete);
    let (_simulator, events) = stage.ended().await;
    // Some may not have had their turn before it was taken back.
    let mut harmed = 0;
    for account in ACCOUNTS {
        let story = story(&events, &format!("sim-{account}"), "");
        let steps: Vec<(&str, &str)> = story
            .iter()
            .map(|event| (event.from.as_str(), event.to.as_str()))
            .collect();
        let there_and_back = [
            ("available", "disabled by failure"),
            ("disabled by failure", "available"),
        ];
        assert!(
            steps.is_empty() || steps == there_and_back,
            "{account}: {steps:?}"
        );
        harmed += usize::from(!steps.is_empty());
    }
    assert!(harmed > 0, "nobody was disabled");
    let story = story(&events, "sim-refused", "");
    assert_eq!(story.last().unwrap().to, "disabled by failure");
}
