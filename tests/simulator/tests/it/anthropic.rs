//! Anthropic's format: whole messages, streams, errors, and every fault in its words.

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

#[tokio::test]
async fn what_breaks_off_leaves_start_and_tokens() {
    let left = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
    ];
    assert_eq!(names(&proper(Rule::always().tokens(3).end_after(1)).await), left);
    for (rule, end) in [
        (Rule::always().tokens(3).cut_after(1), Ending::Closed),
        (Rule::always().tokens(3).reset_after(1), Ending::Reset),
        (Rule::always().tokens(3).stall_after(1), Ending::Silent),
    ] {
        let raw = under(rule, &streamed()).await;
        assert_eq!((raw.chunks().1, raw.end), (false, end));
        assert_eq!(names(&events(&raw)), left);
    }
    let raw = under(Rule::always().reset(Reset::AfterHeaders), &streamed()).await;
    assert_eq!((raw.rest().len(), raw.end), (0, Ending::Reset));
    let raw = under(Rule::always().reset(Reset::BeforeHeaders), &streamed()).await;
    assert_eq!((raw.bytes.len(), raw.end), (0, Ending::Reset));
    let raw = under(Rule::always().never(), &streamed()).await;
    assert_eq!((raw.bytes.len(), raw.end), (0, Ending::Silent));
}

#[tokio::test]
async fn wrong_events_come_between_the_others() {
    let broken = proper(Rule::always().tokens(2).malformed_after(1)).await;
    let noisy = proper(Rule::always().tokens(2).noise_after(1)).await;
    for (events, start) in [(broken, "{"), (noisy, "ping")] {
        assert_eq!((events.len(), events[4].0.as_str()), (9, "content_block_delta"));
        assert!(
            events[4].1.as_str().unwrap().starts_with(start),
            "{:?}",
            events[4]
        );
        assert_eq!(events[8].0, "message_stop");
    }
    let whole = under(Rule::always().malformed_after(1), &hello(&json!({}))).await;
    assert!(serde_json::from_slice::<Value>(whole.rest()).is_err());
}

#[tokio::test]
async fn an_error_comes_in_the_middle_of_a_good_status() {
    let rule = Rule::always().tokens(3).error_after(1);
    let events = proper(rule.clone()).await;
    let (name, data) = events.last().unwrap();
    assert_eq!((events.len(), name.as_str()), (5, "error"));
    assert_eq!(
        (&data["type"], &data["error"]["type"]),
        (&json!("error"), &json!("overloaded_error"))
    );
    let raw = under(rule, &hello(&json!({}))).await;
    assert!(raw.head().starts_with("HTTP/1.1 200 "));
    assert_eq!(raw.json()["error"]["type"], "api_error");
}

#[tokio::test]
async fn parts_are_left_out_or_come_twice() {
    let ends = async |rule: Rule| {
        let events = proper(rule.tokens(1)).await;
        let end = events[5..].iter().map(|(name, data)| {
            let told = |value: &Value| !value.is_null();
            (
                name.clone(),
                told(&data["delta"]["stop_reason"]),
                told(&data["usage"]),
            )
        });
        (
            events[0].1["message"]["usage"].is_object(),
            end.collect::<Vec<_>>(),
        )
    };
    let delta = |finish, usage| ("message_delta".to_owned(), finish, usage);
    let stop = ("message_stop".to_owned(), false, false);
    for (rule, at_start, expected) in [
        (Rule::always().omit([Part::Done]), true, vec![delta(true, true)]),
        (
            Rule::always().omit([Part::Finish]),
            true,
            vec![delta(false, true), stop.clone()],
        ),
        (
            Rule::always().omit([Part::Usage]),
            false,
            vec![delta(true, false), stop.clone()],
        ),
        (
            Rule::always().omit([Part::Usage, Part::Finish]),
            false,
            vec![stop.clone()],
        ),
        (
            Rule::always().twice(Part::Finish),
            true,
            vec![delta(true, true), delta(true, false), stop],
        ),
    ] {
        assert_eq!(ends(rule).await, (at_start, expected));
    }
    let whole = under(
        Rule::always().omit([Part::Finish, Part::Usage]),
        &hello(&json!({})),
    )
    .await
    .json();
    assert_eq!(
        (whole.get("stop_reason"), whole.get("usage")),
        (Some(&Value::Null), None)
    );
}

#[tokio::test]
async fn the_wrong_kind_and_the_wrong_size_of_reply() {
    let raw = under(Rule::always().tokens(1).stream(true), &hello(&json!({}))).await;
    assert_eq!(events(&raw).len(), 7);
    let raw = under(Rule::always().stream(false), &streamed()).await;
    assert_eq!(raw.json()["type"], "message");
    let events = proper(Rule::always().tokens(2).huge_after(1, 1_000_000)).await;
    assert_eq!(events[4].1["delta"]["text"].as_str().unwrap().len(), 1_000_000);
    for difference in [-5, 5] {
        let raw = under(Rule::always().content_length(difference), &hello(&json!({}))).await;
        let length: i64 = raw.header("content-length").unwrap().parse().unwrap();
        assert_eq!(length - i64::try_from(raw.rest().len()).unwrap(), difference);
    }
}

#[tokio::test]
async fn how_it_is_written_does_not_change_what_is_said() {
    let plain = proper(Rule::always().tokens(2)).await;
    assert_eq!(
        proper(Rule::always().tokens(2).split(NonZeroU16::MIN)).await,
        plain
    );
    assert_eq!(
        proper(Rule::always().tokens(2).coalesce(NonZeroU16::new(3).unwrap())).await,
        plain
    );
    assert_eq!(
        proper(Rule::always().tokens(2).informational([StatusCode::EARLY_HINTS])).await,
        plain
    );
    let dripping = Rule::always().tokens(2).split(NonZeroU16::new(50).unwrap());
    assert_eq!(proper(dripping.drip(Duration::from_millis(1))).await, plain);

    let packed = under(Rule::always().tokens(2).gzip(), &streamed())
        .await
        .chunks()
        .0
        .concat();
    let mut text = String::new();
    GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.starts_with("event: message_start\n") && text.ends_with("\"message_stop\"}\n\n"));
}

#[tokio::test]
async fn an_endless_message_never_stops() {
    let rule = Rule::always()
        .tokens(2)
        .interval(Duration::from_millis(1))
        .endless();
    let (simulator, _client) = simulator([rule]).await;
    let mut stream = send(simulator.addr(), PATH, KEY, &streamed()).await;
    let raw = Raw::read(&mut stream, 20_000).await;
    assert!(raw.text().matches("\"text\":\" token-1\"").count() > 50);
    assert!(!raw.text().contains("content_block_stop"));
    drop(stream);
    assert!(simulator.settled(crate::client::SOON).await);
    assert_eq!(simulator.requests()[0].ended.unwrap().how, How::CallerLeft);
}
