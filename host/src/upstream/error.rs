//! What a failed request says: its connection, its time, or a reply that broke off.

use std::time::Duration;

use crate::failure::{Failure, Kind, Scope};

/// A request that got no reply. `connect`: how long its connection was given.
pub(super) fn unanswered(error: reqwest::Error, connect: Duration) -> Failure {
    if error.is_timeout() {
        return Failure::timeout(Scope::Endpoint, "no connection to the vendor", "connect", connect);
    }
    let connecting = error.is_connect();
    let what = if connecting {
        "cannot connect to the vendor"
    } else {
        "the vendor closed the connection without a reply"
    };
    Failure {
        unanswered: !connecting,
        ..network(what, error)
    }
}

/// A reply that had begun.
pub(super) fn broken(error: reqwest::Error) -> Failure {
    network("the vendor's reply broke off", error)
}

/// The message never holds the URL, whose query may carry a credential.
fn network(what: &str, error: reqwest::Error) -> Failure {
    Failure::new(
        Kind::Network,
        Scope::Endpoint,
        format!("{what}: {}", cause(error)),
    )
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
