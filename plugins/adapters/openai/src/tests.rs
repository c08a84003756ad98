//! The adapter driven by scripted and recorded replies.

use patchbay_sdk::adapter::{Body, CredentialUse, CredentialValue, Framing, Scope};
use patchbay_sdk::testkit::{Scenario, Scripted, Sent, assert_schema_tells_defaults, recordings};
use patchbay_sdk::words::{FailureKind, UsageClass};
use serde_json::{Value, json};

use super::*;

fn hello() -> Value {
    json!({"model": "gpt-4o", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]})
}

fn streamed(mut body: Value) -> Value {
    body["stream"] = json!(true);
    body
}

/// The request that leaves for a scenario.
fn sent(scenario: Scenario) -> Sent {
    let mut outcome = scenario.reply(Scripted::json(200, &json!({}))).run::<OpenAi>();
    assert_eq!(outcome.failure, None);
    outcome.sent.remove(0)
}

/// Header and prefix of the one credential, which is the key.
fn credential(sent: &Sent) -> (&str, &str) {
    let [CredentialUse::Header(header)] = sent.request.credentials.as_slice() else {
        panic!("one header: {:?}", sent.request.credentials);
    };
    assert_eq!(header.value, CredentialValue::Field("api_key".to_owned()));
    (&header.name, &header.prefix)
}

#[test]
fn a_chat_leaves_as_it_came() {
    let sent = sent(Scenario::chat(&hello()));
    assert_eq!(sent.url, "https://api.openai.com/v1/chat/completions");
    assert_eq!(sent.request.method, "POST");
    assert_eq!(sent.request.body, Body::Unchanged);
    assert_eq!(sent.json(), hello());
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(credential(&sent), ("authorization", "Bearer "));
    assert_eq!(sent.request.framing, Framing::Whole);
    assert!(sent.request.canonical && !sent.request.want_head);
}

#[test]
fn a_stream_passes_by_in_events() {
    let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hé\"}}]}\n\n\
        data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"llo\"}}]}\n\ndata: [DONE]\n\n";
    for piece in [1, 2, 7, 1000] {
        let reply = Scripted::sse(stream).in_pieces_of(piece);
        let outcome = Scenario::chat(&streamed(hello())).reply(reply).run::<OpenAi>();
        assert_eq!(outcome.failure, None);
        assert_eq!(outcome.sent[0].request.framing, Framing::Sse);
        assert_eq!(outcome.read::<Value>().len(), 2);
    }
}

#[test]
fn other_operations_have_their_paths() {
    let input = json!({"model": "text-embedding-3-small", "input": "hello"});
    let embeddings = sent(Scenario::of(&Operation::Embeddings, &input));
    assert_eq!(embeddings.url, "https://api.openai.com/v1/embeddings");
    assert_eq!(embeddings.json(), input);
    for operation in [Operation::Models, Operation::Probe] {
        let list = sent(Scenario::of(&operation, &Value::Null));
        assert_eq!(
            (list.request.method.as_str(), list.request.path.as_str()),
            ("GET", "/models")
        );
        assert_eq!(list.request.body, Body::Empty);
        assert_eq!(credential(&list).0, "authorization");
    }
    let rerank = Scenario::of(&Operation::Other("rerank".to_owned()), &hello()).run::<OpenAi>();
    assert_eq!(rerank.failure.unwrap().kind(), FailureKind::NotSupported);
}

#[test]
fn settings_fit_another_server() {
    let settings = json!({
        "chat_path": "/openai/v1/chat/completions?api-version=preview", "credential_header": "api-key",
        "credential_prefix": "", "headers": {"x-title": "patchbay"},
        "remove_members": ["max_tokens", "unknown"],
    });
    let scenario = Scenario::chat(&hello())
        .endpoint("api", "http://127.0.0.1:8000")
        .settings(&settings);
    let sent = sent(scenario);
    assert_eq!(
        sent.url,
        "http://127.0.0.1:8000/openai/v1/chat/completions?api-version=preview"
    );
    assert_eq!(credential(&sent), ("api-key", ""));
    assert_eq!(sent.header("x-title"), Some("patchbay"));
    assert_eq!(
        sent.json(),
        json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]})
    );
}

#[test]
fn organization_and_project_are_sent_where_an_account_has_them() {
    let scenario = Scenario::chat(&hello())
        .public("organization", "org-1")
        .public("project", "");
    let sent = sent(scenario);
    assert_eq!(sent.header("openai-organization"), Some("org-1"));
    assert_eq!(sent.header("openai-project"), None);
}

