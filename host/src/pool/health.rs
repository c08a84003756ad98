//! How well a key serves, as every attempt and every probe has found it: the share that succeeds, how long it takes,
//! and a word for it.
//!
//! Lock-free, and decides nothing: whether a key may be asked is its standing's to say.

mod timing;
mod window;

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

pub use timing::{Percentiles, Timing};
use window::Window;

use super::standing::Millis;

/// Failures in a row after which a key counts as unhealthy.
const UNHEALTHY_AFTER: u32 = 3;
/// A smaller share of successes than this is degraded ...
const DEGRADED_BELOW: f64 = 0.9;
/// ... over at least so many attempts.
const ENOUGH: u32 = 10;

/// What has been observed of one key. Written by every attempt.
#[derive(Debug)]
pub struct Health {
    consecutive_failures: AtomicU32,
    window: Window,
    pub latency: Timing,
    /// Of streams.
    pub first_token: Timing,
    /// The word that was said last.
    said: AtomicU8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    Unhealthy,
    Degraded,
    Healthy,
}

/// From one word to another.
pub(super) type Turn = Option<(Condition, Condition)>;

// === impl Health ===

impl Health {
    pub(super) fn new() -> Self {
        Self {
            consecutive_failures: AtomicU32::new(0),
            window: Window::default(),
            latency: Timing::default(),
            first_token: Timing::default(),
            said: AtomicU8::new(Condition::Healthy as u8),
        }
    }

    /// `latency`: to the whole answer, or to the end of a stream. What is returned is there if its word has changed.
    pub(super) fn succeeded(&self, now: Millis, latency: Duration, first_token: Option<Duration>) -> Turn {
        self.consecutive_failures.store(0, Relaxed);
        self.window.count(now, true);
        self.latency.observe(latency);
        if let Some(first_token) = first_token {
            self.first_token.observe(first_token);
        }
        self.turn(now)
    }

    pub(super) fn failed(&self, now: Millis) -> Turn {
        self.consecutive_failures.fetch_add(1, Relaxed);
        self.window.count(now, false);
        self.turn(now)
    }

    /// Since the last success.
    pub fn consecutive_failures(&self) -> u32 {
        self.consecutive_failures.load(Relaxed)
    }

    /// 0 to 1, over the attempts of the last five minutes; NaN without any.
    pub fn success_rate(&self, now: Millis) -> f64 {
        let (succeeded, failed) = self.window.sum(now);
        if succeeded + failed == 0 {
            return f64::NAN;
        }
        f64::from(succeeded) / f64::from(succeeded + failed)
    }

    pub fn condition(&self, now: Millis) -> Condition {
        let failures = self.consecutive_failures();
        if failures >= UNHEALTHY_AFTER {
            return Condition::Unhealthy;
        }
        let (succeeded, failed) = self.window.sum(now);
        let enough = succeeded + failed >= ENOUGH;
        if failures > 0 || (enough && self.success_rate(now) < DEGRADED_BELOW) {
            return Condition::Degraded;
        }
        Condition::Healthy
    }

    fn turn(&self, now: Millis) -> Turn {
        let condition = self.condition(now);
        let before = Condition::from(self.said.swap(condition as u8, Relaxed));
        (before != condition).then_some((before, condition))
    }
}

// === impl Condition ===

impl Condition {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl From<u8> for Condition {
    fn from(number: u8) -> Self {
        match number {
            0 => Self::Unhealthy,
            1 => Self::Degraded,
            _ => Self::Healthy,
        }
    }
}

#[cfg(test)]
mod tests;
