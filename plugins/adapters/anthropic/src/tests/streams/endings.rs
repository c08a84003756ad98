//! How streams end: complete, with an error, or without a word.

use super::*;

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
    let outcome = streamed(events(&[start(), calling.clone(), close(0), stop()]));
    let (deltas, reason) = said(&outcome);
    assert_eq!((kind(&outcome), reason), (None, json!("tool_calls")));
    assert_eq!(deltas[2]["tool_calls"][0]["function"]["arguments"], "{}");
    // Neither, or an end in the middle: it was cut.
    for cut in [
        vec![],
        vec![start()],
        vec![start(), text(0, "Hi")],
        vec![start(), stop()],
        vec![start(), calling, json_delta(0, "{\"a\":"), stop()],
    ] {
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
