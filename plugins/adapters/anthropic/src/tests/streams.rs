//! Streamed answers.

mod endings;

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
