//! The words in which counts are asked and answer. Types, and what follows from them alone.

use super::bounds::Bound;
use super::learned::Spent;
use super::need::Amount;
use super::quota::Told;
use super::window::Uptime;
use crate::pool::Millis;

/// The time, by two clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) unix: Millis,
    pub(super) up: Uptime,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    /// Nothing was sent.
    Unused,
    Used(Amount),
}

/// Why an attempt is not to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Over {
    Bound {
        bound: Bound,
        most: f64,
        /// Milliseconds; none if it does not fit however long it waits.
        wait: Option<Millis>,
        needed: f64,
    },
    Learned(Spent),
}

/// A quota has come to a point worth saying, for the first time in its period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Passed {
    pub(super) bound: Bound,
    pub(super) told: Told,
    pub(super) used: f64,
    pub(super) most: f64,
}

/// Of the quotas, each at most once.
pub(super) type Passes = [Option<Passed>; Bound::QUOTAS.len()];

/// One limit and what is used of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    pub(super) most: f64,
    pub(super) used: f64,
    pub(super) reserved: f64,
}

// === impl Over ===

impl Over {
    /// Milliseconds.
    pub(super) fn wait(&self, now: Millis) -> Option<Millis> {
        match self {
            Self::Bound { wait, .. } => *wait,
            Self::Learned(spent) => Some(spent.until.saturating_sub(now)),
        }
    }
}

// === impl Measure ===

impl Measure {
    /// The share that is left, 0 to 1.
    pub(super) fn left(&self) -> f64 {
        if self.most > 0.0 {
            (1.0 - (self.used + self.reserved) / self.most).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// The share that is used.
    pub(super) fn used_share(&self) -> f64 {
        1.0 - self.left()
    }
}