#[test]
fn max_tokens_is_renamed_for_those_who_refuse_it() {
    let asked = |model: &str, url: &str, settings: Value| {
        let mut body = hello();
        body["model"] = json!(model);
        sent(Scenario::chat(&body).endpoint("api", url).settings(&settings)).json()
    };
    let own = "https://api.openai.com/v1";
    for model in [
        "o1",
        "o3-mini",
        "gpt-5",
        "gpt-5.2-pro",
        "gpt-12",
        "ft:o4-mini:acme::1",
    ] {
        let body = asked(model, own, json!({}));
        assert_eq!(
            (&body["max_completion_tokens"], &body["max_tokens"]),
            (&json!(5), &Value::Null),
            "{model}"
        );
    }
    for model in [
        "gpt-4o",
        "gpt-3.5-turbo",
        "gpt-oss-120b",
        "omni-moderation",
        "chatgpt-4o-latest",
    ] {
        assert_eq!(asked(model, own, json!({}))["max_tokens"], 5, "{model}");
    }
    assert_eq!(
        asked("gpt-5", "https://eu.api.openai.com/v1", json!({}))["max_completion_tokens"],
        5
    );
    for url in [
        "http://api.openai.com.example.org/v1",
        "http://localhost:8000/api.openai.com",
    ] {
        assert_eq!(asked("gpt-5", url, json!({}))["max_tokens"], 5, "{url}");
    }
    assert_eq!(
        asked("gpt-5", own, json!({"rename_max_tokens": false}))["max_tokens"],
        5
    );
    assert_eq!(
        asked("a", "http://a.test", json!({"rename_max_tokens": true}))["max_completion_tokens"],
        5
    );
}

#[test]
fn a_new_name_is_not_overwritten_by_the_old() {
    let both = json!({"model": "o3", "messages": [], "max_tokens": 5, "max_completion_tokens": 9});
    assert_eq!(
        sent(Scenario::chat(&both)).json(),
        json!({"model": "o3", "messages": [], "max_completion_tokens": 9})
    );
    let neither = json!({"model": "o3", "messages": []});
    assert_eq!(sent(Scenario::chat(&neither)).request.body, Body::Unchanged);
}

#[test]
fn a_failure_says_what_and_for_how_long() {
    let body = json!({"error": {"message": "Rate limit reached", "type": "requests", "param": null,
        "code": "rate_limit_exceeded"}});
    let reply = Scripted::json(429, &body)
        .header("Retry-After", "20")
        .header("x-ratelimit-remaining-requests", "0")
        .header("set-cookie", "not described");
    let outcome = Scenario::chat(&hello()).reply(reply).run::<OpenAi>();
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.kind(), FailureKind::RateLimitExceeded);
    assert_eq!(failure.scope, Scope::Candidate);
    assert_eq!(failure.message, "Rate limit reached");
    assert_eq!(failure.vendor_code.as_deref(), Some("rate_limit_exceeded"));
    assert_eq!(failure.retry_after, Some(20_000));
    assert_eq!(outcome.limits[0].remaining, Some(0.0));
}

#[test]
fn an_error_inside_a_stream_is_a_failure() {
    let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"he\"}}]}\n\n\
        data: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\"}}\n\n";
    let outcome = Scenario::chat(&streamed(hello()))
        .reply(Scripted::sse(stream))
        .run::<OpenAi>();
    assert_eq!(outcome.chunks.len(), 1);
    assert_eq!(outcome.failure.unwrap().kind(), FailureKind::InternalError);
}

#[test]
fn a_whole_answer_becomes_the_stream_that_was_asked_for() {
    let whole = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}});
    let outcome = Scenario::chat(&streamed(hello()))
        .reply(Scripted::json(200, &whole).header("x-ratelimit-remaining-requests", "4"))
        .run::<OpenAi>();
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.streamed_text(), "hello");
    let last = outcome.read::<Value>().pop().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(outcome.tokens(&UsageClass::Input), Some(7));
    assert_eq!(outcome.tokens(&UsageClass::Output), Some(2));
    assert_eq!(outcome.limits[0].remaining, Some(4.0));
}

