//! Plugins that were built for an older version of the contract, and never again since.

use std::fs;

use http::StatusCode;
use patchbay_simulator::Rule;
use patchbay_tests::{Gateway, SERVER, root};
use serde_json::json;

use crate::setup::{hello, simulator, streamed, vendor, vendors};

fn old(name: &str) -> Vec<u8> {
    fs::read(root().join("tests/frozen/0.0.1").join(name)).unwrap()
}

/// Nothing serves until the component is there: it is the committed file that does.
#[tokio::test]
async fn an_adapter_of_version_0_0_1_serves() {
    let simulator = simulator().await;
    let config = vendor(&simulator, "sim").replace("\"openai\"", "\"old-adapter\"") + "models = [\"m\"]\n";
    let gateway = Gateway::start(&[], &format!("{SERVER}{config}")).await;
    assert_eq!(gateway.client().chat(&hello()).await.status, 503);
    gateway.write_plugin("old-adapter.wasm", &old("old-adapter.wasm"));
    let plugin = gateway
        .plugin_until("old-adapter", |plugin| plugin["state"] == "serving")
        .await;
    assert_eq!(
        (&plugin["serving"], &plugin["contract"]),
        (&json!("old-adapter@0.0.1"), &json!("0.0.1"))
    );
    let whole = gateway.client().chat(&hello()).await;
    let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
    assert!(stream.is_done() && stream.error().is_none(), "{stream:?}");
    assert_eq!(stream.content(), whole.content());
    simulator.add(Rule::always().status(StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(gateway.client().chat(&hello()).await.status, 502);
}

#[tokio::test]
async fn a_strategy_of_version_0_0_1_ranks() {
    let simulator = simulator().await;
    let config = vendors(&simulator, &["one", "two", "three"]) + "strategy = \"old-strategy\"\n";
    let gateway = Gateway::start(&["openai"], &config).await;
    gateway.write_plugin("old-strategy.wasm", &old("old-strategy.wasm"));
    gateway
        .plugin_until("old-strategy", |plugin| plugin["state"] == "serving")
        .await;
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!(answer.header("x-patchbay-vendor"), "three");
    assert_eq!(answer.header("x-patchbay-strategy"), "old-strategy@0.0.1");
}
