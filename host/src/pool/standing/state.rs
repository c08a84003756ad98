//! The states of a key, with what each must know to be left again.

use super::Millis;
use crate::pool::rules::Schedule;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    /// New: a probe finds out whether it can be asked. After `until` one request does.
    Verifying { until: Millis },
    /// It can be asked. `failures`: in a row.
    Available { failures: u32 },
    /// The circuit is open. `trials`: that have failed since it opened.
    CoolingDown { until: Millis, trials: u32 },
    /// One request finds out.
    HalfOpen { trials: u32 },
    /// Taken out of service. `failed`: rechecks in a row.
    OutOfService {
        until: Millis,
        failed: u32,
        schedule: Schedule,
    },
    /// One request, or a probe, finds out; also for a key that is disabled by failure, for good if it has no schedule.
    Rechecking {
        failed: u32,
        schedule: Option<Schedule>,
        /// Somebody wants to know before it is due: that it fails costs the key nothing.
        by_hand: bool,
    },
    /// Tried again at times, or not at all.
    DisabledByFailure {
        until: Option<Millis>,
        schedule: Option<Schedule>,
    },
    /// The configuration says so.
    DisabledByHand,
}

// === impl State ===

impl State {
    /// As operators read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verifying { .. } => "verifying",
            Self::Available { .. } => "available",
            Self::CoolingDown { .. } => "cooling down",
            Self::HalfOpen { .. } => "half-open",
            Self::OutOfService { .. } => "out of service",
            Self::Rechecking { .. } => "rechecking",
            Self::DisabledByFailure { .. } => "disabled by failure",
            Self::DisabledByHand => "disabled by hand",
        }
    }

    /// When it is tried again.
    pub fn until(self) -> Option<Millis> {
        match self {
            Self::Verifying { until }
            | Self::CoolingDown { until, .. }
            | Self::OutOfService { until, .. } => Some(until),
            Self::DisabledByFailure { until, .. } => until,
            Self::Available { .. }
            | Self::HalfOpen { .. }
            | Self::Rechecking { .. }
            | Self::DisabledByHand => None,
        }
    }

    /// Failures, trials or rechecks so far, whichever the state counts.
    pub fn attempts(self) -> u32 {
        match self {
            Self::Available { failures } => failures,
            Self::CoolingDown { trials, .. } | Self::HalfOpen { trials } => trials,
            Self::OutOfService { failed, .. } | Self::Rechecking { failed, .. } => failed,
            Self::DisabledByFailure { schedule, .. } => schedule.map_or(0, |schedule| schedule.attempts),
            Self::Verifying { .. } | Self::DisabledByHand => 0,
        }
    }
}
