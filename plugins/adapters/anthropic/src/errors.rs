//! What the vendor's failures mean, and the limits in its headers.

use patchbay_sdk::adapter::{Event, Failure, Head, Limit, Millis, Reply, Scope};
use patchbay_sdk::classify::{self, Code};
use patchbay_sdk::words::FailureKind as Kind;
use serde::Deserialize;

/// Types of errors that say the same with every status. `invalid_request_error` and `not_found_error` do not.
const TYPES: &[Code] = &[
    ("billing_error", Kind::InsufficientQuota),
    ("conflict_error", Kind::InvalidRequest),
    ("request_too_large", Kind::InvalidRequest),
    ("api_error", Kind::InternalError),
    ("timeout_error", Kind::ServiceUnavailable),
];

/// What an `invalid_request_error` says where the money is at an end.
const NO_MONEY: &[&str] = &["credit balance", "spend limit", "spending limit", "usage limits"];

/// What is limited, in the words of the headers.
const LIMITED: [&str; 4] = ["requests", "tokens", "input-tokens", "output-tokens"];

/// The header is on successes too, where it means nothing.
const RETRY_AFTER: &str = "retry-after";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    error: Inner,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inner {
    details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    error_code: Option<String>,
}

/// The headers that this module reads.
pub(crate) fn headers() -> Vec<String> {
    let parts = ["limit", "remaining", "reset"];
    let limits = LIMITED
        .iter()
        .flat_map(|what| parts.map(|part| format!("anthropic-ratelimit-{what}-{part}")));
    std::iter::once(RETRY_AFTER.to_owned()).chain(limits).collect()
}

/// The failure that a reply reports; of a success the one inside it, else that it cannot be read.
pub(crate) fn of_reply(reply: &Reply, now: Millis) -> Failure {
    let failure = classify::error_reply(reply, now, TYPES);
    let status = (!reply.head.is_success()).then_some(reply.head.status);
    let mut failure = sharpened(failure, status, &reply.body);
    if !matches!(reply.head.status, 429 | 503 | 529) {
        failure.retry_after = None;
    }
    failure
}

/// The failure that an event of a stream reports, whatever it says.
pub(crate) fn of_event(data: &[u8]) -> Failure {
    let event = Event {
        name: Some("error".to_owned()),
        data: data.to_vec(),
    };
    let failure = classify::error_event(&event, TYPES);
    let failure = failure.unwrap_or_else(|| Failure::new(Kind::UnknownError));
    sharpened(failure, None, data)
}

/// `status`: none where it said success.
fn sharpened(failure: Failure, status: Option<u16>, body: &[u8]) -> Failure {
    let details = serde_json::from_slice::<Envelope>(body).unwrap_or_default();
    let detail = details.error.details.and_then(|details| details.error_code);
    let message = failure.message.to_ascii_lowercase();
    let kind = match failure.vendor_code.as_deref() {
        Some("rate_limit_error") if detail.as_deref() == Some("enforced_spend_limit_reached") => {
            Kind::InsufficientQuota
        }
        Some("invalid_request_error") if NO_MONEY.iter().any(|words| message.contains(words)) => {
            Kind::InsufficientQuota
        }
        // Where no status says it.
        Some("invalid_request_error") if failure.kind() == Kind::UnknownError => Kind::InvalidRequest,
        // A path that does not exist is "not found" too.
        Some("not_found_error") if message.starts_with("model") => Kind::ModelNotFound,
        _ => failure.kind(),
    };
    let scope = match (&kind, status) {
        // One model is overloaded, its neighbours may not be.
        (Kind::ServiceUnavailable, None) => Scope::Model,
        _ if kind == failure.kind() => failure.scope,
        _ => Failure::new(kind.clone()).scope,
    };
    Failure {
        kind: kind.into(),
        scope,
        vendor_code: detail.or(failure.vendor_code),
        ..failure
    }
}

/// What the head says is left. The vendor counts per account and model.
pub(crate) fn limits(head: &Head, now: Millis) -> Vec<Limit> {
    LIMITED.iter().filter_map(|what| limit(head, what, now)).collect()
}

fn limit(head: &Head, what: &str, now: Millis) -> Option<Limit> {
    let header = |part: &str| head.header(&format!("anthropic-ratelimit-{what}-{part}"));
    let number = |part: &str| {
        let number: f64 = header(part)?.parse().ok()?;
        number.is_finite().then_some(number)
    };
    let limit = Limit {
        capacity: number("limit"),
        remaining: number("remaining"),
        resets_in: header("reset")
            .and_then(classify::rfc3339)
            .map(|reset| reset.saturating_sub(now)),
        ..Limit::new(what, Scope::Candidate)
    };
    (limit.capacity.is_some() || limit.remaining.is_some()).then_some(limit)
}
