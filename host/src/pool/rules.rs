//! What each class of failure does to a key: which clock it starts, how soon and how often it is tried again.
//!
//! Numbers only; who counts is [`super::standing`].

use std::collections::BTreeMap;
use std::time::Duration;

use crate::failure::Kind;

/// The circuit's settings and the schedule of every class.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Off: nobody is ever left alone, whatever fails.
    pub enabled: bool,
    /// Failures in a row that open the circuit (default 3); one of `rate_limit_exceeded` is enough.
    pub failures: u32,
    /// How long it stays open first, doubling with each trial that fails ... (default 2 s)
    pub first: Duration,
    /// ... up to this (default 30 s).
    pub longest: Duration,
    /// Trials in a row that fail until the key is taken out of service (default 10).
    pub trials: u32,
    /// How long a candidate whose model the vendor does not know is left alone (default 5 min).
    pub model_not_found: Option<Duration>,
    /// Longest time between two rechecks of a key that is out of service (default 4 h).
    pub longest_recheck: Duration,
    /// How often a key that is disabled by failure is rechecked (default 24 h).
    pub disabled_recheck: Duration,
    /// Of classes that the operator has given a schedule.
    pub schedules: BTreeMap<String, Schedule>,
}

/// When a key that is out of service is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Until the first recheck; the time doubles with each one that fails.
    pub after: Duration,
    /// Rechecks, until the key is disabled.
    pub attempts: u32,
}

/// What a failure of a class starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Says nothing about the key.
    Nothing,
    /// The circuit opens after so many failures in a row. `retires`: if trials go on failing, the key is taken out
    /// of service under this schedule.
    Circuit {
        failures: u32,
        retires: Option<Schedule>,
    },
    /// Left alone for a fixed time, then tried again, for ever.
    Rest(Duration),
    /// Out of service at once.
    OutOfService(Schedule),
    /// Disabled until somebody does something about it.
    Disabled,
}

/// From requirement H2: minutes until the first recheck, and rechecks.
const RATE_LIMIT: Schedule = minutes(5, 10);
const RESOURCE_EXHAUSTED: Schedule = minutes(30, 5);
const SERVICE_UNAVAILABLE: Schedule = minutes(10, 8);
const INTERNAL: Schedule = minutes(15, 3);
const INSUFFICIENT_QUOTA: Schedule = minutes(60, 3);
const UNKNOWN: Schedule = minutes(30, 2);

const fn minutes(after: u64, attempts: u32) -> Schedule {
    Schedule {
        after: Duration::from_secs(after * 60),
        attempts,
    }
}

// === impl Rules ===

impl Default for Rules {
    fn default() -> Self {
        Self {
            enabled: true,
            failures: 3,
            first: Duration::from_secs(2),
            longest: Duration::from_secs(30),
            trials: 10,
            model_not_found: Some(Duration::from_secs(300)),
            longest_recheck: Duration::from_secs(4 * 3600),
            disabled_recheck: Duration::from_secs(24 * 3600),
            schedules: BTreeMap::new(),
        }
    }
}

impl Rules {
    pub(super) fn course(&self, kind: &Kind) -> Course {
        let scheduled = |usual| self.schedules.get(kind.as_str()).copied().unwrap_or(usual);
        let circuit = |failures, usual| Course::Circuit {
            failures,
            retires: Some(scheduled(usual)),
        };
        match kind {
            Kind::Authentication | Kind::PermissionDenied => Course::Disabled,
            Kind::RateLimit => circuit(self.failures.min(1), RATE_LIMIT),
            Kind::ServiceUnavailable => circuit(self.failures, SERVICE_UNAVAILABLE),
            Kind::Internal => circuit(self.failures, INTERNAL),
            Kind::Unknown | Kind::MalformedReply | Kind::Custom(_) => circuit(self.failures, UNKNOWN),
            // They speak of the way to the vendor, and never retire an account.
            Kind::Timeout | Kind::Network => Course::Circuit {
                failures: self.failures,
                retires: None,
            },
            Kind::InsufficientQuota => Course::OutOfService(scheduled(INSUFFICIENT_QUOTA)),
            Kind::ResourceExhausted => Course::OutOfService(scheduled(RESOURCE_EXHAUSTED)),
            Kind::ModelNotFound => self.model_not_found.map_or(Course::Nothing, Course::Rest),
            Kind::InvalidRequest
            | Kind::ContextLength
            | Kind::ContentFilter
            | Kind::NotSupported
            | Kind::Overloaded
            | Kind::Plugin => Course::Nothing,
        }
    }

    /// When a key of this class is rechecked; where it is not usually taken out of service, like an unknown failure.
    pub(super) fn schedule(&self, kind: &Kind) -> Schedule {
        match self.course(kind) {
            Course::Circuit {
                retires: Some(schedule),
                ..
            }
            | Course::OutOfService(schedule) => schedule,
            Course::Circuit { retires: None, .. } | Course::Rest(_) | Course::Disabled | Course::Nothing => {
                UNKNOWN
            }
        }
    }

    /// How long the circuit stays open after so many trials that failed, as a share of it (0 to 1) has it: between
    /// three quarters and all of what has doubled.
    pub(super) fn open_for(&self, trials: u32, share: f64) -> Duration {
        let doubled = self
            .first
            .saturating_mul(1_u32.checked_shl(trials).unwrap_or(u32::MAX));
        doubled
            .min(self.longest)
            .mul_f64(0.75 + 0.25 * share.clamp(0.0, 1.0))
    }

    /// Until the recheck that follows so many that failed.
    pub(super) fn recheck_after(&self, schedule: Schedule, failed: u32) -> Duration {
        let times = 1_u32.checked_shl(failed).unwrap_or(u32::MAX);
        schedule.after.saturating_mul(times).min(self.longest_recheck)
    }
}
