//! Canonical JSON goes in and out without loss.

use serde_json::{Value, json};

use super::*;

fn there_and_back<T: serde::de::DeserializeOwned + serde::Serialize>(canonical: &Value) {
    let typed: T = serde_json::from_value(canonical.clone()).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&to_json(&typed)).unwrap(),
        *canonical
    );
}

#[test]
fn members_without_a_name_survive() {
    there_and_back::<ChatRequest>(&json!({
        "model": "m", "stream": true, "logit_bias": {"50256": -100}, "x-vendor": [1, 2.5, null],
        "stream_options": {"include_usage": true, "include_obfuscation": false},
        "messages": [
            {"role": "system", "content": "be brief", "name": "boss"},
            {"role": "user", "content": [
                {"type": "text", "text": "what is this?", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]},
            {"role": "assistant", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "a cat"}],
    }));
    there_and_back::<CompletionChunk>(&json!({
        "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "obfuscation": "x",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": "", "refusal": null},
            "finish_reason": null, "logprobs": null}],
    }));
}

#[test]
fn the_text_of_a_message_joins_its_parts() {
    let message: Message = serde_json::from_value(json!({"role": "user", "content": [
        {"type": "text", "text": "one"}, {"type": "image_url", "image_url": {"url": "data:,"}},
        {"type": "text", "text": "two"}]}))
    .unwrap();
    assert_eq!(message.text(), "one\ntwo");
}

#[test]
fn classes_of_usage_do_not_overlap() {
    let usage: Usage = serde_json::from_value(json!({
        "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 80, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 30}}))
    .unwrap();
    let counts: Vec<(String, u64)> = usage.counts().into_iter().map(|c| (c.class, c.tokens)).collect();
    let expected = [
        ("input", 20),
        ("output", 20),
        ("cached-input", 80),
        ("reasoning", 30),
    ];
    assert_eq!(counts, expected.map(|(class, tokens)| (class.to_owned(), tokens)));
    assert_eq!(
        counts.iter().map(|(_, tokens)| tokens).sum::<u64>(),
        usage.total_tokens
    );
}

#[test]
fn an_input_to_embed_is_text_or_tokens() {
    let input = |json: Value| serde_json::from_value::<Input>(json).unwrap();
    assert_eq!(input(json!("a")), Input::Text("a".to_owned()));
    assert_eq!(input(json!([1, 2])), Input::Tokens(vec![1, 2]));
    assert_eq!(
        input(json!([[1], [2]])),
        Input::TokenLists(vec![vec![1], vec![2]])
    );
}

#[test]
fn null_is_as_good_as_nothing() {
    let message = json!({"role": "assistant", "content": null, "tool_calls": null});
    let message: Message = serde_json::from_value(message).unwrap();
    assert_eq!((message.content, message.tool_calls), (None, Vec::new()));
    let request: ChatRequest =
        serde_json::from_value(json!({"model": "m", "messages": [], "tools": null})).unwrap();
    assert_eq!(request.tools, [] as [Value; 0]);
}

#[test]
fn a_whole_answer_becomes_a_stream() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let completion: Completion = serde_json::from_value(json!({
        "id": "1", "object": "chat.completion", "created": 2, "model": "m", "system_fingerprint": "fp",
        "choices": [
            {"index": 0, "finish_reason": "tool_calls", "logprobs": null,
                "message": {"role": "assistant", "content": "hi", "reasoning_content": "why",
                    "tool_calls": [call("a"), call("b")]}},
            {"index": 1, "finish_reason": null, "message": {"role": "assistant", "content": null}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}))
    .unwrap();
    let chunks = completion.into_chunks();
    let json: Vec<Value> = chunks
        .iter()
        .map(|chunk| serde_json::from_slice(&chunk.data).unwrap())
        .collect();
    assert!(json.iter().all(|chunk| {
        let same = ["id", "created", "model", "system_fingerprint", "object"].map(|name| &chunk[name]);
        same == [
            &json!("1"),
            &json!(2),
            &json!("m"),
            &json!("fp"),
            &json!("chat.completion.chunk"),
        ] && chunk.get("usage").is_none()
    }));
    let numbered = |index: u32, id: &str| {
        let mut call = call(id);
        call["index"] = json!(index);
        call
    };
    let choices: Vec<&Value> = json.iter().map(|chunk| &chunk["choices"][0]).collect();
    let role = json!({"role": "assistant", "content": ""});
    assert_eq!(
        *choices[0],
        json!({"index": 0, "delta": role, "finish_reason": null})
    );
    assert_eq!(
        choices[1]["delta"],
        json!({"content": "hi", "reasoning_content": "why", "tool_calls": [numbered(0, "a"), numbered(1, "b")]})
    );
    assert_eq!(
        *choices[2],
        json!({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    );
    assert_eq!(
        *choices[5],
        json!({"index": 1, "delta": {}, "finish_reason": "stop"})
    );
    let tokens: Vec<bool> = chunks.iter().map(|chunk| chunk.token).collect();
    assert_eq!(tokens, [false, true, false, false, true, false]);
}
