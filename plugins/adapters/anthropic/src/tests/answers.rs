//! Whole answers.

use super::*;

/// The canonical answer to a vendor's message with these members set.
fn answer(members: &Value) -> (Value, Outcome) {
    let outcome = Scenario::chat(&hello())
        .reply(Scripted::json(200, &with(message(), members)))
        .run::<Anthropic>();
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.chunks.len(), 1);
    (outcome.read().remove(0), outcome)
}

#[test]
fn a_text_is_answered() {
    let (answer, outcome) = answer(&json!({}));
    assert_eq!(
        answer,
        json!({"id": "msg_1", "object": "chat.completion", "created": 1_763_000_000, "model": "claude-x",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi!"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13,
                "prompt_tokens_details": {"cached_tokens": 0}}})
    );
    assert_eq!(counted(&outcome), [Some(10), Some(0), Some(0), Some(3)]);
    assert_eq!(outcome.warnings, [] as [String; 0]);
}

#[test]
fn texts_are_joined_and_tools_called() {
    let content = json!([
        {"type": "text", "text": "Let me "}, {"type": "text", "text": "look.", "citations": []},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"z": [1, {"b": null}], "a": "é"}},
        {"type": "tool_use", "id": "toolu_2", "name": "wait", "input": {}}]);
    let (answer, _) = answer(&json!({"content": content, "stop_reason": "tool_use"}));
    assert_eq!(
        answer["choices"][0],
        json!({"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": "Let me look.", "tool_calls": [
                {"id": "toolu_1", "type": "function",
                    "function": {"name": "look", "arguments": r#"{"z":[1,{"b":null}],"a":"é"}"#}},
                {"id": "toolu_2", "type": "function", "function": {"name": "wait", "arguments": "{}"}}]}})
    );
}

#[test]
fn an_answer_that_only_calls_has_no_content() {
    let content = json!([{"type": "tool_use", "id": "toolu_1", "name": "wait"}]);
    let (answer, _) = answer(&json!({"content": content, "stop_reason": null}));
    let choice = &answer["choices"][0];
    assert_eq!(choice["message"].get("content"), None);
    assert_eq!(choice["message"]["tool_calls"][0]["function"]["arguments"], "{}");
    assert_eq!(choice["finish_reason"], "tool_calls");
}

#[test]
fn thoughts_are_kept_with_their_signatures() {
    let content = json!([
        {"type": "thinking", "thinking": "Hm. ", "signature": "sig1"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "thinking", "thinking": "Aha.", "signature": "sig2"},
        {"type": "text", "text": "Yes."}]);
    let (answer, outcome) = answer(&json!({"content": content}));
    let said = &answer["choices"][0]["message"];
    assert_eq!(said["content"], "Yes.");
    assert_eq!(said["reasoning_content"], "Hm. Aha.");
    assert_eq!(
        said["thinking_blocks"].as_array().unwrap()[..],
        content.as_array().unwrap()[..3]
    );
    assert_eq!(outcome.warnings, [] as [String; 0]);
}

#[test]
fn what_has_no_place_is_left_out_and_told() {
    let content = json!([
        {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"type": "web_search_result"}]},
        {"type": "text", "text": "Found."}]);
    let (answer, outcome) = answer(&json!({"content": content}));
    assert_eq!(
        answer["choices"][0]["message"],
        json!({"role": "assistant", "content": "Found."})
    );
    assert_eq!(outcome.warnings.len(), 2);
    assert!(outcome.warnings[0].contains("server_tool_use"));
}

#[test]
fn every_stop_reason_has_a_meaning() {
    let reasons = [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "stop"),
        ("compaction", "stop"),
        ("something_new", "stop"),
    ];
    for (theirs, canonical) in reasons {
        let (answer, _) = answer(&json!({"stop_reason": theirs}));
        assert_eq!(answer["choices"][0]["finish_reason"], canonical, "{theirs}");
    }
}

#[test]
fn a_refusal_says_why() {
    let details = json!({"type": "refusal", "category": "bio", "explanation": "Not that."});
    let refused = json!({"content": [], "stop_reason": "refusal", "stop_details": details});
    let (refused, _) = answer(&refused);
    assert_eq!(
        refused["choices"][0],
        json!({"index": 0, "finish_reason": "content_filter",
            "message": {"role": "assistant", "content": "", "refusal": "Not that."}})
    );
    let (silent, _) = answer(&json!({"content": [], "stop_reason": "refusal", "stop_details": null}));
    assert_eq!(
        silent["choices"][0]["message"],
        json!({"role": "assistant", "content": ""})
    );
}

#[test]
fn the_prompt_includes_what_was_cached() {
    let usage = json!({"input_tokens": 3, "cache_creation_input_tokens": 418, "cache_read_input_tokens": 1111,
        "cache_creation": {"ephemeral_5m_input_tokens": 418}, "output_tokens": 33, "service_tier": "standard"});
    let (cached, outcome) = answer(&json!({"usage": usage}));
    assert_eq!(
        cached["usage"],
        json!({"prompt_tokens": 1532, "completion_tokens": 33, "total_tokens": 1565,
            "prompt_tokens_details": {"cached_tokens": 1111}})
    );
    assert_eq!(counted(&outcome), [Some(3), Some(1111), Some(418), Some(33)]);
    let (_, outcome) = answer(&json!({"usage": {"input_tokens": 3, "cache_read_input_tokens": null}}));
    assert_eq!(counted(&outcome), [Some(3), None, None, None]);
}

#[test]
fn a_whole_answer_becomes_the_stream_that_was_asked_for() {
    let content = json!([
        {"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": "Hi!"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}}]);
    let message = with(message(), &json!({"content": content, "stop_reason": "tool_use"}));
    let outcome = run_streamed(Scripted::json(200, &message));
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.streamed_text(), "Hi!");
    let chunks = outcome.read::<Value>();
    let delta = &chunks[1]["choices"][0]["delta"];
    assert_eq!(delta["reasoning_content"], "Hm.");
    assert_eq!(delta["tool_calls"][1]["index"], 1);
    assert_eq!(delta["tool_calls"][0]["function"]["arguments"], r#"{"x":1}"#);
    assert_eq!(
        chunks.last().unwrap()["choices"][0]["finish_reason"],
        "tool_calls"
    );
    assert_eq!(counted(&outcome), [Some(10), Some(0), Some(0), Some(3)]);
}
