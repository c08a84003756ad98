//! All of a request but the conversation.

mod thinking;

use patchbay_sdk::adapter::Scope;

use super::*;

fn function(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "description": "does it",
        "parameters": {"type": "object", "properties": {"z": {}, "a": {}}}}})
}

#[test]
fn the_whole_of_a_simple_request() {
    let (body, warnings) = made_of(&json!({"stream_options": {"include_usage": true}, "n": 1, "seed": null}));
    assert_eq!(
        body,
        json!({"model": "claude-sonnet-4-5", "max_tokens": 50,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]})
    );
    assert_eq!(warnings, [] as [String; 0]);
}

#[test]
fn the_longest_answer_is_always_said() {
    let max = |request: &Value, model: &Value, settings: &Value| {
        let scenario = Scenario::chat(&with(hello(), request))
            .model_settings(model)
            .settings(settings);
        sent(scenario).json()["max_tokens"].as_u64().unwrap()
    };
    let none = json!({});
    let unsaid = json!({"max_tokens": null});
    let small = json!({"max_output_tokens": 2000, "context_length": 9000});
    assert_eq!(max(&none, &none, &none), 50);
    assert_eq!(max(&json!({"max_completion_tokens": 60}), &none, &none), 60);
    assert_eq!(max(&unsaid, &none, &none), 4096);
    assert_eq!(max(&unsaid, &none, &json!({"default_max_tokens": 7})), 7);
    assert_eq!(max(&unsaid, &small, &json!({"default_max_tokens": 7})), 2000);
    assert_eq!(max(&json!({"max_tokens": 5000}), &small, &none), 2000);
}

#[test]
fn sampling_is_fitted_to_the_vendor() {
    let sampled = |request: Value, settings: Value| {
        let scenario = Scenario::chat(&with(hello(), &request)).settings(&settings);
        let (sent, warnings) = sent_with_warnings(scenario);
        let body = sent.json();
        let members = ["temperature", "top_p", "top_k"].map(|member| body[member].clone());
        (members, warnings.len())
    };
    let none = Value::Null;
    let cases = [
        (
            json!({"temperature": 0.5}),
            json!({}),
            [json!(0.5), none.clone(), none.clone()],
            0,
        ),
        (
            json!({"temperature": 1.7}),
            json!({}),
            [json!(1.0), none.clone(), none.clone()],
            1,
        ),
        (
            json!({"temperature": -1.0}),
            json!({}),
            [json!(0.0), none.clone(), none.clone()],
            1,
        ),
        (
            json!({"top_p": 0.9, "top_k": 5}),
            json!({}),
            [none.clone(), json!(0.9), json!(5)],
            0,
        ),
        (
            json!({"temperature": 1, "top_p": 0.9}),
            json!({}),
            [json!(1.0), none.clone(), none.clone()],
            1,
        ),
        (
            json!({"temperature": 1, "top_p": 0.9}),
            json!({"sampling": "all"}),
            [json!(1.0), json!(0.9), none.clone()],
            0,
        ),
        (
            json!({"temperature": 1, "top_p": 0.9, "top_k": 5}),
            json!({"sampling": "none"}),
            [none.clone(), none.clone(), none.clone()],
            3,
        ),
    ];
    for (request, settings, members, warnings) in cases {
        assert_eq!(
            sampled(request.clone(), settings.clone()),
            (members, warnings),
            "{request} {settings}"
        );
    }
}

#[test]
fn stop_sequences_are_a_list_without_blanks() {
    let stops = |stop: Value| {
        let (body, warnings) = made_of(&json!({"stop": stop}));
        (body["stop_sequences"].clone(), warnings.len())
    };
    assert_eq!(stops(json!("END")), (json!(["END"]), 0));
    assert_eq!(stops(json!(["a", "", "b"])), (json!(["a", "b"]), 0));
    assert_eq!(stops(json!(["\n\n", "b"])), (json!(["b"]), 1));
    assert_eq!(stops(json!("")), (Value::Null, 0));
    assert_eq!(stops(json!([])), (Value::Null, 0));
    assert_eq!(refused(&json!({"stop": [1]})).param.as_deref(), Some("stop"));
}

#[test]
fn tools_are_described() {
    let bare =
        json!({"type": "function", "cache_control": {"type": "ephemeral"}, "function": {"name": "wait"}});
    let (body, warnings) = made_of(&json!({"tools": [function("look"), bare]}));
    assert_eq!(
        body["tools"],
        json!([
            {"name": "look", "description": "does it",
                "input_schema": {"type": "object", "properties": {"z": {}, "a": {}}}},
            {"name": "wait", "input_schema": {"type": "object", "properties": {}},
                "cache_control": {"type": "ephemeral"}}])
    );
    assert_eq!(body.get("tool_choice"), None);
    assert_eq!(warnings, [] as [String; 0]);
    let mut strict = function("look");
    strict["function"]["strict"] = json!(true);
    assert_eq!(made_of(&json!({"tools": [strict]})).1.len(), 1);
    for (tools, param) in [
        (json!([{"type": "custom", "custom": {}}]), "tools[0].type"),
        (
            json!([function("a"), {"type": "function", "function": {}}]),
            "tools[1].function.name",
        ),
    ] {
        assert_eq!(refused(&json!({"tools": tools})).param.as_deref(), Some(param));
    }
}

