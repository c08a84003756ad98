//! Where a key stands: may it be asked, when will it be, and why not. A state machine without a clock, a lock or a
//! word to anybody: time comes with each event, and what has changed is returned.
//!
//! Two clocks. The circuit, in seconds, for failures that pass: it opens, lets one request through after a while, and
//! closes when that succeeds. The schedule, in minutes and hours, for a key that has been taken out of service, because
//! the circuit's trials kept failing or the failure said so. The circuit hands over to the schedule and never the other
//! way round: whatever brings the key back, it comes back to a closed circuit.
//!
//! ```text
//!                     failures in a row, or one with retry-after
//!   Available ──────────────────────────────────────────▶ CoolingDown ◀─── trial failed
//!     ▲  ▲ ▲                                                │  due             │
//!     │  │ └──────────────── trial succeeded ────────── HalfOpen ──────────────┤
//!     │  │                                                                     │ too many trials failed
//!     │  └── recheck succeeded ── Rechecking ◀── due ── OutOfService ◀─────────┴─ or the class says so
//!     │                             │  └──── failed ──────▲
//!     │                             └─ too many failed ─▶ Disabled ── due, daily ─▶ Rechecking
//!     └───────────── reset by hand ─────────────────────────┘ ▲
//!                                                             └─ authentication, permission: at once, until changed
//! ```

use std::time::Duration;

use super::rules::{Course, Rules, Schedule};
use crate::failure::{Failure, Kind, Scope};
use crate::storage::{KeyName, KeyRecord};

/// Unix time in milliseconds.
pub type Millis = u64;

/// The longest time for which a vendor's word alone keeps a key from being asked: a mistaken header is not to take it
/// away for good.
const LONGEST_WISH: Duration = Duration::from_secs(24 * 3600);

/// One key: an account, or an account together with a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    state: State,
    /// The failure that brought it where it is.
    failure: Option<Failure>,
    since: Millis,
    first_error: Option<Millis>,
    last_error: Option<Millis>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
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
    /// One request, or a probe, finds out; also for a key that is disabled.
    Rechecking { failed: u32, schedule: Schedule },
    /// Disabled by failure: tried again at times, or not at all.
    Disabled {
        until: Option<Millis>,
        schedule: Option<Schedule>,
    },
}

/// Whether a key may be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Yes,
    /// Yes, and others wait for what comes of it.
    Trial,
    /// Not before then; none is not until somebody does something.
    No(Option<Millis>),
}

/// A change that is worth a line in the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub from: State,
    pub to: State,
    pub failure: Option<Failure>,
}

// === impl Standing ===

impl Standing {
    pub fn new(now: Millis) -> Self {
        Self {
            state: State::Available { failures: 0 },
            failure: None,
            since: now,
            first_error: None,
            last_error: None,
        }
    }

    pub fn state(&self) -> State {
        self.state
    }

