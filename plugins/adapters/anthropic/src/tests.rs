//! The adapter driven by scripted and recorded replies.

mod answers;
mod failures;
mod requests;
mod streams;
mod turns;

use patchbay_sdk::adapter::{CredentialUse, CredentialValue, Failure, Framing};
use patchbay_sdk::testkit::{
    Outcome, Recording, Scenario, Scripted, Sent, assert_schema_tells_defaults, recordings,
};
use patchbay_sdk::words::{FailureKind, UsageClass};
use serde_json::{Value, json};

use super::*;

fn hello() -> Value {
    json!({"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]})
}

/// `body` with these members set; null removes one.
fn with(mut body: Value, members: &Value) -> Value {
    for (member, value) in members.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(member);
        } else {
            body[member] = value.clone();
        }
    }
    body
}

/// A short answer of the vendor.
fn message() -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
        "content": [{"type": "text", "text": "Hi!"}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "output_tokens": 3}})
}

/// The request that leaves for a scenario, and what the operator is told.
fn sent_with_warnings(scenario: Scenario) -> (Sent, Vec<String>) {
    let mut outcome = scenario.reply(Scripted::json(200, &message())).run::<Anthropic>();
    assert_eq!(outcome.failure, None);
    (outcome.sent.remove(0), outcome.warnings)
}

fn sent(scenario: Scenario) -> Sent {
    sent_with_warnings(scenario).0
}

/// What is made of [`hello`] with these members set.
fn made_of(members: &Value) -> (Value, Vec<String>) {
    let (sent, warnings) = sent_with_warnings(Scenario::chat(&with(hello(), members)));
    (sent.json(), warnings)
}

/// Why [`hello`] with these members is refused: nothing is sent.
#[track_caller]
fn refused(members: &Value) -> Failure {
    let outcome = Scenario::chat(&with(hello(), members)).run::<Anthropic>();
    assert!(outcome.sent.is_empty());
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.kind(), FailureKind::InvalidRequest);
    failure
}

/// Input, cached input, cache write and output, as far as they were counted.
fn counted(outcome: &Outcome) -> [Option<u64>; 4] {
    [
        UsageClass::Input,
        UsageClass::CachedInput,
        UsageClass::CacheWrite,
        UsageClass::Output,
    ]
    .map(|class| outcome.tokens(&class))
}

/// Server-sent events of these objects, each named by its type, as the vendor pads them.
fn events(objects: &[Value]) -> String {
    let event = |object: &Value| {
        let name = object["type"].as_str().unwrap_or("message");
        format!("event: {name}\ndata: {object}   \n\n")
    };
    objects.iter().map(event).collect()
}

fn streamed(stream: impl AsRef<[u8]>) -> Outcome {
    run_streamed(Scripted::sse(stream))
}

fn run_streamed(reply: Scripted) -> Outcome {
    Scenario::chat(&with(hello(), &json!({"stream": true})))
        .reply(reply)
        .run::<Anthropic>()
}

