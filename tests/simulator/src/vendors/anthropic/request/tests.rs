//! Messages requests as data: what is read from them and what is refused.

use http::StatusCode;
use serde_json::json;

use super::*;

fn with(extra: &Value) -> Value {
    let mut request =
        json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello there"}]});
    request
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    request
}

fn read(extra: &Value) -> ChatAsk {
    chat(with(extra).to_string().as_bytes()).unwrap()
}

fn tools() -> Value {
    let tool = |name: &str| json!({"name": name, "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}});
    json!([tool("first"), tool("second")])
}

fn called(name: &str) -> Expects {
    Expects::ToolCall {
        name: name.to_owned(),
        arguments: "{\"city\":\"city\"}".to_owned(),
    }
}

#[test]
fn texts_and_images_are_counted_wherever_they_stand() {
    let image = json!({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}});
    let ask = read(&json!({
        "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        "stream": true,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "what is\nthis"}, image]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "look", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "a cat"}, image]},
                {"type": "text", "text": "and now?"},
            ]},
        ],
    }));
    assert_eq!(
        (ask.prompt.as_str(), ask.prompt_tokens, ask.images),
        ("and now?", 9, 2)
    );
    assert_eq!(
        (ask.stream, ask.limit, ask.expects),
        (true, Some(9), Expects::Text)
    );
}

#[test]
fn the_first_or_the_chosen_tool_is_called() {
    let chosen = |choice: Value| read(&json!({"tools": tools(), "tool_choice": choice})).expects;
    assert_eq!(read(&json!({"tools": tools()})).expects, called("first"));
    assert_eq!(chosen(json!({"type": "any"})), called("first"));
    assert_eq!(
        chosen(json!({"type": "tool", "name": "second"})),
        called("second")
    );
    assert_eq!(chosen(json!({"type": "none"})), Expects::Text);
}

#[test]
fn a_tool_result_is_answered_with_text() {
    let messages =
        json!([{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "1"}]}]);
    assert_eq!(
        read(&json!({"tools": tools(), "messages": messages})).expects,
        Expects::Text
    );
}

#[test]
fn a_schema_is_answered_with_json() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let config = json!({"format": {"type": "json_schema", "schema": schema}});
    let ask = read(&json!({"output_config": config}));
    assert_eq!(ask.expects, Expects::Json("{\"n\":1}".to_owned()));
}

#[test]
fn what_the_vendor_does_not_take_is_refused() {
    let said = |role: &str, content: Value| json!({"messages": [{"role": role, "content": content}]});
    for (extra, complaint) in [
        (json!({"max_tokens": null}), "max_tokens: Field required"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"messages": []}), "at least one message"),
        (said("assistant", json!("hi")), "first message"),
        (said("system", json!("hi")), "unknown variant `system`"),
        (said("user", json!([{"type": "text", "text": ""}])), "non-empty"),
        (said("user", json!(5)), "cannot be read"),
    ] {
        let refusal = chat(with(&extra).to_string().as_bytes()).unwrap_err();
        assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
        assert!(refusal.message.contains(complaint), "{}", refusal.message);
    }
}
