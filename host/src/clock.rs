//! The wall clock and random bits, each read in one place.
//!
//! Durations are measured with `tokio::time::Instant`, which tests can pause.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in milliseconds.
pub(crate) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// 64 random bits, for strategies and request ids.
pub(crate) fn entropy() -> u64 {
    rand::random()
}
