//! The tables: codes, words and statuses, in this order of trust.

use super::{Code, VendorError};
use crate::words::FailureKind as Kind;

/// Codes and types of the dialect that mean the same with every status. "invalid_request_error" is not among
/// them: it comes with a bad key and with an unknown model too.
const CODES: &[Code] = &[
    ("invalid_api_key", Kind::AuthenticationError),
    ("invalid_authentication", Kind::AuthenticationError),
    ("authentication_error", Kind::AuthenticationError),
    ("unsupported_country_region_territory", Kind::PermissionDenied),
    ("permission_denied", Kind::PermissionDenied),
    ("permission_error", Kind::PermissionDenied),
    ("model_not_found", Kind::ModelNotFound),
    ("deploymentnotfound", Kind::ModelNotFound),
    ("context_length_exceeded", Kind::ContextLengthExceeded),
    ("content_policy_violation", Kind::ContentFilter),
    ("moderation_blocked", Kind::ContentFilter),
    ("content_filter", Kind::ContentFilter),
    ("insufficient_quota", Kind::InsufficientQuota),
    ("billing_hard_limit_reached", Kind::InsufficientQuota),
    ("billing_not_active", Kind::InsufficientQuota),
    ("arrearage", Kind::InsufficientQuota),
    ("rate_limit_exceeded", Kind::RateLimitExceeded),
    ("rate_limit_error", Kind::RateLimitExceeded),
    ("slow_down", Kind::ServiceUnavailable),
    ("overloaded", Kind::ServiceUnavailable),
    ("overloaded_error", Kind::ServiceUnavailable),
    ("service_unavailable", Kind::ServiceUnavailable),
    ("server_error", Kind::InternalError),
    ("internal_error", Kind::InternalError),
    ("internal_server_error", Kind::InternalError),
];

const TOO_LONG: &[&str] = &[
    "maximum context length",
    "context length",
    "context window",
    "context size",
    "model token limit",
    "prompt is too long",
];
const FILTERED: &[&str] = &[
    "content policy",
    "content management policy",
    "content filter",
    "safety system",
];
const NO_MONEY: &[&str] = &[
    "insufficient balance",
    "balance is too low",
    "balance is insufficient",
];
const BAD_KEY: &[&str] = &["incorrect api key", "invalid api key", "api key not valid"];
const OVERLOADED: &[&str] = &["overloaded"];
const MISSING: &[&str] = &["not found", "does not exist"];

/// By the code, then by the type. A server that repeats its status as the code ("code": 503 with "type":
/// "server_error") is known better by the status, except for those types that are sharper than any status.
pub(super) fn by_code(error: &VendorError, status: Option<u16>, vendor: &[Code]) -> Option<Kind> {
    let look_up = |word: &str| {
        let word = word.to_ascii_lowercase();
        let known = vendor.iter().chain(CODES).find(|(code, _)| *code == word)?;
        Some(known.1.clone())
    };
    let kind = [&error.code, &error.kind]
        .into_iter()
        .flatten()
        .find_map(|word| look_up(word))?;
    let vague = kind == Kind::InternalError && status.is_some_and(|status| status != 500);
    (!vague).then_some(kind)
}

/// By words that nobody uses for anything else, each with the statuses it may come with.
pub(super) fn by_message(message: &str, status: Option<u16>) -> Option<Kind> {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let in_request = matches!(status, None | Some(400 | 413 | 422));
    if status == Some(404) && message.contains("model") && says(MISSING) {
        Some(Kind::ModelNotFound)
    } else if in_request && says(TOO_LONG) {
        Some(Kind::ContextLengthExceeded)
    } else if matches!(status, None | Some(400 | 403)) && says(FILTERED) {
        Some(Kind::ContentFilter)
    } else if matches!(status, None | Some(400 | 402 | 403 | 429)) && says(NO_MONEY) {
        Some(Kind::InsufficientQuota)
    } else if matches!(status, None | Some(400 | 403)) && says(BAD_KEY) {
        Some(Kind::AuthenticationError)
    } else if matches!(status, None | Some(429)) && says(OVERLOADED) {
        Some(Kind::ServiceUnavailable)
    } else {
        None
    }
}

/// When nothing else is known. 404 says what is missing only in the code or message: without either it is the
/// path that does not exist, which no caller can help.
pub(super) fn by_status(status: u16) -> Kind {
    match status {
        401 => Kind::AuthenticationError,
        402 => Kind::InsufficientQuota,
        403 => Kind::PermissionDenied,
        404 | 405 => Kind::UnknownError,
        408 => Kind::Timeout,
        409 => Kind::InternalError, // "try again": a conflict inside the vendor
        429 => Kind::RateLimitExceeded,
        400..=499 => Kind::InvalidRequest,
        502..=504 | 520..=524 | 529 => Kind::ServiceUnavailable,
        500..=599 => Kind::InternalError,
        _ => Kind::UnknownError,
    }
}
