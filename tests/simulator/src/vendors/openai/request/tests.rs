//! Chat requests as data: what is read from them and what is refused.

use http::StatusCode;
use serde_json::json;

use super::*;

fn read(request: &Value) -> ChatAsk {
    chat(request.to_string().as_bytes()).unwrap()
}

fn with(extra: &Value) -> Value {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "Hello \"there\""}]});
    request
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    request
}

fn tools() -> Value {
    let tool = |name: &str| {
        json!({"type": "function", "function": {"name": name, "parameters":
            {"type": "object", "properties": {"city": {"type": "string"}}}}})
    };
    json!([tool("first"), tool("second")])
}

#[test]
fn texts_and_images_are_counted_over_all_messages() {
    let ask = read(&json!({"model": "m", "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [
            {"type": "text", "text": "what is\nthis"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ]},
        {"role": "assistant", "content": null, "tool_calls": []},
    ]}));
    assert_eq!(
        (ask.prompt.as_str(), ask.prompt_tokens, ask.images),
        ("what is\nthis", 5, 2)
    );
    assert_eq!(ask.expects, Expects::Text);
}

#[test]
fn limits_and_stream_options_are_read() {
    let ask = read(&with(
        &json!({"stream": true, "stream_options": {"include_usage": true}, "max_tokens": 9,
        "max_completion_tokens": 4, "n": 2, "temperature": 0.5}),
    ));
    assert!(ask.stream && ask.include_usage);
    assert_eq!((ask.limit, ask.choices), (Some(4), 2));
    let ask = read(&with(&json!({"stream": null, "max_tokens": 9})));
    assert_eq!((ask.stream, ask.limit), (false, Some(9)));
}

#[test]
fn the_first_or_the_chosen_tool_is_called() {
    let city = "{\"city\":\"city\"}".to_owned();
    let call = |name: &str| Expects::ToolCall {
        name: name.to_owned(),
        arguments: city.clone(),
    };
    assert_eq!(read(&with(&json!({"tools": tools()}))).expects, call("first"));
    let chosen = json!({"type": "function", "function": {"name": "second"}});
    assert_eq!(
        read(&with(&json!({"tools": tools(), "tool_choice": chosen}))).expects,
        call("second")
    );
    assert_eq!(
        read(&with(&json!({"tools": tools(), "tool_choice": "none"}))).expects,
        Expects::Text
    );
}

#[test]
fn a_tool_result_is_answered_with_text() {
    let result =
        json!([{"role": "user", "content": "hi"}, {"role": "tool", "tool_call_id": "a", "content": "1"}]);
    assert_eq!(
        read(&with(&json!({"tools": tools(), "messages": result}))).expects,
        Expects::Text
    );
}

#[test]
fn a_tool_without_parameters_gets_empty_arguments() {
    let tools = json!([{"type": "function", "function": {"name": "now"}}]);
    let expected = Expects::ToolCall {
        name: "now".to_owned(),
        arguments: "{}".to_owned(),
    };
    assert_eq!(read(&with(&json!({"tools": tools}))).expects, expected);
}

#[test]
fn response_formats_are_read() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    for (format, expected) in [
        (json!({"type": "text"}), Expects::Text),
        (json!({"type": "json_object"}), Expects::JsonObject),
        (
            json!({"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}),
            Expects::Json("{\"n\":1}".to_owned()),
        ),
    ] {
        assert_eq!(read(&with(&json!({"response_format": format}))).expects, expected);
    }
}

#[test]
fn what_is_not_a_chat_request_is_refused() {
    for (body, complaint) in [
        ("{", "cannot be read"),
        ("{\"messages\": []}", "missing field `model`"),
        ("{\"model\": \"m\", \"messages\": []}", "at least one message"),
        (
            "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": 5}]}",
            "a text or a list",
        ),
        (
            "{\"model\": \"m\", \"messages\": [{\"role\": \"user\"}], \"n\": 0}",
            "n must be from 1",
        ),
    ] {
        let refusal = chat(body.as_bytes()).unwrap_err();
        assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
        assert!(refusal.message.contains(complaint), "{}", refusal.message);
    }
}
