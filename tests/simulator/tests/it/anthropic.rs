//! Anthropic's format: whole messages, streams, errors, and every fault in its words.

mod faults;

use std::io::Read;
use std::num::NonZeroU16;
use std::time::Duration;

use flate2::read::GzDecoder;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use patchbay_simulator::{How, Operation, Part, Reset, Rule, Simulator};
use serde_json::{Value, json};

use crate::client::simulator;
use crate::raw::{Ending, Raw, post, send};

const PATH: &str = "/v1/messages";
const KEY: &str = "x-api-key: key-1\r\nanthropic-version: 2023-06-01\r\n";

fn hello(extra: &Value) -> Value {
    let mut request = json!({"model": "claude-haiku-4-5", "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello there"}]});
    request
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    request
}

fn streamed() -> Value {
    hello(&json!({"stream": true}))
}

fn weather() -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    json!([{"name": "weather", "input_schema": schema}])
}

async fn ask(simulator: &Simulator, request: &Value) -> Raw {
    post(simulator.addr(), PATH, KEY, request).await
}

/// The answer to `request` under this rule.
async fn under(rule: Rule, request: &Value) -> Raw {
    let (simulator, _client) = simulator([rule]).await;
    ask(&simulator, request).await
}

/// Names and data of a stream's events; what is not JSON is kept as text.
fn events(raw: &Raw) -> Vec<(String, Value)> {
    let text = raw.stream();
    let events = text.split_terminator("\n\n").map(|event| {
        let (name, data) = event.split_once('\n').unwrap();
        let data = data.strip_prefix("data: ").unwrap();
        let json = serde_json::from_str(data).unwrap_or_else(|_| Value::from(data));
        (name.strip_prefix("event: ").unwrap().to_owned(), json)
    });
    events.collect()
}

/// The events of a stream that HTTP ends properly.
async fn proper(rule: Rule) -> Vec<(String, Value)> {
    let raw = under(rule, &streamed()).await;
    assert!(raw.chunks().1 && raw.end == Ending::Closed, "{}", raw.text());
    events(&raw)
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

fn usage(output: u64) -> Value {
    json!({"input_tokens": 2, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output, "service_tier": "standard"})
}

fn message(content: &Value, stop: &Value, output: u64) -> Value {
    json!({"model": "claude-haiku-4-5", "id": "msg_key-1_1", "type": "message", "role": "assistant",
        "content": content, "stop_reason": stop, "stop_sequence": null, "stop_details": null,
        "usage": usage(output)})
}

#[tokio::test]
async fn a_message_has_the_vendors_shape() {
    let (simulator, _client) = simulator([]).await;
    let raw = ask(&simulator, &hello(&json!({}))).await;
    let content = json!([{"type": "text", "text": "Simulated reply to: Hello there"}]);
    assert_eq!(raw.json(), message(&content, &json!("end_turn"), 5));
    assert_eq!(
        (
            raw.header("request-id").unwrap().as_str(),
            raw.header("x-request-id")
        ),
        ("req-1", None)
    );
    let request = &simulator.requests()[0];
    let seen = (
        request.vendor.as_str(),
        request.account.as_str(),
        request.model.as_str(),
        request.operation,
    );
    assert_eq!(seen, ("anthropic", "key-1", "claude-haiku-4-5", Operation::Chat));
    assert!(!request.headers.contains_key("x-api-key"));
}

#[tokio::test]
async fn a_stream_is_start_block_and_stop() {
    let events = proper(Rule::always().tokens(2)).await;
    let delta = |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    let block = json!({"type": "text", "text": ""});
    let used = json!({"input_tokens": 2, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "output_tokens": 2});
    let stop = json!({"stop_reason": "end_turn", "stop_sequence": null, "stop_details": null});
    let expected = [
        json!({"type": "message_start", "message": message(&json!([]), &Value::Null, 1)}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "ping"}),
        delta("token-0"),
        delta(" token-1"),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": stop, "usage": used}),
        json!({"type": "message_stop"}),
    ];
    let data: Vec<&Value> = events.iter().map(|(_, data)| data).collect();
    assert_eq!(data, expected.iter().collect::<Vec<_>>());
    assert!(events.iter().all(|(name, data)| data["type"] == *name));
}

