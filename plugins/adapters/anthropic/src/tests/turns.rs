//! Conversations.

use super::*;

/// System and messages that leave for these canonical messages.
fn turns(messages: &Value) -> (Value, Value) {
    let (mut body, warnings) = made_of(&json!({"messages": messages}));
    assert_eq!(warnings, [] as [String; 0]);
    (body["system"].take(), body["messages"].take())
}

fn user(content: &Value) -> Value {
    json!({"role": "user", "content": content})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

#[test]
fn the_system_stands_apart_in_order() {
    let (system, messages) = turns(&json!([
        {"role": "system", "content": "one"}, {"role": "user", "content": "hi"},
        {"role": "developer", "content": [{"type": "text", "text": "two"}, {"type": "text", "text": ""}]},
        {"role": "system", "content": ""},
        {"role": "system", "content": [{"type": "text", "text": "three", "cache_control": {"type": "ephemeral"}}]}]));
    let cached = json!({"type": "text", "text": "three", "cache_control": {"type": "ephemeral"}});
    assert_eq!(system, json!([text("one"), text("two"), cached]));
    assert_eq!(messages, json!([user(&json!([text("hi")]))]));
}

#[test]
fn messages_of_one_side_are_merged_and_empty_ones_left_out() {
    let (system, messages) = turns(&json!([
        {"role": "user", "content": ""}, {"role": "user", "content": "a", "name": "ann"},
        {"role": "assistant", "content": ""}, {"role": "assistant", "content": null},
        {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "c"},
        {"role": "assistant", "content": [{"type": "text", "text": "d"}, {"type": "refusal", "refusal": "e"}]},
        {"role": "assistant", "content": null, "refusal": "f", "tool_calls": null},
        {"role": "user", "content": "g"}]));
    assert_eq!(system, Value::Null);
    let assistant = json!({"role": "assistant", "content": [text("c"), text("d"), text("e"), text("f")]});
    assert_eq!(
        messages,
        json!([
            user(&json!([text("a"), text("b")])),
            assistant,
            user(&json!([text("g")]))
        ])
    );
}

#[test]
fn all_answers_of_tools_go_first_in_one_message() {
    let (_, messages) = turns(&json!([
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": "ok", "tool_calls": [
            call("toolu_1", "look", r#" {"z": 1, "a": {"b": []}} "#), call("toolu_2", "wait", ""),
            call("functions.f:0", "f", "{}")]},
        {"role": "tool", "tool_call_id": "toolu_1", "content": "a cat"},
        {"role": "user", "content": "well?"},
        {"role": "tool", "tool_call_id": "toolu_2", "content": [{"type": "text", "text": "waited"}]},
        {"role": "tool", "tool_call_id": "functions.f:0", "content": ""}]));
    let tool_use = |id: &str, name: &str, input: Value| json!({"type": "tool_use", "id": id, "name": name, "input": input});
    assert_eq!(
        messages[1],
        json!({"role": "assistant", "content": [text("ok"),
            tool_use("toolu_1", "look", json!({"z": 1, "a": {"b": []}})),
            tool_use("toolu_2", "wait", json!({})),
            tool_use("functions_f_0", "f", json!({}))]})
    );
    assert_eq!(
        messages[2],
        user(&json!([
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [text("a cat")]},
            {"type": "tool_result", "tool_use_id": "toolu_2", "content": [text("waited")]},
            {"type": "tool_result", "tool_use_id": "functions_f_0"},
            text("well?")]))
    );
    assert_eq!(messages.as_array().unwrap().len(), 3);
}

#[test]
fn the_order_of_arguments_is_kept() {
    let body = with(
        hello(),
        &json!({"messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "tool_calls": [call("t", "f", r#"{"z":1,"a":2}"#)]},
        {"role": "tool", "tool_call_id": "t", "content": "y"}]}),
    );
    let body = sent(Scenario::chat(&body)).body;
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains(r#""input":{"z":1,"a":2}"#)
    );
}

