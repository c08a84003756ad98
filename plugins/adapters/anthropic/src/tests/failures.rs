//! What the vendor's failures mean.

use patchbay_sdk::adapter::Scope;

use super::*;

fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
}

fn failure(reply: Scripted) -> Failure {
    let outcome = Scenario::chat(&hello()).reply(reply).run::<Anthropic>();
    assert!(outcome.chunks.is_empty());
    outcome.failure.unwrap()
}

#[test]
fn the_table_of_the_vendor() {
    use FailureKind as Kind;
    let invalid = "invalid_request_error";
    let table = [
        (
            400,
            invalid,
            "messages: field required",
            Kind::InvalidRequest,
            Scope::Request,
        ),
        (
            400,
            invalid,
            "prompt is too long: 210000 tokens > 200000 maximum",
            Kind::ContextLengthExceeded,
            Scope::Request,
        ),
        (
            400,
            invalid,
            "Your credit balance is too low to access the API",
            Kind::InsufficientQuota,
            Scope::Account,
        ),
        (
            400,
            invalid,
            "You have reached your specified workspace API usage limits.",
            Kind::InsufficientQuota,
            Scope::Account,
        ),
        (
            400,
            invalid,
            "This organization has reached its spend limit",
            Kind::InsufficientQuota,
            Scope::Account,
        ),
        (
            400,
            invalid,
            "Output blocked by content filtering policy",
            Kind::ContentFilter,
            Scope::Request,
        ),
        (
            401,
            "authentication_error",
            "invalid x-api-key",
            Kind::AuthenticationError,
            Scope::Account,
        ),
        (
            402,
            "billing_error",
            "pay first",
            Kind::InsufficientQuota,
            Scope::Account,
        ),
        (
            403,
            "permission_error",
            "not for you",
            Kind::PermissionDenied,
            Scope::Account,
        ),
        (
            404,
            "not_found_error",
            "model: claude-none",
            Kind::ModelNotFound,
            Scope::Candidate,
        ),
        (
            404,
            "not_found_error",
            "Not found",
            Kind::UnknownError,
            Scope::Endpoint,
        ),
        (
            409,
            "conflict_error",
            "try again",
            Kind::InvalidRequest,
            Scope::Request,
        ),
        (
            413,
            "request_too_large",
            "too large",
            Kind::InvalidRequest,
            Scope::Request,
        ),
        (
            429,
            "rate_limit_error",
            "slow down",
            Kind::RateLimitExceeded,
            Scope::Candidate,
        ),
        (
            500,
            "api_error",
            "Internal server error",
            Kind::InternalError,
            Scope::Candidate,
        ),
        (
            502,
            "api_error",
            "Bad gateway",
            Kind::ServiceUnavailable,
            Scope::Endpoint,
        ),
        (
            504,
            "timeout_error",
            "took too long",
            Kind::ServiceUnavailable,
            Scope::Endpoint,
        ),
        (
            529,
            "overloaded_error",
            "Overloaded",
            Kind::ServiceUnavailable,
            Scope::Model,
        ),
    ];
    for (status, code, message, kind, scope) in table {
        let failure = failure(Scripted::json(status, &error(code, message)));
        assert_eq!(
            (failure.kind(), failure.scope),
            (kind, scope),
            "{status} {code} {message}"
        );
        assert_eq!(failure.message, message);
        assert_eq!(failure.vendor_code.as_deref(), Some(code));
    }
}

#[test]
fn a_spend_limit_is_told_from_a_rate_limit_by_its_details() {
    let mut limited = error("rate_limit_error", "You have hit a limit");
    limited["error"]["details"] = json!({"error_code": "enforced_spend_limit_reached"});
    let limited = failure(Scripted::json(429, &limited));
    assert_eq!(
        (limited.kind(), limited.scope),
        (FailureKind::InsufficientQuota, Scope::Account)
    );
    assert_eq!(
        limited.vendor_code.as_deref(),
        Some("enforced_spend_limit_reached")
    );
}

#[test]
fn a_page_in_place_of_json_is_known_by_its_status() {
    let page = "<html><head><title>413 Request Entity Too Large</title></head></html>";
    let html = |status: u16| failure(Scripted::new(status, page).header("content-type", "text/html"));
    assert_eq!(html(413).kind(), FailureKind::InvalidRequest);
    assert!(html(413).message.contains("413"));
    assert_eq!(html(529).kind(), FailureKind::ServiceUnavailable);
    assert_eq!(html(502).kind(), FailureKind::ServiceUnavailable);
}