#[test]
fn any_other_whole_reply_to_a_stream_is_an_error_or_malformed() {
    let kind = |reply: Scripted| {
        let outcome = Scenario::chat(&streamed(hello())).reply(reply).run::<OpenAi>();
        assert!(outcome.chunks.is_empty());
        outcome.failure.unwrap().kind()
    };
    let busy = json!({"error": {"message": "busy", "code": 503}});
    let cases = [
        (Scripted::json(200, &busy), FailureKind::ServiceUnavailable),
        (
            Scripted::json(200, &json!({"object": "something"})),
            FailureKind::MalformedReply,
        ),
        (
            Scripted::json(200, &json!({"choices": []})),
            FailureKind::MalformedReply,
        ),
        (
            Scripted::new(200, r#"{"choices": [{"message": {"#),
            FailureKind::MalformedReply,
        ),
        (
            Scripted::json(500, &json!({"choices": [{"message": {"role": "assistant"}}]})),
            FailureKind::InternalError,
        ),
    ];
    for (reply, expected) in cases {
        assert_eq!(kind(reply), expected);
    }
}

#[test]
fn a_stream_where_a_whole_answer_was_asked_for_is_malformed() {
    let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"he\"}}]}\n\n";
    // A body that is not what was asked for reaches the adapter only where the host has found an error in it.
    let reply = Reply {
        head: patchbay_sdk::adapter::Head {
            status: 200,
            headers: Vec::new(),
        },
        body: stream.as_bytes().to_vec(),
    };
    let progress = Attempt { streaming: false }.advance(0, Input::Reply(reply));
    let patchbay_sdk::adapter::Next::Failed(failure) = progress.next else {
        panic!("{progress:?}");
    };
    assert_eq!(failure.kind(), FailureKind::MalformedReply);
}

#[test]
fn the_name_of_max_tokens_is_looked_up_in_the_outline() {
    let body = |url: &str| {
        json!({"model": "o3", "max_tokens": 5, "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": url}}]}]})
    };
    let sent =
        sent(Scenario::chat(&body("data:image/png;base64,AAAA")).outline(&body("data:image/png;base64,~1~")));
    // The edits are made in the body itself.
    let mut expected = body("data:image/png;base64,AAAA");
    expected.as_object_mut().unwrap().remove("max_tokens");
    expected["max_completion_tokens"] = json!(5);
    assert_eq!(sent.json(), expected);
}

#[test]
fn limits_of_a_success_are_read_where_wanted() {
    let reply = || {
        Scripted::json(200, &json!({"choices": []}))
            .header("x-ratelimit-limit-tokens", "200000")
            .header("x-ratelimit-remaining-tokens", "199996")
            .header("x-ratelimit-reset-tokens", "1ms")
    };
    let with = |settings: Value| {
        Scenario::chat(&hello())
            .settings(&settings)
            .reply(reply())
            .run::<OpenAi>()
    };
    assert_eq!(with(json!({})).limits, []);
    let limits = with(json!({"read_limits": true})).limits;
    assert_eq!(
        (limits[0].what.as_str(), limits[0].capacity, limits[0].resets_in),
        ("tokens", Some(200_000.0), Some(1))
    );
}

#[test]
fn the_schema_tells_the_defaults() {
    assert_schema_tells_defaults::<Settings>(settings::SCHEMA);
    assert!(serde_json::from_value::<Settings>(json!({"chat_pth": "/"})).is_err());
}

#[test]
fn recorded_replies_are_understood() {
    use FailureKind as Kind;
    for recording in recordings("openai") {
        let stem = recording.stem.as_str();
        let request = recording.request.clone().unwrap_or_else(hello);
        let outcome = Scenario::chat(&request)
            .reply(recording.scripted().in_pieces_of(97))
            .run::<OpenAi>();
        let kind = outcome.failure.as_ref().map(patchbay_sdk::adapter::Failure::kind);
        let expected = match stem {
            "err-400-context-length" => Some(Kind::ContextLengthExceeded),
            "err-401-invalid-key" => Some(Kind::AuthenticationError),
            "err-404-embeddings-unknown-model" | "err-404-model-not-found" => Some(Kind::ModelNotFound),
            "err-429-insufficient-quota" => Some(Kind::InsufficientQuota),
            other if other.starts_with("err-400") => Some(Kind::InvalidRequest),
            other => {
                assert!(!other.starts_with("err-"), "say what {other} means");
                None
            }
        };
        assert_eq!(kind, expected, "{stem}");
        assert_eq!(outcome.chunks.is_empty(), expected.is_some(), "{stem}");
    }
}