#[test]
fn a_chat_is_posted_with_either_credential() {
    let sent = sent(Scenario::chat(&hello()));
    assert_eq!(sent.url, "https://api.anthropic.com/v1/messages");
    assert_eq!(sent.request.method, "POST");
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(sent.header("anthropic-beta"), None);
    assert_eq!(sent.request.framing, Framing::Whole);
    assert!(!sent.request.canonical);
    let credentials: Vec<_> = sent
        .request
        .credentials
        .iter()
        .map(|credential| match credential {
            CredentialUse::Header(header) => match &header.value {
                CredentialValue::Field(field) => {
                    (header.name.as_str(), header.prefix.as_str(), field.as_str())
                }
                CredentialValue::Signed(_) => panic!("{header:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        credentials,
        [
            ("x-api-key", "", "api_key"),
            ("authorization", "Bearer ", "auth_token")
        ]
    );
}

#[test]
fn the_operator_sets_headers_and_where_the_server_is() {
    let settings = json!({"anthropic_version": "2099-01-01", "anthropic_beta": "a-1,b-2"});
    let scenario = Scenario::chat(&hello())
        .endpoint("api", "http://127.0.0.1:8000/v1")
        .settings(&settings);
    let sent = sent(scenario);
    assert_eq!(sent.url, "http://127.0.0.1:8000/v1/messages");
    assert_eq!(sent.header("anthropic-version"), Some("2099-01-01"));
    assert_eq!(sent.header("anthropic-beta"), Some("a-1,b-2"));
}

#[test]
fn models_are_listed_in_canonical_form() {
    let page = json!({"data": [
        {"type": "model", "id": "claude-a", "display_name": "Claude A", "created_at": "2026-07-24T00:00:00Z",
            "max_input_tokens": 1_000_000, "max_tokens": 128_000, "capabilities": {}},
        {"type": "model", "id": "claude-b", "created_at": "long ago"}],
        "has_more": true, "first_id": "claude-a", "last_id": "claude-b"});
    for (operation, path) in [
        (Operation::Models, "/models?limit=1000"),
        (Operation::Probe, "/models?limit=1"),
    ] {
        let outcome = Scenario::of(&operation, &Value::Null)
            .reply(Scripted::json(200, &page))
            .run::<Anthropic>();
        assert_eq!(outcome.failure, None);
        let request = &outcome.sent[0].request;
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", path));
        assert_eq!(request.credentials.len(), 2);
        assert_eq!(
            outcome.read::<Value>(),
            [json!({"object": "list", "data": [
                {"id": "claude-a", "object": "model", "created": 1_784_851_200, "owned_by": "anthropic",
                    "display_name": "Claude A", "context_length": 1_000_000, "max_output_tokens": 128_000},
                {"id": "claude-b", "object": "model", "created": 0, "owned_by": "anthropic"}]})]
        );
        assert_eq!(outcome.warnings.len(), 1);
        for (reply, kind) in [
            (
                Scripted::json(200, &json!({"ok": true})),
                FailureKind::MalformedReply,
            ),
            (Scripted::new(401, ""), FailureKind::AuthenticationError),
            (
                Scripted::new(404, "404 page not found"),
                FailureKind::UnknownError,
            ),
        ] {
            let outcome = Scenario::of(&operation, &Value::Null)
                .reply(reply)
                .run::<Anthropic>();
            assert_eq!(outcome.failure.unwrap().kind(), kind);
        }
    }
}

#[test]
fn other_operations_are_not_supported() {
    for operation in [Operation::Embeddings, Operation::Other("rerank".to_owned())] {
        let failure = Scenario::of(&operation, &hello())
            .run::<Anthropic>()
            .failure
            .unwrap();
        assert_eq!(failure.kind(), FailureKind::NotSupported);
    }
}

#[test]
fn the_schema_tells_the_defaults() {
    assert_schema_tells_defaults::<Settings>(settings::SCHEMA);
    assert!(serde_json::from_value::<Settings>(json!({"sampling": "two"})).is_err());
    assert!(serde_json::from_value::<Settings>(json!({"max_tokens": 1})).is_err());
}

/// The body as events, also of those recordings that hold one payload per line.
fn as_sse(recording: &Recording) -> Scripted {
    let text = String::from_utf8(recording.body.clone()).unwrap();
    if text.starts_with("event:") {
        return Scripted::sse(text);
    }
    let objects: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    Scripted::sse(events(&objects))
}

#[test]
fn recorded_replies_are_understood() {
    for recording in recordings("anthropic") {
        let stem = recording.stem.as_str();
        let replied = |operation: &Operation, streaming: bool, reply: Scripted| {
            Scenario::of(operation, &with(hello(), &json!({"stream": streaming})))
                .reply(reply)
                .run::<Anthropic>()
        };
        let failed = |kind: FailureKind| {
            for streaming in [false, true] {
                let outcome = replied(&Operation::Chat, streaming, recording.scripted());
                let failure = outcome.failure.unwrap();
                assert_eq!(
                    (failure.kind(), failure.retry_after),
                    (kind.clone(), None),
                    "{stem}"
                );
                assert!(outcome.chunks.is_empty() && !failure.message.is_empty());
            }
        };
        let answered = |begins: &str, reason: &str, usage: [u64; 4]| {
            let outcome = replied(&Operation::Chat, false, recording.scripted());
            let answer = &outcome.read::<Value>()[0];
            let choice = &answer["choices"][0];
            assert!(
                choice["message"]["content"].as_str().unwrap().starts_with(begins),
                "{stem}"
            );
            assert_eq!(choice["finish_reason"], reason, "{stem}");
            assert_eq!(counted(&outcome), usage.map(Some), "{stem}");
            assert_eq!(
                answer["usage"]["prompt_tokens"],
                usage[..3].iter().sum::<u64>(),
                "{stem}"
            );
            assert_eq!(outcome.failure, None, "{stem}");
        };
        let streamed = |text: &str, reason: &str, usage: [u64; 4]| {
            for piece in [1, 2, 7, 1000] {
                let outcome = run_streamed(as_sse(&recording).in_pieces_of(piece));
                assert_eq!(outcome.failure, None, "{stem}");
                assert!(outcome.streamed_text().starts_with(text), "{stem}");
                let last = outcome.read::<Value>().pop().unwrap();
                assert_eq!(last["choices"][0]["finish_reason"], reason, "{stem}");
                assert_eq!(counted(&outcome), usage.map(Some), "{stem}");
                assert_eq!(outcome.warnings, [] as [String; 0], "{stem}");
            }
        };
        match stem {
            "messages-basic" => answered("2 + 2 = 4", "stop", [16, 0, 0, 13]),
            "messages-cache-usage" => answered("Python is a", "stop", [3, 1111, 418, 33]),
            "messages-tool-use" => answered("I'll help you", "tool_calls", [423, 0, 0, 202]),
            "messages-streaming" => streamed("1\n2\n3", "stop", [15, 0, 0, 9]),
            "messages-text-stream" => streamed("Hello! I'm doing well", "stop", [12, 0, 0, 30]),
            "messages-thinking-stream" => streamed("", "stop", [43, 0, 0, 282]),
            "messages-refusal-stream" => streamed("", "content_filter", [18, 0, 0, 5]),
            "err-400-bad-messages" => failed(FailureKind::InvalidRequest),
            "err-400-credit-balance" => failed(FailureKind::InsufficientQuota),
            "err-400-prompt-too-long" => failed(FailureKind::ContextLengthExceeded),
            "err-401-invalid-key" => failed(FailureKind::AuthenticationError),
            "models-list" => {
                let outcome = replied(&Operation::Models, false, recording.scripted());
                let list = &outcome.read::<Value>()[0];
                assert_eq!(list["data"][0]["id"], "claude-opus-5");
                assert_eq!(list["data"].as_array().unwrap().len(), 11);
                assert_eq!(outcome.warnings, [] as [String; 0]);
            }
            // Nothing that this adapter asks for.
            "count-tokens" => failed(FailureKind::MalformedReply),
            other => panic!("say what {other} means"),
        }
    }
}