#[tokio::test]
async fn a_tool_is_used_whole_and_in_fragments() {
    let (simulator, _client) = simulator([]).await;
    let answer = ask(&simulator, &hello(&json!({"tools": weather()}))).await.json();
    let used = json!({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "city"}});
    assert_eq!(
        (&answer["content"], &answer["stop_reason"]),
        (&json!([used]), &json!("tool_use"))
    );

    let events = events(&ask(&simulator, &hello(&json!({"tools": weather(), "stream": true}))).await);
    let start = json!({"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}});
    assert_eq!(events[1].1["content_block"], start);
    let deltas = events.iter().filter(|(name, _)| name == "content_block_delta");
    let fragments: Vec<&str> = deltas
        .map(|(_, data)| data["delta"]["partial_json"].as_str().unwrap())
        .collect();
    assert_eq!((fragments[0], fragments.len()), ("", 4));
    assert_eq!(fragments.concat(), "{\"city\":\"city\"}");
    assert_eq!(events[events.len() - 2].1["delta"]["stop_reason"], "tool_use");
}

#[tokio::test]
async fn the_limit_ends_a_message() {
    let raw = under(Rule::always().tokens(9), &hello(&json!({"max_tokens": 2}))).await;
    let answer = raw.json();
    assert_eq!(answer["content"][0]["text"], "token-0 token-1");
    assert_eq!(
        (&answer["stop_reason"], &answer["usage"]["output_tokens"]),
        (&json!("max_tokens"), &json!(2))
    );
}

#[tokio::test]
async fn a_stop_sequence_ends_a_message() {
    let (simulator, _client) = simulator([Rule::always().tokens(9)]).await;
    let request = hello(&json!({"stop_sequences": ["never", "en-2"]}));
    let answer = ask(&simulator, &request).await.json();
    assert_eq!(answer["content"][0]["text"], "token-0 token-1 tok");
    assert_eq!(
        (&answer["stop_reason"], &answer["stop_sequence"]),
        (&json!("stop_sequence"), &json!("en-2"))
    );
    let mut request = request;
    request["stream"] = json!(true);
    let events = events(&ask(&simulator, &request).await);
    let end = &events[events.len() - 2].1["delta"];
    assert_eq!(
        (&end["stop_reason"], &end["stop_sequence"]),
        (&json!("stop_sequence"), &json!("en-2"))
    );
}

#[tokio::test]
async fn models_are_the_vendors_by_header_and_below_any_prefix() {
    let (_simulator, client) = simulator([]).await;
    let headers = [
        ("anthropic-version", "2023-06-01"),
        ("authorization", "Bearer token"),
    ];
    for path in ["/v1/models", "/south/v1/models?limit=1"] {
        let response = client.send(Method::GET, path, &headers, String::new()).await;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let list: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (&list["data"][0]["type"], &list["has_more"]),
            (&json!("model"), &json!(false))
        );
        assert_eq!(list["first_id"], list["data"][0]["id"]);
    }
    assert_eq!(client.get("/v1/models").await.json()["object"], "list");
}

#[tokio::test]
async fn errors_are_in_the_vendors_envelope() {
    let (simulator, _client) = simulator([]).await;
    let missing = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let raw = ask(&simulator, &missing).await;
    let error = json!({"type": "invalid_request_error", "message": "max_tokens: Field required"});
    assert_eq!(raw.json(), json!({"type": "error", "error": error}));
    assert!(raw.head().starts_with("HTTP/1.1 400 "));
    for (status, kind) in [
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (409, "conflict_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ] {
        simulator.set_rules(vec![Rule::always().status(StatusCode::from_u16(status).unwrap())]);
        let raw = ask(&simulator, &streamed()).await;
        assert!(raw.head().starts_with(&format!("HTTP/1.1 {status}")));
        assert_eq!(raw.json()["error"]["type"], kind);
    }
}
