//! How much a model is to think, and what gives way to it.

use super::*;

/// Thinking, effort, the longest answer, the temperature, and how many warnings.
fn thought(request: &Value, settings: &Value) -> (Value, Value, u64, Value, usize) {
    let request = with(
        with(
            hello(),
            &json!({"reasoning_effort": "medium", "max_tokens": null}),
        ),
        request,
    );
    let (sent, warnings) = sent_with_warnings(Scenario::chat(&request).settings(settings));
    let body = sent.json();
    (
        body["thinking"].clone(),
        body["output_config"]["effort"].clone(),
        body["max_tokens"].as_u64().unwrap(),
        body["temperature"].clone(),
        warnings.len(),
    )
}

fn budget(tokens: u64) -> Value {
    json!({"type": "enabled", "budget_tokens": tokens})
}

#[test]
fn thinking_by_budget_leaves_room_for_the_answer() {
    let none = Value::Null;
    let cases = [
        (json!({}), json!({}), budget(8192), 4096 + 8192, none.clone(), 0),
        (
            json!({"reasoning_effort": "high"}),
            json!({}),
            budget(24_576),
            4096 + 24_576,
            none.clone(),
            0,
        ),
        (
            json!({"reasoning_effort": "none"}),
            json!({}),
            none.clone(),
            4096,
            none.clone(),
            0,
        ),
        (
            json!({}),
            json!({"thinking_budgets": {"medium": 3000}}),
            budget(3000),
            7096,
            none.clone(),
            0,
        ),
        (
            json!({"max_tokens": 4000}),
            json!({}),
            budget(3000),
            4000,
            none.clone(),
            0,
        ),
        (
            json!({"max_tokens": 1000}),
            json!({}),
            none.clone(),
            1000,
            none.clone(),
            1,
        ),
        // Without thinking the temperature stands, with it it is dropped.
        (
            json!({"max_tokens": 1000, "temperature": 0.5}),
            json!({}),
            none.clone(),
            1000,
            json!(0.5),
            1,
        ),
        (
            json!({"temperature": 0.5, "top_p": 0.5}),
            json!({}),
            budget(8192),
            12_288,
            none.clone(),
            2,
        ),
        (
            json!({}),
            json!({"thinking": "none"}),
            none.clone(),
            4096,
            none.clone(),
            1,
        ),
    ];
    for (request, settings, thinking, max_tokens, temperature, warnings) in cases {
        let expected = (thinking, Value::Null, max_tokens, temperature, warnings);
        assert_eq!(thought(&request, &settings), expected, "{request} {settings}");
    }
    assert_eq!(
        refused(&json!({"reasoning_effort": "extreme"})).param.as_deref(),
        Some("reasoning_effort")
    );
}

#[test]
fn newer_models_think_by_effort() {
    let adaptive =
        |model: &str| thought(&json!({"model": model}), &json!({})).0 == json!({"type": "adaptive"});
    for model in [
        "claude-opus-5",
        "claude-fable-5",
        "claude-sonnet-4-6",
        "claude-opus-4-6-20260204",
        "us.anthropic.claude-opus-4-7",
        "claude-latest",
        "our-deployment",
    ] {
        assert!(adaptive(model), "{model}");
    }
    for model in [
        "claude-sonnet-4-5-20250929",
        "claude-opus-4-20250514",
        "claude-sonnet-4-0",
        "claude-3-7-sonnet-20250219",
        "anthropic.claude-haiku-4-5-20251001-v1:0",
    ] {
        assert!(!adaptive(model), "{model}");
    }
    let style = json!({"thinking": "adaptive"});
    for (asked, sent) in [("minimal", "low"), ("low", "low"), ("xhigh", "xhigh")] {
        let (thinking, effort, max_tokens, _, warnings) =
            thought(&json!({"reasoning_effort": asked}), &style);
        assert_eq!(
            (thinking, effort, max_tokens, warnings),
            (json!({"type": "adaptive"}), json!(sent), 4096, 0)
        );
    }
    let format = json!({"type": "json_schema", "json_schema": {"schema": {"type": "object"}}});
    let request = with(
        hello(),
        &json!({"reasoning_effort": "low", "response_format": format}),
    );
    let config = sent(Scenario::chat(&request).settings(&style)).json()["output_config"].take();
    assert_eq!(
        (&config["effort"], &config["format"]["type"]),
        (&json!("low"), &json!("json_schema"))
    );
}

#[test]
fn thinking_gives_way_to_what_excludes_it() {
    let tools = json!([function("look")]);
    let forced = json!({"tools": tools, "tool_choice": "required"});
    assert_eq!(
        thought(&forced, &json!({})),
        (Value::Null, Value::Null, 4096, Value::Null, 1)
    );
    let free = json!({"tools": tools, "tool_choice": "auto"});
    assert_eq!(thought(&free, &json!({})).0, budget(8192));

    let answered = |thoughts: Value| {
        json!({"tools": tools, "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "thinking_blocks": thoughts, "tool_calls": [
                {"id": "t", "type": "function", "function": {"name": "look", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "t", "content": "y"}]})
    };
    let kept = answered(json!([{"type": "thinking", "thinking": "Hm.", "signature": "s"}]));
    let lost = answered(Value::Null);
    assert_eq!(thought(&kept, &json!({})).0, budget(8192));
    assert_eq!(thought(&lost, &json!({})).4, 1);
    assert_eq!(thought(&lost, &json!({})).0, Value::Null);
    // Those that decide by themselves may also begin in the middle.
    assert_eq!(
        thought(&lost, &json!({"thinking": "adaptive"})).0,
        json!({"type": "adaptive"})
    );
}
