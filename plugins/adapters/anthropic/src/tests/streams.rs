//! Streamed answers.

use patchbay_sdk::adapter::{Event, Next, Scope};

use super::*;

fn start() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "claude-x", "content": [], "stop_reason": null,
        "usage": {"input_tokens": 7, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 2,
            "output_tokens": 1}}})
}

fn open(index: u32, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u32, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn text(index: u32, text: &str) -> Value {
    delta(index, &json!({"type": "text_delta", "text": text}))
}

fn json_delta(index: u32, json: &str) -> Value {
    delta(index, &json!({"type": "input_json_delta", "partial_json": json}))
}

fn close(index: u32) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn ending(reason: &str, output_tokens: u64) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
        "usage": {"output_tokens": output_tokens}})
}

fn stop() -> Value {
    json!({"type": "message_stop"})
}

fn tool(id: &str, name: &str, input: &Value) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": input})
}

/// What each chunk says, and the finish reason of the last.
fn said(outcome: &Outcome) -> (Vec<Value>, Value) {
    let mut choices: Vec<Value> = outcome
        .read::<Value>()
        .into_iter()
        .map(|mut chunk| chunk["choices"][0].take())
        .collect();
    let last = choices.pop().unwrap();
    assert_eq!(last["delta"], json!({}), "the last chunk only ends");
    assert!(choices.iter().all(|choice| choice["finish_reason"].is_null()));
    let deltas = choices
        .into_iter()
        .map(|mut choice| choice["delta"].take())
        .collect();
    (deltas, last["finish_reason"].clone())
}

fn kind(outcome: &Outcome) -> Option<FailureKind> {
    outcome.failure.as_ref().map(Failure::kind)
}

#[test]
fn a_text_is_streamed() {
    let stream = events(&[
        start(),
        open(0, &json!({"type": "text", "text": ""})),
        json!({"type": "ping"}),
        text(0, "Hé"),
        json!({"type": "something_new", "index": 0, "delta": {"type": "text_delta", "text": "no"}}),
        delta(
            0,
            &json!({"type": "citations_delta", "citation": {"type": "page_location"}}),
        ),
        text(0, "llo"),
        close(0),
        ending("end_turn", 9),
        stop(),
    ]);
    for piece in [1, 2, 7, 1000] {
        let outcome = run_streamed(Scripted::sse(&stream).in_pieces_of(piece));
        assert_eq!(outcome.failure, None);
        let role = json!({"role": "assistant", "content": ""});
        let texts = [role, json!({"content": "Hé"}), json!({"content": "llo"})];
        assert_eq!(said(&outcome), (texts.to_vec(), json!("stop")));
        let tokens: Vec<bool> = outcome.chunks.iter().map(|chunk| chunk.token).collect();
        assert_eq!(tokens, [false, true, true, false]);
        for chunk in outcome.read::<Value>() {
            let head = ["id", "object", "created", "model"].map(|member| chunk[member].clone());
            let expected = [
                json!("msg_1"),
                json!("chat.completion.chunk"),
                json!(1_763_000_000),
                json!("claude-x"),
            ];
            assert_eq!(head, expected);
        }
        assert_eq!(counted(&outcome), [Some(7), Some(2), Some(5), Some(9)]);
        assert_eq!(outcome.warnings, [] as [String; 0]);
        assert_eq!(outcome.sent[0].request.framing, Framing::Sse);
        assert_eq!(outcome.sent[0].json()["stream"], true);
    }
}

