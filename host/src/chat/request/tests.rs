//! What is read of requests, and what vendors are sent instead.

use super::*;

fn chat(body: &str) -> Result<ChatRequest, RequestError> {
    ChatRequest::parse(Operation::Chat, Bytes::copy_from_slice(body.as_bytes()), None)
}

#[test]
fn reads_what_routing_needs() {
    let request = chat(
        r#"{"model":"m","stream":true,"user":"u1","tools":[{"type":"function"}],"messages":[
            {"role":"system","content":"12345678"},
            {"role":"assistant","content":null,"tool_calls":[]},
            {"role":"user","content":[{"type":"text","text":"abcd"},{"type":"image_url","image_url":{"url":"x"}}]}]}"#,
    )
    .unwrap();
    assert!(request.streaming && !request.include_usage);
    assert_eq!(
        request.needs,
        Needs {
            tools: true,
            vision: true
        }
    );
    assert_eq!(request.end_user.as_deref(), Some("u1"));
    // 12 characters of text, 21 of tools and 2 of tool calls; three messages; an image.
    assert_eq!(request.text_tokens, 9 + 3 * 3);
    assert_eq!(request.input_tokens, 18 + 765);
    assert_eq!(request.choices, 1);
}

#[test]
fn says_which_member_is_wrong() {
    for (body, param, message) in [
        ("[]", None, "not a JSON object"),
        (
            r#"{"messages":[{"content":"a"}]}"#,
            Some("model"),
            "must provide a model",
        ),
        (r#"{"model":"m"}"#, Some("messages"), "must provide a messages"),
        (r#"{"model":"m","messages":[]}"#, Some("messages"), "empty list"),
        (
            r#"{"model":"m","messages":"hi"}"#,
            Some("messages"),
            "invalid type",
        ),
        (
            r#"{"model":1,"messages":[{"content":"a"}]}"#,
            Some("model"),
            "invalid type",
        ),
        (
            r#"{"model":"m","stream":"yes","messages":[{"content":"a"}]}"#,
            Some("stream"),
            "invalid type",
        ),
    ] {
        let error = chat(body).unwrap_err();
        assert_eq!(error.param(), param, "{body}");
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn a_request_without_a_model_gets_the_default() {
    let parse = |body: &'static str, default| {
        ChatRequest::parse(Operation::Chat, Bytes::from_static(body.as_bytes()), default)
    };
    let (none, null) = (
        r#"{"messages":[{"content":"a"}]}"#,
        r#"{"model":null,"messages":[{"content":"a"}]}"#,
    );
    for body in [none, null] {
        assert_eq!(parse(body, Some("d")).unwrap().model, "d");
        assert_eq!(parse(body, None).unwrap_err().param(), Some("model"));
    }
    let named = r#"{"model":"m","messages":[{"content":"a"}]}"#;
    assert_eq!(parse(named, Some("d")).unwrap().model, "m");
    let upstream = parse(none, Some("d")).unwrap();
    let upstream = upstream.for_upstream("up", None, std::iter::empty());
    assert_eq!(upstream.bytes(), r#"{"messages":[{"content":"a"}],"model":"up"}"#);
}

#[test]
fn nobody_asks_for_more_output_than_there_can_be() {
    for (asked, sent) in [
        (r#""max_tokens":100"#, r#""max_tokens":100"#),
        (r#""max_tokens":101"#, r#""max_tokens":100"#),
        (r#""max_completion_tokens":1e9"#, r#""max_completion_tokens":100"#),
        (r#""max_tokens":null"#, r#""max_tokens":null"#),
        (r#""max_tokens":"many""#, r#""max_tokens":"many""#),
        (r#""n":200"#, r#""n":200"#),
    ] {
        let request = chat(&format!(
            r#"{{"model":"m","messages":[{{"content":"a"}}],{asked}}}"#
        ));
        let upstream = request.unwrap().for_upstream("m", Some(100), std::iter::empty());
        assert!(
            str::from_utf8(upstream.bytes())
                .unwrap()
                .ends_with(&format!("{sent}}}")),
            "{asked}"
        );
    }
}

#[test]
fn the_upstream_request_is_metered_and_named() {
    let request = chat(
        r#"{"model":"m","messages":[{"content":"a"}],"stream":true,"top_p":0.1,"stream_options":{"x":1}}"#,
    )
    .unwrap();
    let defaults = [
        ("top_p".to_owned(), "1".to_owned()),
        ("seed".to_owned(), "7".to_owned()),
    ];
    let upstream = request.for_upstream("up", None, defaults.iter().map(|(a, b)| (a, b)));
    assert_eq!(
        upstream.bytes(),
        r#"{"model":"up","messages":[{"content":"a"}],"stream":true,"top_p":0.1,"stream_options":{"x":1,"include_usage":true},"seed":7}"#
    );
}