#[test]
fn what_cannot_be_said_is_refused_by_its_name() {
    let at = |message: &Value| {
        refused(&json!({"messages": [{"role": "user", "content": "x"}, message]}))
            .param
            .unwrap()
    };
    let calling = |call: &Value| json!({"role": "assistant", "tool_calls": [call]});
    let part = |part: &Value| json!({"role": "user", "content": [{"type": "text", "text": "x"}, part]});
    let cases = [
        (json!({"role": "function", "content": "x"}), "messages[1].role"),
        (
            json!({"role": "tool", "content": "x"}),
            "messages[1].tool_call_id",
        ),
        (
            calling(&json!({"function": {"name": "f"}})),
            "messages[1].tool_calls[0].id",
        ),
        (
            calling(&call("t", "f", "[1]")),
            "messages[1].tool_calls[0].function.arguments",
        ),
        (
            calling(&call("t", "f", "{\"a\":")),
            "messages[1].tool_calls[0].function.arguments",
        ),
        (
            calling(&call("t", "f", "\"text\"")),
            "messages[1].tool_calls[0].function.arguments",
        ),
        (
            part(&json!({"type": "input_audio", "input_audio": {}})),
            "messages[1].content[1].type",
        ),
        (
            part(&json!({"type": "image_url"})),
            "messages[1].content[1].image_url",
        ),
        (
            part(&json!({"type": "image_url", "image_url": {"url": "data:image/png,AAAA"}})),
            "messages[1].content[1].image_url.url",
        ),
        (
            part(&json!({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}})),
            "messages[1].content[1].image_url.url",
        ),
        (
            part(&json!({"type": "file", "file": {"file_id": "f"}})),
            "messages[1].content[1].file.file_data",
        ),
        (
            part(&json!({"type": "file", "file": {"file_data": "data:text/plain;base64,AAAA"}})),
            "messages[1].content[1].file.file_data",
        ),
    ];
    for (message, param) in cases {
        assert_eq!(at(&message), param, "{message}");
    }
}

#[test]
fn the_user_begins() {
    let greeting = json!([{"role": "system", "content": "s"}, {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "Hi."}]);
    for messages in [
        json!([]),
        json!([{"role": "system", "content": "s"}]),
        json!([{"role": "user", "content": ""}]),
        greeting.clone(),
    ] {
        assert_eq!(
            refused(&json!({"messages": messages})).param.as_deref(),
            Some("messages")
        );
    }
    let scenario = |messages: &Value| {
        Scenario::chat(&with(hello(), &json!({"messages": messages})))
            .settings(&json!({"opening": "(silence)"}))
    };
    let opened = sent(scenario(&greeting)).json();
    assert_eq!(opened["messages"][0], user(&json!([text("(silence)")])));
    assert_eq!(opened["messages"][1]["role"], "assistant");
    // Nobody said anything at all: there is nothing to open.
    assert!(scenario(&json!([])).run::<Anthropic>().failure.is_some());
}

#[test]
fn an_answer_to_be_continued_does_not_end_in_white_space() {
    let last = |content: &str| {
        let (_, messages) =
            turns(&json!([{"role": "user", "content": "x "}, {"role": "assistant", "content": content}]));
        messages.as_array().unwrap().last().unwrap().clone()
    };
    assert_eq!(
        last("So: \n"),
        json!({"role": "assistant", "content": [text("So:")]})
    );
    assert_eq!(last(" \n"), user(&json!([text("x ")])));
}

#[test]
fn images_and_documents_are_passed_on() {
    let (_, messages) = turns(&json!([{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "DATA:image/webp;name=a.webp;base64,BBBB"},
            "cache_control": {"type": "ephemeral"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,CCCC"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,DDDD"}}]}]));
    let base64 =
        |media_type: &str, data: &str| json!({"type": "base64", "media_type": media_type, "data": data});
    assert_eq!(
        messages[0]["content"],
        json!([
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
            {"type": "image", "source": base64("image/jpeg", "AAAA")},
            {"type": "image", "source": base64("image/webp", "BBBB"), "cache_control": {"type": "ephemeral"}},
            {"type": "document", "source": base64("application/pdf", "CCCC"), "title": "a.pdf"},
            {"type": "document", "source": base64("application/pdf", "DDDD")}])
    );
}

#[test]
fn long_base64_stays_the_marker_that_it_is() {
    let body = |data: &str| {
        let image =
            json!({"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{data}")}});
        let file =
            json!({"type": "file", "file": {"file_data": format!("data:application/pdf;base64,{data}")}});
        with(
            hello(),
            &json!({"messages": [{"role": "user", "content": [image, file]}]}),
        )
    };
    let marker = "\u{2301}marker-1/2+3=";
    let scenario = Scenario::chat(&body(&"A".repeat(5000))).outline(&body(marker));
    let content = sent(scenario).json()["messages"][0]["content"].take();
    assert_eq!(content[0]["source"]["data"], marker);
    assert_eq!(content[0]["source"]["media_type"], "image/png");
    assert_eq!(content[1]["source"]["data"], marker);
}

#[test]
fn thoughts_come_back_as_they_were() {
    let thought = json!({"type": "thinking", "thinking": "Hm.", "signature": "sig"});
    let hidden = json!({"type": "redacted_thinking", "data": "xyz"});
    let (_, messages) = turns(&json!([
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": "y", "reasoning_content": "Hm.",
            "thinking_blocks": [thought, hidden, {"type": "thinking", "thinking": "unsigned", "signature": null},
                {"type": "text", "text": "no thought", "signature": "sig"}]},
        {"role": "user", "content": "z"}]));
    assert_eq!(messages[1]["content"], json!([thought, hidden, text("y")]));
}