    /// Why it stands where it stands.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    pub fn since(&self) -> Millis {
        self.since
    }

    /// As it is kept.
    pub fn record(&self, key: KeyName, credential: Option<String>) -> KeyRecord {
        let attempts = match self.state {
            State::Available { failures } => failures,
            State::CoolingDown { trials, .. } | State::HalfOpen { trials } => trials,
            State::OutOfService { failed, .. } | State::Rechecking { failed, .. } => failed,
            State::Disabled { schedule, .. } => schedule.map_or(0, |schedule| schedule.attempts),
        };
        KeyRecord {
            key,
            state: self.state.name().to_owned(),
            class: self
                .failure
                .as_ref()
                .map(|failure| failure.kind.as_str().to_owned()),
            attempts,
            until: self.state.until(),
            since: self.since,
            first_error: self.first_error,
            last_error: self.last_error,
            message: self.failure.as_ref().map(|failure| failure.message.clone()),
            credential,
        }
    }

    /// As it was kept. A trial that was under way is to be made again; what cannot be read counts as nothing known.
    pub fn restored(record: &KeyRecord, rules: &Rules) -> Self {
        let kind = Kind::from(record.class.as_deref().unwrap_or("unknown_error"));
        let schedule = rules.schedule(&kind);
        let (until, attempts) = (record.until.unwrap_or(record.since), record.attempts);
        let state = match record.state.as_str() {
            "cooling down" | "half-open" => State::CoolingDown {
                until,
                trials: attempts,
            },
            "out of service" | "rechecking" => State::OutOfService {
                until,
                failed: attempts,
                schedule,
            },
            "disabled" => State::Disabled {
                until: record.until,
                schedule: record.until.map(|_| schedule),
            },
            _ => State::Available { failures: 0 },
        };
        let failure = record.class.is_some().then(|| {
            let message = record.message.clone().unwrap_or_default();
            Failure::new(kind, Scope::Account, message)
        });
        Self {
            state,
            failure,
            since: record.since,
            first_error: record.first_error,
            last_error: record.last_error,
        }
    }

    /// Nothing has to be looked up before it is asked.
    pub fn is_clear(&self) -> bool {
        self.state == State::Available { failures: 0 }
    }

    /// Whether it would be admitted. Changes nothing.
    pub fn outlook(&self, now: Millis) -> Admission {
        match self.state {
            State::Available { .. } => Admission::Yes,
            State::CoolingDown { until, .. } | State::OutOfService { until, .. } if until <= now => {
                Admission::Trial
            }
            State::CoolingDown { until, .. } | State::OutOfService { until, .. } => {
                Admission::No(Some(until))
            }
            State::Disabled {
                until: Some(until), ..
            } if until <= now => Admission::Trial,
            State::Disabled { until, .. } => Admission::No(until),
            // What comes of the trial is known soon.
            State::HalfOpen { .. } | State::Rechecking { .. } => Admission::No(Some(now)),
        }
    }

    /// Asks to be let through. A trial must be ended by one of the three below.
    pub fn admit(&mut self, now: Millis) -> Admission {
        let outlook = self.outlook(now);
        if outlook == Admission::Trial {
            self.state = match self.state {
                State::CoolingDown { trials, .. } => State::HalfOpen { trials },
                State::OutOfService { failed, schedule, .. } => State::Rechecking { failed, schedule },
                State::Disabled {
                    schedule: Some(schedule),
                    ..
                } => State::Rechecking {
                    failed: schedule.attempts,
                    schedule,
                },
                other => other,
            };
        }
        outlook
    }

    /// An answer came.
    pub fn succeeded(&mut self, now: Millis, trial: bool) -> Option<Change> {
        match self.state {
            State::Available { .. } => {
                self.state = State::Available { failures: 0 };
                None
            }
            // One that was under way already says nothing of the time since.
            _ if !trial => None,
            _ => self.go(State::Available { failures: 0 }, None, now),
        }
    }

    /// The trial came to no end of its own: the next one may try.
    pub fn released(&mut self, now: Millis, trial: bool) {
        if !trial {
            return;
        }
        self.state = match self.state {
            State::HalfOpen { trials } => State::CoolingDown { until: now, trials },
            State::Rechecking { failed, schedule } if failed >= schedule.attempts => State::Disabled {
                until: Some(now),
                schedule: Some(schedule),
            },
            State::Rechecking { failed, schedule } => State::OutOfService {
                until: now,
                failed,
                schedule,
            },
            other => other,
        };
    }

    /// It failed in a way that speaks of this key. `share`: a random number from 0 to 1.
    pub fn failed(
        &mut self,
        now: Millis,
        failure: &Failure,
        trial: bool,
        rules: &Rules,
        share: f64,
    ) -> Option<Change> {
        let course = rules.course(&failure.kind);
        if course == Course::Nothing || !rules.enabled {
            self.released(now, trial);
            return None;
        }
        self.first_error = self.first_error.or(Some(now));
        self.last_error = Some(now);
        let wish = failure
            .retry_after
            .map(|wish| now + millis(wish.min(LONGEST_WISH)));
        let next = self.next(now, course, wish, trial, rules, share)?;
        self.go(next, Some(failure.clone()), now)
    }

    /// Somebody has done something about it, or wants it tried.
    pub fn reset(&mut self, now: Millis) -> Option<Change> {
        self.first_error = None;
        self.go(State::Available { failures: 0 }, None, now)
    }

    fn next(
        &self,
        now: Millis,
        course: Course,
        wish: Option<Millis>,
        trial: bool,
        rules: &Rules,
        share: f64,
    ) -> Option<State> {
        // Of a vendor's wish and a time of our own the vendor's counts; of two wishes the later one.
        let from_now = |time: Duration| wish.unwrap_or(now + millis(time));
        match (self.state, course) {
            (_, Course::Nothing) => None,
            (State::Disabled { until: None, .. }, _) => None,
            (_, Course::Disabled) => Some(State::Disabled {
                until: None,
                schedule: None,
            }),
            // Nobody was reached, so nothing was found out about the key.
            (State::Rechecking { failed, schedule }, Course::Circuit { retires: None, .. }) if trial => {
                Some(State::OutOfService {
                    until: from_now(rules.longest),
                    failed,
                    schedule,
                })
            }
            (State::Rechecking { failed, schedule }, _) if trial => {
                Some(recheck(failed + 1, schedule, wish, now, rules))
            }
            // Late news of a key that is out of service: only a later wish counts.
            (State::OutOfService { .. } | State::Disabled { .. } | State::Rechecking { .. }, _) => {
                self.later(wish)
            }
            (_, Course::OutOfService(schedule)) => Some(recheck(0, schedule, wish, now, rules)),
            (State::HalfOpen { trials }, Course::Circuit { retires, .. }) if trial => match retires {
                Some(schedule) if trials + 1 >= rules.trials => Some(recheck(0, schedule, wish, now, rules)),
                _ => Some(State::CoolingDown {
                    until: from_now(rules.open_for(trials + 1, share)),
                    trials: trials + 1,
                }),
            },
            (State::HalfOpen { trials }, Course::Rest(time)) if trial => Some(State::CoolingDown {
                until: from_now(time),
                trials,
            }),
            (State::CoolingDown { .. } | State::HalfOpen { .. }, _) => self.later(wish),
            (State::Available { .. }, Course::Rest(time)) => Some(State::CoolingDown {
                until: from_now(time),
                trials: 0,
            }),
            (State::Available { failures }, Course::Circuit { failures: most, .. }) => {
                let failures = failures.saturating_add(1);
                Some(if failures >= most || wish.is_some() {
                    State::CoolingDown {
                        until: from_now(rules.open_for(0, share)),
                        trials: 0,
                    }
                } else {
                    State::Available { failures }
                })
            }
        }
    }

    /// The same state until a later time, if that is one.
    fn later(&self, wish: Option<Millis>) -> Option<State> {
        let wish = wish?;
        match self.state {
            State::CoolingDown { until, trials } if wish > until => {
                Some(State::CoolingDown { until: wish, trials })
            }
            State::OutOfService {
                until,
                failed,
                schedule,
            } if wish > until => Some(State::OutOfService {
                until: wish,
                failed,
                schedule,
            }),
            _ => None,
        }
    }

    fn go(&mut self, next: State, failure: Option<Failure>, now: Millis) -> Option<Change> {
        let from = std::mem::replace(&mut self.state, next);
        let moved = from.name() != next.name();
        if moved {
            self.since = now;
        }
        if next == (State::Available { failures: 0 }) {
            self.failure = None;
            self.first_error = None;
        } else if failure.is_some() {
            self.failure.clone_from(&failure);
        }
        (moved || from.until() != next.until()).then_some(Change {
            from,
            to: next,
            failure,
        })
    }
}

/// After so many rechecks that failed: the next one, or the end of the schedule.
fn recheck(failed: u32, schedule: Schedule, wish: Option<Millis>, now: Millis, rules: &Rules) -> State {
    if failed >= schedule.attempts {
        let until = wish.unwrap_or(now + millis(rules.disabled_recheck));
        return State::Disabled {
            until: Some(until),
            schedule: Some(schedule),
        };
    }
    State::OutOfService {
        until: wish.unwrap_or(now + millis(rules.recheck_after(schedule, failed))),
        failed,
        schedule,
    }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

// === impl State ===

impl State {
    /// As operators read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Available { .. } => "available",
            Self::CoolingDown { .. } => "cooling down",
            Self::HalfOpen { .. } => "half-open",
            Self::OutOfService { .. } => "out of service",
            Self::Rechecking { .. } => "rechecking",
            Self::Disabled { .. } => "disabled",
        }
    }

    /// When it is tried again.
    pub fn until(self) -> Option<Millis> {
        match self {
            Self::CoolingDown { until, .. } | Self::OutOfService { until, .. } => Some(until),
            Self::Disabled { until, .. } => until,
            Self::Available { .. } | Self::HalfOpen { .. } | Self::Rechecking { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
