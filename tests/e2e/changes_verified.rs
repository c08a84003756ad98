//! Accounts that are added at run time where keys are verified: callers never meet one that does not work.

use http::StatusCode;
use patchbay_simulator::Rule;
use patchbay_tests::{Gateway, eventually};
use serde_json::json;

use crate::changes::{config, key, put};
use crate::setup::{hello, simulator};

#[tokio::test]
async fn an_account_that_is_added_is_verified_before_it_serves() {
    let simulator = simulator().await;
    let config = config(&simulator).replace("probe = \"off\"", "probe = \"on\"");
    let gateway = Gateway::start(&["openai", "priority"], &config).await;
    put(&gateway, "models.m.strategy", json!("priority")).await;
    simulator.set_rules(vec![
        Rule::always().account("wrong").status(StatusCode::UNAUTHORIZED),
    ]);
    let account = |name: &str| json!({"api_key": key(name), "priority": -1});
    put(&gateway, "vendors.sim.accounts.second", account("wrong")).await;
    // However often it is preferred: callers go to the one that works.
    assert_eq!(accounts_of_callers(&gateway, 5).await, ["first"; 5]);
    put(&gateway, "vendors.sim.accounts.second", account("right")).await;
    eventually("the second account serves", async || {
        let used = accounts_of_callers(&gateway, 1).await;
        (used == ["second"]).then_some(())
    })
    .await;
}

/// By their names in the configuration, as callers are told.
async fn accounts_of_callers(gateway: &Gateway, requests: usize) -> Vec<String> {
    let mut accounts = Vec::new();
    for _ in 0..requests {
        let answer = gateway.client().chat(&hello()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        accounts.push(answer.header("x-patchbay-account").to_owned());
    }
    accounts
}