#[test]
fn the_choice_of_a_tool() {
    let chosen = |members: Value| {
        let (body, _) = made_of(&with(json!({"tools": [function("look")]}), &members));
        body["tool_choice"].clone()
    };
    let named = json!({"type": "function", "function": {"name": "look"}});
    let cases = [
        (json!("auto"), json!({"type": "auto"})),
        (json!("none"), json!({"type": "none"})),
        (json!("required"), json!({"type": "any"})),
        (named.clone(), json!({"type": "tool", "name": "look"})),
    ];
    for (canonical, theirs) in cases {
        assert_eq!(chosen(json!({"tool_choice": canonical})), theirs);
        let mut alone = theirs;
        if alone["type"] != "none" {
            alone["disable_parallel_tool_use"] = json!(true);
        }
        assert_eq!(
            chosen(json!({"tool_choice": canonical, "parallel_tool_calls": false})),
            alone
        );
    }
    let alone = json!({"type": "auto", "disable_parallel_tool_use": true});
    assert_eq!(chosen(json!({"parallel_tool_calls": false})), alone);
    assert_eq!(chosen(json!({"parallel_tool_calls": true})), Value::Null);
    for wrong in [json!("sometimes"), json!({"type": "allowed_tools"})] {
        let failure = refused(&json!({"tools": [function("look")], "tool_choice": wrong}));
        assert_eq!(failure.param.as_deref(), Some("tool_choice"));
    }
    // Without tools there is no choice.
    assert_eq!(
        made_of(&json!({"tool_choice": "none"})).0.get("tool_choice"),
        None
    );
    assert_eq!(
        made_of(&json!({"parallel_tool_calls": false}))
            .0
            .get("tool_choice"),
        None
    );
    assert_eq!(
        refused(&json!({"tool_choice": named})).param.as_deref(),
        Some("tool_choice")
    );
}

#[test]
fn the_form_of_the_answer() {
    let schema = json!({"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}});
    let asked =
        json!({"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}});
    let (body, _) = made_of(&json!({"response_format": asked}));
    assert_eq!(
        body["output_config"],
        json!({"format": {"type": "json_schema", "schema": schema}})
    );
    assert!(
        body["output_config"]
            .to_string()
            .contains(r#"{"z":{"type":"string"},"a""#),
        "in the caller's order"
    );

    let messages = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "x"}]);
    let (body, _) = made_of(&json!({"response_format": {"type": "json_object"}, "messages": messages}));
    assert_eq!(body["system"][0]["text"], "s");
    assert!(
        body["system"][1]["text"]
            .as_str()
            .unwrap()
            .contains("JSON object")
    );
    assert_eq!(body.get("output_config"), None);

    assert_eq!(
        made_of(&json!({"response_format": {"type": "text"}})).0,
        made_of(&json!({})).0
    );
    for (format, param) in [
        (
            json!({"type": "json_schema"}),
            "response_format.json_schema.schema",
        ),
        (json!({"type": "xml"}), "response_format.type"),
    ] {
        assert_eq!(
            refused(&json!({"response_format": format})).param.as_deref(),
            Some(param)
        );
    }
}

#[test]
fn who_asks_and_what_is_cached() {
    let (body, warnings) = made_of(&json!({"user": "ann", "cache_control": {"type": "ephemeral"}}));
    assert_eq!(body["metadata"], json!({"user_id": "ann"}));
    assert_eq!(body["cache_control"], json!({"type": "ephemeral"}));
    assert_eq!(warnings, [] as [String; 0]);
}

#[test]
fn what_has_no_equivalent_is_dropped_and_told() {
    let without = [
        ("logprobs", json!(true)),
        ("top_logprobs", json!(3)),
        ("seed", json!(7)),
        ("presence_penalty", json!(0.5)),
        ("frequency_penalty", json!(-0.5)),
        ("logit_bias", json!({"50256": -100})),
        ("modalities", json!(["text"])),
        ("x-unknown", json!("x")),
    ];
    for (member, value) in without {
        let (body, warnings) = made_of(&json!({member: value}));
        assert_eq!(body.get(member), None);
        assert_eq!(warnings.len(), 1, "{member}");
        assert!(warnings[0].starts_with(member), "{warnings:?}");
    }
    let silent =
        json!({"logprobs": false, "presence_penalty": 0, "logit_bias": {}, "store": false, "stop": []});
    assert_eq!(made_of(&silent).1, [] as [String; 0]);
}

#[test]
fn what_would_mean_something_else_is_refused() {
    // What this vendor cannot do, another might; what nobody could make sense of is nobody's to try.
    for (members, param, scope) in [
        (json!({"n": 2}), "n", Scope::Candidate),
        (json!({"reasoning_effort": 3}), "reasoning_effort", Scope::Request),
        (
            json!({"functions": [{"name": "f"}]}),
            "functions",
            Scope::Candidate,
        ),
        (
            json!({"function_call": "auto"}),
            "function_call",
            Scope::Candidate,
        ),
    ] {
        let failure = refused(&members);
        assert_eq!((failure.param.as_deref(), failure.scope), (Some(param), scope));
    }
    assert_eq!(made_of(&json!({"functions": []})).1, [] as [String; 0]);
}
