//! What error replies mean, vendor by vendor.

use super::*;
use crate::adapter::{Head, Header, Limit};

const NOW: Millis = 1_763_000_000_000;

fn head(status: u16, headers: &[(&str, &str)]) -> Head {
    Head {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| Header::new(*name, *value))
            .collect(),
    }
}

fn reply(status: u16, body: &str) -> Reply {
    Reply {
        head: head(status, &[]),
        body: body.as_bytes().to_vec(),
    }
}

#[track_caller]
fn means(status: u16, body: &str, kind: &FailureKind) -> Failure {
    let failure = error_reply(&reply(status, body), NOW, &[]);
    assert_eq!(&failure.kind(), kind, "{status} {body}");
    assert!(!failure.message.is_empty());
    failure
}

#[test]
fn the_table_of_the_dialect() {
    use FailureKind as Kind;
    let body = |kind: &str, code: &str| {
        format!(r#"{{"error": {{"message": "m", "type": "{kind}", "param": null, "code": "{code}"}}}}"#)
    };
    let request = "invalid_request_error";
    means(401, &body(request, "invalid_api_key"), &Kind::AuthenticationError);
    means(
        403,
        &body("request_forbidden", "unsupported_country_region_territory"),
        &Kind::PermissionDenied,
    );
    means(404, &body(request, "model_not_found"), &Kind::ModelNotFound);
    means(400, &body(request, "model_not_found"), &Kind::ModelNotFound);
    means(
        400,
        &body(request, "context_length_exceeded"),
        &Kind::ContextLengthExceeded,
    );
    means(
        400,
        &body(request, "content_policy_violation"),
        &Kind::ContentFilter,
    );
    means(
        400,
        &body(request, "unsupported_parameter"),
        &Kind::InvalidRequest,
    );
    means(
        429,
        &body("insufficient_quota", "insufficient_quota"),
        &Kind::InsufficientQuota,
    );
    means(429, &body("insufficient_quota", ""), &Kind::InsufficientQuota);
    means(
        429,
        &body(request, "billing_not_active"),
        &Kind::InsufficientQuota,
    );
    means(
        429,
        &body("tokens", "rate_limit_exceeded"),
        &Kind::RateLimitExceeded,
    );
    means(429, &body("requests", ""), &Kind::RateLimitExceeded);
    means(500, &body("server_error", ""), &Kind::InternalError);
    means(503, &body("server_error", ""), &Kind::ServiceUnavailable);
    means(503, &body("server_error", "slow_down"), &Kind::ServiceUnavailable);
}

#[test]
fn a_vendor_may_know_better_than_the_dialect() {
    let body = r#"{"error": {"message": "m", "code": "insufficient_quota"}}"#;
    let codes = [("insufficient_quota", FailureKind::RateLimitExceeded)];
    assert_eq!(
        error_reply(&reply(429, body), NOW, &codes).kind(),
        FailureKind::RateLimitExceeded
    );
}

#[test]
fn errors_come_in_many_shapes() {
    use FailureKind as Kind;
    let found = |body: &str| VendorError::find(body.as_bytes());
    assert_eq!(
        found(r#"[{"error": {"message": "a", "code": 429}}]"#)
            .unwrap()
            .code
            .unwrap(),
        "429"
    );
    let text = found(r#"{"error": "b", "error_type": "overloaded"}"#).unwrap();
    assert_eq!(
        (text.message.as_str(), text.kind.as_deref()),
        ("b", Some("overloaded"))
    );
    assert_eq!(found(r#"{"errors": {"message": "c"}}"#).unwrap().message, "c");
    let nested = found(r#"{"Response": {"Error": {"Code": "AuthFailure", "Message": "d"}}}"#).unwrap();
    assert_eq!(
        (nested.code.as_deref(), nested.message.as_str()),
        (Some("AuthFailure"), "d")
    );
    assert_eq!(
        found(r#"{"error_code": 18, "error_msg": "e"}"#).unwrap().message,
        "e"
    );
    assert_eq!(
        found(r#"{"code": 20012, "message": "f", "data": null}"#)
            .unwrap()
            .code
            .unwrap(),
        "20012"
    );
    assert_eq!(
        found(r#"{"object": "error", "message": "g"}"#).unwrap().message,
        "g"
    );
    assert_eq!(
        found("\n\r\ndata: {\"error\": {\"message\": \"h\"}}\n\n")
            .unwrap()
            .message,
        "h"
    );
    assert_eq!(
        found("event: error\nid: 7\ndata: {\"error\": {\"message\": \"h\", \"type\": \"t\"}}\n\n")
            .unwrap()
            .kind
            .unwrap(),
        "t"
    );
    assert_eq!(found(r#""i""#).unwrap().message, "i");
    assert_eq!(
        found("upstream connect error").unwrap().message,
        "upstream connect error"
    );
    assert_eq!(
        found(r#"{"detail": [{"loc": ["body"]}]}"#).unwrap().message,
        r#"[{"loc":["body"]}]"#
    );
    assert_eq!(found(""), None);
    assert_eq!(found("<html>502 Bad Gateway</html>"), None);
    assert_eq!(found(r#"{"object": "chat.completion", "error": null}"#), None);

    means(502, "<html>Bad Gateway</html>", &Kind::ServiceUnavailable);
    means(500, "", &Kind::InternalError);
    means(
        200,
        r#"{"error": {"message": "busy", "code": 503}}"#,
        &Kind::ServiceUnavailable,
    );
    means(200, r#"{"choices": "no"}"#, &Kind::MalformedReply);
    means(200, "hello, this is plain text", &Kind::MalformedReply);
    means(200, r#"data: {"error": {"message": "m"}}"#, &Kind::UnknownError);
    let limited = means(
        429,
        r#"{"message": "TPM limit reached.", "data": null}"#,
        &Kind::RateLimitExceeded,
    );
    assert_eq!(limited.message, "TPM limit reached.");
}

#[test]
fn words_count_where_codes_say_nothing() {
    use FailureKind as Kind;
    let long = "This model's maximum context length is 4096 tokens. However, you requested 5000";
    means(
        400,
        &format!(r#"{{"object": "error", "message": "{long}", "code": 40303}}"#),
        &Kind::ContextLengthExceeded,
    );
    means(402, "Insufficient Balance", &Kind::InsufficientQuota);
    means(
        403,
        r#"{"message": "Sorry, your account balance is insufficient", "code": 30001}"#,
        &Kind::InsufficientQuota,
    );
    means(
        429,
        r#"{"error": "Model is overloaded"}"#,
        &Kind::ServiceUnavailable,
    );
    means(
        400,
        r#"{"error": {"message": "API key not valid. Please pass one."}}"#,
        &Kind::AuthenticationError,
    );
}

#[test]
fn a_missing_model_is_told_from_a_missing_path() {
    use FailureKind as Kind;
    let vllm = r#"{"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}"#;
    means(404, vllm, &Kind::ModelNotFound);
    means(
        404,
        r#"{"error": {"message": "model \"x\" not found, try pulling it first"}}"#,
        &Kind::ModelNotFound,
    );
    means(
        404,
        r#"{"error": {"code": "DeploymentNotFound", "message": "no such thing"}}"#,
        &Kind::ModelNotFound,
    );
    means(404, "404 page not found", &Kind::UnknownError);
    means(404, r#"{"detail": "Not Found"}"#, &Kind::UnknownError);
}

#[test]
fn the_scope_follows_the_kind_and_the_status() {
    assert_eq!(
        means(401, "", &FailureKind::AuthenticationError).scope,
        Scope::Account
    );
    assert_eq!(
        means(429, "", &FailureKind::RateLimitExceeded).scope,
        Scope::Candidate
    );
    assert_eq!(means(422, "", &FailureKind::InvalidRequest).scope, Scope::Request);
    assert_eq!(
        means(503, "", &FailureKind::ServiceUnavailable).scope,
        Scope::Model
    );
    assert_eq!(
        means(502, "", &FailureKind::ServiceUnavailable).scope,
        Scope::Endpoint
    );
    assert_eq!(
        means(404, "404 page not found", &FailureKind::UnknownError).scope,
        Scope::Endpoint
    );
}

#[test]
fn every_status_of_failure_has_a_meaning() {
    for status in 400..600 {
        let failure = error_reply(&reply(status, ""), NOW, &[]);
        assert_ne!(failure.kind(), FailureKind::MalformedReply, "{status}");
    }
}

#[test]
fn an_error_inside_a_stream() {
    let event = |name: Option<&str>, data: &str| {
        let event = Event {
            name: name.map(str::to_owned),
            data: data.as_bytes().to_vec(),
        };
        error_event(&event, &[]).map(|failure| failure.kind())
    };
    let overloaded = r#"{"error": {"message": "m", "type": "overloaded_error"}}"#;
    assert_eq!(event(None, overloaded), Some(FailureKind::ServiceUnavailable));
    assert_eq!(
        event(None, r#"{"error": {"message": "m", "code": 502}}"#),
        Some(FailureKind::ServiceUnavailable)
    );
    assert_eq!(
        event(Some("error"), r#"{"message": "m"}"#),
        Some(FailureKind::UnknownError)
    );
    assert_eq!(
        event(None, r#"{"error": {"message": "m"}}"#),
        Some(FailureKind::UnknownError)
    );
    assert_eq!(event(None, r#"{"choices": [], "error": null}"#), None);
    assert_eq!(
        event(Some("error"), "Internal error"),
        Some(FailureKind::UnknownError)
    );
    assert_eq!(event(None, "[DONE]"), None);
    assert_eq!(event(None, r#""text""#), None);
}

#[test]
fn how_long_to_stay_away() {
    let wait = |headers: &[(&str, &str)]| retry_after(&head(429, headers), NOW);
    assert_eq!(wait(&[("Retry-After", "20")]), Some(20_000));
    assert_eq!(
        wait(&[("retry-after", "0.5"), ("retry-after-ms", "120")]),
        Some(120)
    );
    assert_eq!(wait(&[("retry-after", "1"), ("retry-after-ms", "0")]), Some(1000));
    assert_eq!(
        wait(&[("retry-after", "Thu, 13 Nov 2025 02:13:50 GMT")]),
        Some(30_000)
    );
    assert_eq!(wait(&[("retry-after", "Thu, 13 Nov 2025 02:13:10 GMT")]), None);
    assert_eq!(wait(&[("retry-after", "-5")]), None);
    assert_eq!(wait(&[("retry-after", "soon")]), None);
    assert_eq!(wait(&[]), None);
}

#[test]
fn durations_as_go_writes_them() {
    let known = [
        ("8.64s", 8640),
        ("132ms", 132),
        ("1m30s", 90_000),
        ("6m0s", 360_000),
        ("1h2m3.5s", 3_723_500),
        ("0s", 0),
        ("17.001ms", 18),
        ("500µs", 1),
        ("2us", 1),
        ("7", 7000),
        ("1.5", 1500),
    ];
    for (text, millis) in known {
        assert_eq!(duration(text), Some(millis), "{text}");
    }
    for text in ["", "s", "1x", "1s2", "-1s", "1e3", "1..2s", "NaN", "inf"] {
        assert_eq!(duration(text), None, "{text}");
    }
    assert_eq!(duration(&"9".repeat(400)), Some(Millis::MAX));
}

#[test]
fn dates_agree_with_the_calendar() {
    assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
    assert_eq!(http_date("Tue, 29 Feb 2000 00:00:00 GMT"), Some(951_782_400_000));
    assert_eq!(http_date("Wed, 01 Mar 2000 00:00:00 GMT"), Some(951_868_800_000));
    assert_eq!(
        http_date("Fri, 31 Dec 2100 23:59:59 GMT"),
        Some(4_133_980_799_000)
    );
    for text in [
        "",
        "Sun, 06 Nov 1994",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET",
    ] {
        assert_eq!(http_date(text), None, "{text}");
    }
}

#[test]
fn times_as_json_writes_them() {
    let known = [
        ("1970-01-01T00:00:00Z", 0),
        ("1994-11-06T08:49:37Z", 784_111_777_000),
        ("2000-02-29T00:00:00.25z", 951_782_400_250),
        ("2000-03-01 02:00:00+02:00", 951_868_800_000),
        ("2000-02-29T22:30:00-01:30", 951_868_800_000),
    ];
    for (text, millis) in known {
        assert_eq!(rfc3339(text), Some(millis), "{text}");
    }
    for text in [
        "",
        "2000-03-01",
        "2000-03-01T00:00:00",
        "2000-13-01T00:00:00Z",
        "2000-00-01T00:00:00Z",
        "2000-03-01T24:00:00Z",
        "2000-03-01T00:00:NaNZ",
        "2000-03-01T00:00:00Zulu",
        "1970-01-01T00:00:00+01:00",
        "1969-12-31T23:59:59Z",
    ] {
        assert_eq!(rfc3339(text), None, "{text}");
    }
}

#[test]
fn limits_are_read_from_the_head() {
    let head = head(
        200,
        &[
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-remaining-tokens", "199996"),
            ("x-ratelimit-reset-tokens", "soon"),
        ],
    );
    let limits = rate_limits(&head);
    let requests = Limit {
        capacity: Some(500.0),
        remaining: Some(499.0),
        resets_in: Some(120),
        ..Limit::new("requests", Scope::Candidate)
    };
    let tokens = Limit {
        remaining: Some(199_996.0),
        ..Limit::new("tokens", Scope::Candidate)
    };
    assert_eq!(limits, [requests, tokens]);
    assert_eq!(
        rate_limits(&Head {
            status: 200,
            headers: Vec::new()
        }),
        []
    );
}