#[test]
fn parallel_calls_have_their_own_numbers() {
    let call = |index: u32, id: &str, name: &str| {
        let function = json!({"name": name, "arguments": ""});
        json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]})
    };
    let fragment =
        |index: u32, json: &str| json!({"tool_calls": [{"index": index, "function": {"arguments": json}}]});
    let outcome = streamed(events(&[
        start(),
        open(0, &json!({"type": "text", "text": "Let me"})),
        close(0),
        open(1, &tool("toolu_1", "look", &json!({}))),
        json_delta(1, ""),
        json_delta(1, r#"{"at": "#),
        open(3, &tool("toolu_2", "wait", &json!({}))),
        json_delta(1, r#""é"}"#),
        json_delta(3, ""),
        close(1),
        close(3),
        open(4, &tool("toolu_3", "eager", &json!({"z": 1, "a": 2}))),
        close(4),
        ending("tool_use", 20),
        stop(),
    ]));
    assert_eq!(outcome.failure, None);
    let expected = [
        json!({"role": "assistant", "content": ""}),
        json!({"content": "Let me"}),
        call(0, "toolu_1", "look"),
        fragment(0, r#"{"at": "#),
        call(1, "toolu_2", "wait"),
        fragment(0, r#""é"}"#),
        fragment(1, "{}"),
        call(2, "toolu_3", "eager"),
        fragment(2, r#"{"z":1,"a":2}"#),
    ];
    assert_eq!(said(&outcome), (expected.to_vec(), json!("tool_calls")));
}

#[test]
fn thoughts_come_in_pieces_and_once_more_with_their_signature() {
    let outcome = streamed(events(&[
        start(),
        open(0, &json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, &json!({"type": "thinking_delta", "thinking": "Hm, "})),
        delta(0, &json!({"type": "thinking_delta", "thinking": "yes."})),
        delta(0, &json!({"type": "signature_delta", "signature": "sig"})),
        close(0),
        open(1, &json!({"type": "redacted_thinking", "data": "xyz"})),
        close(1),
        open(2, &json!({"type": "text", "text": ""})),
        text(2, "Yes."),
        close(2),
        ending("end_turn", 9),
        stop(),
    ]));
    let expected = [
        json!({"role": "assistant", "content": ""}),
        json!({"reasoning_content": "Hm, "}),
        json!({"reasoning_content": "yes."}),
        json!({"thinking_blocks": [{"type": "thinking", "thinking": "Hm, yes.", "signature": "sig"}]}),
        json!({"thinking_blocks": [{"type": "redacted_thinking", "data": "xyz"}]}),
        json!({"content": "Yes."}),
    ];
    assert_eq!(said(&outcome), (expected.to_vec(), json!("stop")));
}

#[test]
fn blocks_without_a_place_are_left_out() {
    let outcome = streamed(events(&[
        start(),
        open(
            0,
            &json!({"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {}}),
        ),
        json_delta(0, r#"{"query": "x"}"#),
        close(0),
        text(1, "Found."),
        ending("pause_turn", 4),
        stop(),
    ]));
    assert_eq!(outcome.streamed_text(), "Found.");
    assert_eq!(said(&outcome).1, "stop");
    assert_eq!(outcome.warnings.len(), 1);
}

#[test]
fn a_refusal_says_why() {
    let mut refused = ending("refusal", 5);
    refused["delta"]["stop_details"] = json!({"type": "refusal", "explanation": "Not that."});
    let outcome = streamed(events(&[start(), refused, stop()]));
    let expected = [
        json!({"role": "assistant", "content": ""}),
        json!({"refusal": "Not that."}),
    ];
    assert_eq!(said(&outcome), (expected.to_vec(), json!("content_filter")));
}

#[test]
fn a_second_beginning_and_a_second_end_only_update_the_usage() {
    let mut again = start();
    again["message"]["id"] = json!("msg_2");
    again["message"]["usage"] = json!({"input_tokens": 8, "output_tokens": 1});
    let outcome = streamed(events(&[
        start(),
        again,
        open(0, &json!({"type": "text", "text": ""})),
        text(0, "Hi"),
        ending("end_turn", 3),
        ending("max_tokens", 4),
        text(0, "too late"),
        stop(),
    ]));
    let (deltas, reason) = said(&outcome);
    assert_eq!((deltas.len(), reason), (2, json!("stop")));
    assert_eq!(outcome.read::<Value>()[0]["id"], "msg_1");
    assert_eq!(counted(&outcome), [Some(8), Some(2), Some(5), Some(4)]);
}

#[test]
fn usage_is_known_before_the_end() {
    let event = |object: &Value| Event {
        name: None,
        data: object.to_string().into_bytes(),
    };
    let mut stream = Stream::new(1, "m", "r");
    let usage = |progress: Progress| -> Vec<(String, u64)> {
        progress
            .usage
            .into_iter()
            .map(|count| (count.class, count.tokens))
            .collect()
    };
    let known = usage(stream.read(&[event(&start()), event(&text(0, "Hi"))]));
    let expected = [
        ("input", 7),
        ("cached-input", 2),
        ("cache-write", 5),
        ("output", 1),
    ];
    assert_eq!(known, expected.map(|(class, tokens)| (class.to_owned(), tokens)));
    assert_eq!(usage(stream.read(&[event(&text(0, "!"))])), []);
}

#[test]
fn when_an_answer_is_complete() {
    let said_so = || vec![start(), text(0, "Hi"), ending("max_tokens", 3)];
    // The end of the reply will do for one who has given a reason.
    let outcome = streamed(events(&said_so()));
    assert_eq!((kind(&outcome), said(&outcome).1), (None, json!("length")));
    // And so will the last event, without a reason.
    let outcome = streamed(events(&[start(), text(0, "Hi"), stop()]));
    assert_eq!((kind(&outcome), said(&outcome).1), (None, json!("stop")));
    let calling = open(0, &tool("t", "f", &json!({})));
    let outcome = streamed(events(&[start(), calling, stop()]));
    let (deltas, reason) = said(&outcome);
    assert_eq!((kind(&outcome), reason), (None, json!("tool_calls")));
    assert_eq!(deltas[2]["tool_calls"][0]["function"]["arguments"], "{}");
    // Neither: it was cut.
    for cut in [vec![], vec![start()], vec![start(), text(0, "Hi")]] {
        let outcome = streamed(events(&cut));
        assert_eq!(kind(&outcome), Some(FailureKind::MalformedReply));
        assert!(
            outcome
                .failure
                .unwrap()
                .message
                .contains("before the answer was complete")
        );
    }
    // What comes after the last event is not heard.
    let mut more = said_so();
    more.extend([stop(), text(0, "!"), json!({"type": "error"})]);
    assert_eq!(kind(&streamed(events(&more))), None);
}

#[test]
fn errors_inside_a_stream_are_failures_of_their_class() {
    let cases = [
        (
            "overloaded_error",
            "Overloaded",
            FailureKind::ServiceUnavailable,
            Scope::Model,
        ),
        (
            "api_error",
            "Internal server error",
            FailureKind::InternalError,
            Scope::Candidate,
        ),
        (
            "rate_limit_error",
            "slow down",
            FailureKind::RateLimitExceeded,
            Scope::Candidate,
        ),
        (
            "invalid_request_error",
            "no",
            FailureKind::InvalidRequest,
            Scope::Request,
        ),
        (
            "invalid_request_error",
            "prompt is too long: 2 tokens > 1 maximum",
            FailureKind::ContextLengthExceeded,
            Scope::Request,
        ),
        ("odd_error", "odd", FailureKind::UnknownError, Scope::Candidate),
    ];
    for (code, message, expected, scope) in cases {
        let error = json!({"type": "error", "error": {"type": code, "message": message}});
        for stream in [
            events(&[start(), text(0, "Hi"), error.clone(), stop()]),
            format!("{}data: {error}\n\n", events(&[start(), text(0, "Hi")])),
        ] {
            let outcome = streamed(stream);
            assert_eq!(outcome.streamed_text(), "Hi");
            let failure = outcome.failure.unwrap();
            assert_eq!(
                (failure.kind(), failure.scope),
                (expected.clone(), scope),
                "{code}"
            );
            assert_eq!(
                (failure.message.as_str(), failure.vendor_code.as_deref()),
                (message, Some(code))
            );
        }
    }
    for bare in [
        "event: error\ndata: out of order\n\n",
        "data: {\"type\": \"error\"}\n\n",
    ] {
        let outcome = streamed(format!("{}{bare}", events(&[start()])));
        assert_eq!(kind(&outcome), Some(FailureKind::UnknownError), "{bare}");
        assert!(!outcome.failure.unwrap().message.is_empty());
    }
}

#[test]
fn an_error_after_the_answer_takes_nothing_away() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let outcome = streamed(events(&[start(), text(0, "Hi"), ending("end_turn", 3), error]));
    assert_eq!((kind(&outcome), said(&outcome).1), (None, json!("stop")));
    assert!(outcome.warnings[0].contains("Overloaded"));
}

#[test]
fn noise_is_skipped_and_broken_events_are_not() {
    let with_noise = |noise: &str, complete: bool| {
        let mut before = vec![start(), text(0, "Hi")];
        if complete {
            before.push(ending("end_turn", 3));
        }
        let after = if complete {
            vec![stop()]
        } else {
            vec![ending("end_turn", 3), stop()]
        };
        streamed(format!("{}data: {noise}\n\n{}", events(&before), events(&after)))
    };
    for noise in ["hello", "<html>", "\"text\"", "[1]", "42"] {
        for complete in [false, true] {
            let outcome = with_noise(noise, complete);
            assert_eq!((kind(&outcome), outcome.warnings.len()), (None, 1), "{noise}");
        }
    }
    for silent in ["", "[DONE]"] {
        let outcome = with_noise(silent, false);
        assert_eq!((kind(&outcome), outcome.warnings.len()), (None, 0), "{silent}");
    }
    for broken in [
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_de"#,
        r#"{"type":"content_block_delta","index":0,"delta":"text"}"#,
        "{",
    ] {
        let outcome = with_noise(broken, false);
        assert_eq!(kind(&outcome), Some(FailureKind::MalformedReply), "{broken}");
        assert_eq!(outcome.streamed_text(), "Hi");
        let outcome = with_noise(broken, true);
        assert_eq!((kind(&outcome), outcome.warnings.len()), (None, 1), "{broken}");
    }
}

#[test]
fn a_stream_without_a_beginning_has_one_all_the_same() {
    let outcome = streamed(events(&[text(0, "Hi"), ending("end_turn", 3), stop()]));
    let (deltas, _) = said(&outcome);
    assert_eq!(deltas[0], json!({"role": "assistant", "content": ""}));
    let first = &outcome.read::<Value>()[0];
    assert_eq!(
        (first["id"].as_str(), first["model"].as_str()),
        (Some("msg-request-1"), Some("claude-sonnet-4-5"))
    );
}

#[test]
fn what_nobody_asked_for_is_refused() {
    let mut whole = Attempt::Whole { created: 0 };
    for input in [
        Input::Events(Vec::new()),
        Input::End,
        Input::Fetched(Vec::new()),
        Input::Pull,
    ] {
        let progress = whole.advance(0, input);
        assert!(matches!(progress.next, Next::Failed(_)), "{progress:?}");
    }
}