#[test]
fn only_some_failures_say_for_how_long() {
    let wait = |status: u16| {
        let reply = Scripted::json(status, &error("api_error", "m"))
            .header("retry-after", "17")
            .header("x-should-retry", "false");
        failure(reply).retry_after
    };
    for status in [429, 503, 529] {
        assert_eq!(wait(status), Some(17_000), "{status}");
    }
    for status in [200, 400, 401, 404, 413, 500, 504] {
        assert_eq!(wait(status), None, "{status}");
    }
}

#[test]
fn limits_come_with_failures_and_successes() {
    // The call's time is 2025-11-13T02:13:20Z.
    let limited = |reply: Scripted| {
        reply
            .header("anthropic-ratelimit-requests-limit", "50")
            .header("Anthropic-Ratelimit-Requests-Remaining", "0")
            .header("anthropic-ratelimit-requests-reset", "2025-11-13T02:13:50Z")
            .header("anthropic-ratelimit-input-tokens-remaining", "1000")
            .header("anthropic-ratelimit-input-tokens-reset", "2025-11-13T02:13:00Z")
            .header("anthropic-ratelimit-output-tokens-reset", "2025-11-13T02:14:00Z")
    };
    let stream = events(&[json!({"type": "message_stop"})]);
    for (reply, streaming) in [
        (Scripted::json(429, &error("rate_limit_error", "m")), false),
        (Scripted::json(200, &message()), false),
        (Scripted::sse(stream), true),
    ] {
        let limits = Scenario::chat(&with(hello(), &json!({"stream": streaming})))
            .reply(limited(reply))
            .run::<Anthropic>()
            .limits;
        let [requests, tokens] = limits.as_slice() else {
            panic!("{limits:?}");
        };
        assert_eq!(
            (
                requests.what.as_str(),
                requests.capacity,
                requests.remaining,
                requests.resets_in
            ),
            ("requests", Some(50.0), Some(0.0), Some(30_000))
        );
        assert_eq!(
            (
                tokens.what.as_str(),
                tokens.capacity,
                tokens.remaining,
                tokens.resets_in
            ),
            ("input-tokens", None, Some(1000.0), Some(0))
        );
        assert_eq!(requests.scope, Scope::Candidate);
    }
}

#[test]
fn a_success_that_is_none_is_a_failure() {
    let text = message().to_string();
    let stream = events(&[json!({"type": "message_start", "message": message()})]);
    let cases = [
        (
            Scripted::json(200, &error("overloaded_error", "Overloaded")),
            FailureKind::ServiceUnavailable,
        ),
        (
            Scripted::json(200, &error("api_error", "m")),
            FailureKind::InternalError,
        ),
        (
            Scripted::new(200, &text[..text.len() - 5]),
            FailureKind::MalformedReply,
        ),
        (Scripted::new(200, ""), FailureKind::MalformedReply),
        (
            Scripted::new(200, "<html>login</html>"),
            FailureKind::MalformedReply,
        ),
        (Scripted::json(200, &json!([])), FailureKind::MalformedReply),
        (
            Scripted::json(200, &json!({"content": "text"})),
            FailureKind::MalformedReply,
        ),
        (Scripted::sse(stream), FailureKind::MalformedReply),
    ];
    for (reply, kind) in cases {
        let failure = failure(reply.clone());
        assert_eq!(failure.kind(), kind, "{reply:?}");
        assert!(!failure.message.is_empty());
    }
}

#[test]
fn a_failure_in_place_of_a_stream_is_read_whole() {
    let outcome = run_streamed(Scripted::json(529, &error("overloaded_error", "Overloaded")));
    assert_eq!(outcome.failure.unwrap().kind(), FailureKind::ServiceUnavailable);
    let outcome = run_streamed(Scripted::json(200, &error("overloaded_error", "Overloaded")));
    let failure = outcome.failure.unwrap();
    assert_eq!(
        (failure.kind(), failure.scope),
        (FailureKind::ServiceUnavailable, Scope::Model)
    );
}
