//! The control API, as another process uses it.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, simulator, streamed};

async fn control(client: &Client, method: Method, path: &str, body: &Value) -> StatusCode {
    let headers = [("content-type", "application/json")];
    client
        .send(method, &format!("/control/{path}"), &headers, body.to_string())
        .await
        .status()
}

#[tokio::test]
async fn rules_are_set_added_listed_and_removed() {
    let (_simulator, client) = simulator([]).await;
    let first = json!({"when": {"account": "a"}, "times": 1, "then": {"status": 503}});
    let second = json!({"when": {}, "then": {"reply": {"tokens": 2}}});
    assert_eq!(
        control(&client, Method::PUT, "rules", &json!([first])).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        control(&client, Method::POST, "rules", &second).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        client.chat("a", &streamed()).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(client.chat("a", &streamed()).await.said(0), "token-0 token-1");
    let listed = json!([{"rule": first, "used": 1}, {"rule": second, "used": 2}]);
    assert_eq!(client.get("/control/rules").await.json(), listed);
    assert_eq!(
        control(&client, Method::DELETE, "rules", &Value::Null).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(client.get("/control/rules").await.json(), json!([]));
}

#[tokio::test]
async fn a_rule_that_means_nothing_is_refused_and_changes_nothing() {
    let (_simulator, client) = simulator([]).await;
    let wrong = json!([{"then": {"status": 503}}, {"then": {"stauts": 503}}]);
    assert_eq!(
        control(&client, Method::PUT, "rules", &wrong).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(client.chat("a", &streamed()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn requests_are_listed_and_forgotten() {
    let (_simulator, client) = simulator([]).await;
    client.chat("a", &streamed()).await;
    let listed = client.get("/control/requests").await.json();
    let request = &listed[0];
    assert_eq!(
        (&request["account"], &request["operation"]),
        (&json!("a"), &json!("chat"))
    );
    assert_eq!(
        (&request["ended"]["how"], &request["body"]),
        (&json!("completed"), &streamed())
    );
    assert!(request["ended"]["at_ms"].as_f64().unwrap() >= request["received_ms"].as_f64().unwrap());
    control(&client, Method::DELETE, "requests", &Value::Null).await;
    assert_eq!(client.get("/control/requests").await.json(), json!([]));
}

#[tokio::test]
async fn the_state_counts_accounts_but_not_the_control_api() {
    let (_simulator, client) = simulator([]).await;
    client.chat("a", &streamed()).await;
    let state = client.get("/control/state").await.json();
    assert_eq!((&state["received"], &state["in_flight"]), (&json!(1), &json!(0)));
    let account = json!({"vendor": "openai", "account": "a", "received": 1, "in_flight": 0, "peak_in_flight": 1,
        "completed": 1, "caller_left": 0, "cut": 0});
    assert_eq!(state["accounts"], json!([account]));
    assert!(state["connections"].as_u64().unwrap() >= 1);
}
