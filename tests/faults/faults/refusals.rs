//! Statuses, and errors in the vendors' own words.

use http::StatusCode;
use http::header::{HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use patchbay_simulator::Rule;
use serde_json::{Value, json};

use super::hidden;
use crate::fault::{Error, Expect, Fault};

/// In seconds.
const A_YEAR: u64 = 365 * 24 * 3600;

pub(super) fn faults() -> Vec<Fault> {
    [redirects(), statuses(), limits(), words()]
        .into_iter()
        .flatten()
        .collect()
}

fn redirects() -> Vec<Fault> {
    let redirect = |name, status| {
        // Relative, so that it leads to wherever the vendor is. Nobody may go there.
        let to = |path| {
            let path = HeaderValue::from_static(path);
            Rule::always().status(code(status)).header(LOCATION, path)
        };
        Fault::new(name, to("/elsewhere/v1/chat/completions"))
            .translated(to("/elsewhere/v1/messages"))
            .expects(hidden(502, "unknown_error"))
    };
    vec![redirect("redirect 302", 302), redirect("redirect 307", 307)]
}

fn statuses() -> Vec<Fault> {
    let invalid = || Expect::Final(Error::new(400, "invalid_request"));
    let missing = json!({"type": "error", "error": {"type": "not_found_error", "message": "model: m"}});
    vec![
        status("status 400", 400, invalid()),
        status("status 401", 401, hidden(502, "authentication_error")),
        status("status 403", 403, hidden(502, "permission_denied")),
        status("status 404", 404, hidden(404, "model_not_found")).translated(refusal(404, missing)),
        status("status 413", 413, invalid()),
        status("status 500", 500, hidden(502, "internal_error")),
        status("status 503", 503, hidden(503, "service_unavailable")),
        status("status 529", 529, hidden(503, "service_unavailable")),
    ]
}

fn limits() -> Vec<Fault> {
    let with = |header: HeaderName, value| {
        let value = HeaderValue::from_static(value);
        Rule::always().status(code(429)).header(header, value)
    };
    let limited = |name, rule| Fault::new(name, rule).expects(hidden(429, "rate_limit_exceeded"));
    let in_milliseconds = HeaderName::from_static("retry-after-ms");
    vec![
        limited("status 429", Rule::always().status(code(429))),
        limited("status 429, retry-after: 7", with(RETRY_AFTER, "7")).come_back(7..=7),
        limited(
            "status 429, retry-after: a date",
            with(RETRY_AFTER, "Fri, 31 Dec 2049 23:59:59 GMT"),
        )
        .come_back(A_YEAR..=u64::MAX),
        // A header of the canonical dialect alone.
        limited("status 429, retry-after-ms", with(in_milliseconds, "2500"))
            .translated(with(RETRY_AFTER, "3"))
            .come_back(3..=3),
        limited("status 429, retry-after: soon", with(RETRY_AFTER, "soon")),
    ]
}

/// What neither the status nor a code says alone.
fn words() -> Vec<Fault> {
    let canonical = |code: &str, message: &str| json!({"error": {"message": message, "type": "invalid_request_error", "param": "messages", "code": code}});
    let translated = |message: &str| json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}});
    let filtered = "Output blocked by content filtering policy: content filter";
    vec![
        Fault::new(
            "context length exceeded",
            refusal(400, canonical("context_length_exceeded", "too long")),
        )
        .translated(refusal(
            400,
            translated("prompt is too long: 250000 tokens > 200000 maximum"),
        ))
        .expects(hidden(400, "context_length_exceeded")),
        Fault::new(
            "content filter",
            refusal(400, canonical("content_filter", filtered)),
        )
        .translated(refusal(400, translated(filtered)))
        .expects(Expect::Final(Error::new(400, "content_filter"))),
        Fault::new(
            "status 503 with a page of HTML",
            refusal(503, "<html>busy</html>".into()),
        )
        .expects(hidden(503, "service_unavailable")),
    ]
}

fn status(name: &'static str, status: u16, expect: Expect) -> Fault {
    Fault::new(name, Rule::always().status(code(status))).expects(expect)
}

fn refusal(status: u16, body: Value) -> Rule {
    Rule::always().status(code(status)).body(body)
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or_default()
}
