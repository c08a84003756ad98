//! What error replies mean, vendor by vendor.

mod times;

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
