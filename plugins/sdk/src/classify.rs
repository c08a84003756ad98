//! What an error reply of an OpenAI-style server means. The order matters, since servers disagree about codes
//! more than about statuses: the vendor's own codes, the codes of the dialect, unmistakable words of the
//! message, and only then the HTTP status.
//!
//! Servers also report errors inside a successful reply: [`error_event`] finds one in a stream.

mod dates;
mod error_body;
mod limits;
mod retry_after;
mod table;

use crate::adapter::{Event, Failure, Millis, Reply, Scope};
use crate::words::FailureKind;

pub use dates::{http_date, rfc3339};
pub use error_body::VendorError;
pub use limits::rate_limits;
pub use retry_after::{duration, retry_after};

/// A vendor's code, in lower case, and what it means.
pub type Code = (&'static str, FailureKind);

/// The headers that this module reads, for `Description::reply_headers`.
pub const HEADERS: [&str; 8] = [
    "retry-after",
    "retry-after-ms",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
];

/// The failure that a reply reports. `codes` are the vendor's own and go before the dialect's.
pub fn error_reply(reply: &Reply, now: Millis, codes: &[Code]) -> Failure {
    let mut failure = if reply.head.is_success() {
        match VendorError::find_in_success(&reply.body) {
            Some(error) => failure(None, error, codes),
            None => Failure::new(FailureKind::MalformedReply)
                .message("the vendor's reply is neither what was asked for nor an error"),
        }
    } else {
        failure(
            Some(reply.head.status),
            VendorError::find(&reply.body).unwrap_or_default(),
            codes,
        )
    };
    failure.retry_after = retry_after(&reply.head, now);
    failure
}

/// The failure that an event of a successful stream reports, if it is not a chunk.
pub fn error_event(event: &Event, codes: &[Code]) -> Option<Failure> {
    let error = VendorError::find_in_stream(&event.data, event.name.as_deref())?;
    Some(failure(None, error, codes))
}

/// `status`: none where the HTTP status said success. A code that is a number then stands for it.
fn failure(status: Option<u16>, error: VendorError, codes: &[Code]) -> Failure {
    let status = status.or_else(|| error.numeric_status());
    let kind = table::by_code(&error, status, codes)
        .or_else(|| table::by_message(&error.message, status))
        .unwrap_or_else(|| status.map_or(FailureKind::UnknownError, table::by_status));
    let mut failure = Failure::new(kind);
    if let Some(scope) = sharper_scope(&failure, status) {
        failure.scope = scope;
    }
    failure.message = match (error.message.is_empty(), status) {
        (false, _) => error.message,
        (true, Some(status)) => format!("the vendor answered with status {status} and no message"),
        (true, None) => "the vendor reported an error without a message".to_owned(),
    };
    failure.vendor_code = error.code.or(error.kind);
    failure.param = error.param;
    failure
}

/// Where the status says more about the scope than the kind does.
fn sharper_scope(failure: &Failure, status: Option<u16>) -> Option<Scope> {
    match (failure.kind(), status) {
        // An overloaded model leaves its neighbours alone; a gateway that finds nobody behind it does not.
        (FailureKind::ServiceUnavailable, Some(429 | 503 | 529)) => Some(Scope::Model),
        // Nothing at this path: the base URL is wrong, whichever account asks.
        (FailureKind::UnknownError, Some(404 | 405)) => Some(Scope::Endpoint),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
