//! What a failed request says: its connection, its time, or a reply that broke off.

use crate::failure::{Failure, Kind, Scope};

/// Classifies; the message never holds the URL, whose query may carry a credential.
pub(super) fn classify(error: reqwest::Error) -> Failure {
    let kind = if error.is_timeout() {
        Kind::Timeout
    } else {
        Kind::Network
    };
    let what = if error.is_connect() {
        "cannot connect to the vendor"
    } else if error.is_body() || error.is_decode() {
        "the vendor's reply broke off"
    } else {
        "the request to the vendor failed"
    };
    Failure::new(kind, Scope::Endpoint, format!("{what}: {}", cause(error)))
}

/// What is at the bottom of it, without the URL.
pub(super) fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
