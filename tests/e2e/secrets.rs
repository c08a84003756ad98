//! Credentials, and the places where they might turn up. Every gateway of every test is looked through besides: see
//! `marked` in the harness.

use http::StatusCode;
use patchbay_simulator::Rule;
use patchbay_tests::{Gateway, LISTEN, MARK};
use serde_json::json;

use crate::setup::{hello, simulator, streamed, vendor};

#[tokio::test]
async fn a_vendor_that_repeats_the_key_is_not_repeated() {
    let simulator = simulator().await;
    let config = format!(
        "{LISTEN}[health]\nverify = \"off\"\n{}models = [\"m\"]\n",
        vendor(&simulator, "sim")
    );
    let gateway = Gateway::start(&["openai"], &config).await;
    let refusal = json!({"error": {
        "message": format!("Incorrect API key provided: sim-key.{MARK}. You can find yours elsewhere."),
        "type": "invalid_request_error", "param": format!("sim-key.{MARK}"), "code": "invalid_api_key",
    }});
    let status = StatusCode::UNAUTHORIZED;
    simulator.set_rules(vec![Rule::always().status(status).body(refusal.to_string())]);
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    gateway.logged_text("Incorrect API key provided: ***able").await;
    // The account is known to be refused, and the history says so.
    let answer = gateway.client().stream(&streamed(hello())).await.whole().await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    let database = gateway.folder().join("patchbay.db");
    assert!(database.is_file());
    // Written within 100 ms, in plain text: what is looked through when the gateway ends holds the rest of the story.
    patchbay_tests::eventually("the history is written", async || {
        let files = ["patchbay.db", "patchbay.db-wal"].map(|file| std::fs::read(gateway.folder().join(file)));
        let text: String = files
            .into_iter()
            .flatten()
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect();
        text.contains("Incorrect API key provided").then_some(())
    })
    .await;
}
