//! What there is to be had, and who served it.

use patchbay_tests::{Gateway, SERVER};
use serde_json::{Value, json};

use crate::setup::{hello, one_vendor, simulator, streamed, vendor, with};

#[tokio::test]
async fn models_are_listed_and_shown_one_by_one() {
    let simulator = simulator().await;
    let models =
        "models = [\"m\", \"org/with/slashes\", \"hidden\"]\n[models.public]\ntargets = [\"sim/hidden\"]\n";
    let config = format!("{SERVER}{}{models}", vendor(&simulator, "sim"));
    let gateway = Gateway::start(&["openai"], &config).await;
    let list = gateway.client().get("/v1/models").await.json();
    assert_eq!(list["object"], "list");
    let names: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].clone())
        .collect();
    assert_eq!(names, ["m", "org/with/slashes", "public"]);
    let one = gateway.client().get("/v1/models/org/with/slashes").await.json();
    assert_eq!((&one, &one["object"]), (&list["data"][1], &json!("model")));
    let error = gateway.client().get("/v1/models/hidden").await;
    assert_eq!(
        (error.status, error.error().code.as_deref()),
        (404, Some("model_not_found"))
    );
    assert!(simulator.requests().is_empty(), "a list of models asks nobody");
}

#[tokio::test]
async fn headers_and_the_log_say_who_served_a_request() {
    let simulator = simulator().await;
    let price = "models = [{ name = \"up\", price = { input = 1.0, output = 2.0 } }]\n";
    let config = format!(
        "{SERVER}{}{price}\n[models.m]\ntargets = [\"sim/up\"]\nstrategy = \"round-robin\"\n",
        vendor(&simulator, "sim")
    );
    let gateway = Gateway::start(&["openai", "round-robin"], &config).await;
    let answer = gateway
        .client()
        .chat(&with(hello(), json!({"user": "ann"})))
        .await;
    let version = |plugin: &Value| plugin["serving"].as_str().unwrap().to_owned();
    let adapter = version(&gateway.plugin("openai").await);
    let strategy = version(&gateway.plugin("round-robin").await);
    assert!(adapter.starts_with("openai@") && strategy.starts_with("round-robin@"));
    for (header, expected) in [
        ("x-patchbay-adapter", adapter.as_str()),
        ("x-patchbay-strategy", &strategy),
        ("x-patchbay-vendor", "sim"),
        ("x-patchbay-account", "default"),
        ("x-patchbay-model", "up"),
        ("x-patchbay-attempts", "1"),
    ] {
        assert_eq!(answer.header(header), expected, "{header}");
    }
    let record = gateway.record(answer.header("x-request-id")).await;
    for (field, expected) in [
        ("caller", json!("tester")),
        ("user", json!("ann")),
        ("operation", json!("chat")),
        ("streaming", json!(false)),
        ("model", json!("m")),
        ("adapter", json!(adapter)),
        ("strategy", json!(strategy)),
        ("vendor", json!("sim")),
        ("account", json!("default")),
        ("upstream_model", json!("up")),
        ("attempts", json!(1)),
        ("outcome", json!("completed")),
        ("input_tokens", json!(2)),
        ("output_tokens", json!(5)),
        ("cost_usd", json!(12e-6)),
    ] {
        assert_eq!(record[field], expected, "{field} in {record}");
    }
    assert!(record["latency_ms"].as_f64().unwrap() > 0.0);
    let log = gateway.log().iter().map(Value::to_string).collect::<String>();
    assert!(!log.contains("sim-key."), "the log holds a credential");
}

#[tokio::test]
async fn a_stream_has_the_same_headers_and_its_first_token_is_timed() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
    assert_eq!(stream.header("x-patchbay-strategy"), "built-in");
    assert_eq!(stream.header("x-patchbay-vendor"), "sim");
    assert_eq!(stream.header("cache-control"), "no-cache");
    let record = gateway.record(stream.header("x-request-id")).await;
    assert_eq!(
        (&record["streaming"], &record["outcome"]),
        (&json!(true), &json!("completed"))
    );
    assert!(record["first_token_ms"].as_f64().unwrap() <= record["latency_ms"].as_f64().unwrap());
}
