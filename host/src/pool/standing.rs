//! Where a key stands: may it be asked, when will it be, and why not. A state machine without a clock, a lock or a
//! word to anybody: time comes with each event, and what has changed is returned.
//!
//! Two clocks. The circuit, in seconds, for failures that pass: it opens, lets one request through after a while, and
//! closes when that succeeds. The schedule, in minutes and hours, for a key that has been taken out of service, because
//! the circuit's trials kept failing or the failure said so. The circuit hands over to the schedule and never the other
//! way round: whatever brings the key back, it comes back to a closed circuit.
//!
//! ```text
//!   new, or other credentials
//!         │
//!     Verifying ── probe failed ──▶ CoolingDown, OutOfService or DisabledByFailure, as the class says
//!         │ probe succeeded
//!         ▼            failures in a row, or one with retry-after
//!     Available ────────────────────────────────────────────▶ CoolingDown ◀── trial failed ──┐
//!     ▲  ▲    │                                                  │ due                       │
//!     │  └────┼─────────────────── trial succeeded ─────────── HalfOpen ─────────────────────┤
//!     │       │ the class says so                                           too many failed  │
//!     │       └──────────────────────────────────────────────▶ OutOfService ◀────────────────┘
//!     │                                                          │ due   ▲ failed
//!     └──────────────── recheck succeeded ────────────────── Rechecking ─┘
//!                                                            ▲     │ too many failed
//!                                                  due, daily│     ▼
//!                  authentication, permission ─────────▶ DisabledByFailure
//!
//!   from anywhere: reset by hand ──▶ Available; switched off ──▶ DisabledByHand ── switched on ──▶ Verifying
//! ```

mod course;
mod record;
mod state;

use std::time::Duration;

pub use state::State;

use super::rules::{Course, Rules};
use crate::failure::{Failure, Kind};

/// Unix time in milliseconds.
pub type Millis = u64;

/// How long a key is left alone for want of a probe's answer; then one request finds out.
const PATIENCE: Millis = 30_000;

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

/// Whether a key may be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Yes,
    /// Yes, and others wait for what comes of it.
    Trial,
    /// Not before then; none is not until somebody does something.
    No(Option<Millis>),
}

/// Something that is worth a line in the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub from: State,
    pub to: State,
    /// What went wrong, or what it has recovered from.
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

    /// When it came to its state.
    pub fn since(&self) -> Millis {
        self.since
    }

    /// Of the failures that it has not recovered from.
    pub fn first_error(&self) -> Option<Millis> {
        self.first_error
    }

    pub fn last_error(&self) -> Option<Millis> {
        self.last_error
    }

    /// Nothing has to be looked up before it is asked.
    pub fn is_clear(&self) -> bool {
        self.state == State::Available { failures: 0 }
    }

    /// Whether listing models, which is what a probe usually does, says anything of what is wrong: a vendor answers
    /// that without quota too, and whatever its limits are.
    pub fn can_be_probed(&self) -> bool {
        !self.failure.as_ref().is_some_and(|failure| {
            matches!(
                failure.kind,
                Kind::RateLimit | Kind::InsufficientQuota | Kind::ResourceExhausted | Kind::ModelNotFound
            )
        })
    }

    /// Whether it would be admitted. Changes nothing.
    pub fn outlook(&self, now: Millis) -> Admission {
        match self.state {
            State::Available { .. } => Admission::Yes,
            State::Verifying { until } if until <= now => Admission::Trial,
            State::CoolingDown { until, .. }
            | State::OutOfService { until, .. }
            | State::DisabledByFailure {
                until: Some(until), ..
            } => {
                if until <= now {
                    Admission::Trial
                } else {
                    Admission::No(Some(until))
                }
            }
            // What comes of the probe or the trial is known soon.
            State::Verifying { .. } | State::HalfOpen { .. } | State::Rechecking { .. } => {
                Admission::No(Some(now))
            }
            State::DisabledByFailure { until: None, .. } | State::DisabledByHand => Admission::No(None),
        }
    }

    /// Asks to be let through. A trial must be ended by one of those below.
    pub fn admit(&mut self, now: Millis) -> Admission {
        let outlook = self.outlook(now);
        if outlook == Admission::Trial {
            self.try_out(false);
        }
        outlook
    }

    /// The same for a probe, which may find out about a new key, and, if somebody wants to know, about one that is not
    /// due yet. It waits for nobody who finds out already.
    pub fn examine(&mut self, now: Millis, by_hand: bool) -> Admission {
        match (self.state, self.outlook(now)) {
            (State::Verifying { .. }, _) => {
                self.state = State::Verifying {
                    until: now + PATIENCE,
                };
                Admission::Trial
            }
            (State::HalfOpen { .. } | State::Rechecking { .. } | State::DisabledByHand, refused) => refused,
            (_, Admission::No(_)) if by_hand => {
                self.try_out(true);
                Admission::Trial
            }
            (_, Admission::Trial) => {
                self.try_out(by_hand);
                Admission::Trial
            }
            (_, outlook) => outlook,
        }
    }

    fn try_out(&mut self, by_hand: bool) {
        self.state = match self.state {
            State::Verifying { .. } => State::HalfOpen { trials: 0 },
            State::CoolingDown { trials, .. } => State::HalfOpen { trials },
            State::OutOfService { failed, schedule, .. } => State::Rechecking {
                failed,
                schedule: Some(schedule),
                by_hand,
            },
            State::DisabledByFailure { schedule, .. } => State::Rechecking {
                failed: schedule.map_or(0, |schedule| schedule.attempts),
                schedule,
                by_hand,
            },
            other => other,
        };
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
            State::DisabledByHand => None,
            _ => self.go(State::Available { failures: 0 }, None, now),
        }
    }

    /// A probe was answered: that is proof of health only where [`Self::can_be_probed`]; anywhere else the next request
    /// finds out.
    pub fn answered(&mut self, now: Millis, trial: bool) -> Option<Change> {
        if self.can_be_probed() {
            return self.succeeded(now, trial);
        }
        self.released(now, trial)
    }

    /// The trial came to no end of its own: the next one may try.
    pub fn released(&mut self, now: Millis, trial: bool) -> Option<Change> {
        if !trial {
            return None;
        }
        if let State::Verifying { .. } = self.state {
            // It cannot be probed, and nothing speaks against it.
            return self.go(State::Available { failures: 0 }, None, now);
        }
        self.state = match self.state {
            State::HalfOpen { trials } => State::CoolingDown { until: now, trials },
            State::Rechecking {
                schedule: Some(schedule),
                failed,
                ..
            } if failed < schedule.attempts => State::OutOfService {
                until: now,
                failed,
                schedule,
            },
            State::Rechecking { schedule, .. } => State::DisabledByFailure {
                until: schedule.map(|_| now),
                schedule,
            },
            other => other,
        };
        None
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
            return self.released(now, trial);
        }
        self.first_error = self.first_error.or(Some(now));
        self.last_error = Some(now);
        let news = course::News {
            now,
            wish: failure.retry_after,
            trial,
            rules,
            share,
        };
        let next = news.leads(self.state, course)?;
        self.go(next, Some(failure.clone()), now)
    }

    /// Due now, whatever was left to wait for: the next request finds out.
    pub fn hasten(&mut self, now: Millis) -> Option<Change> {
        let next = match self.state {
            State::CoolingDown { trials, .. } => State::CoolingDown { until: now, trials },
            State::OutOfService { failed, schedule, .. } => State::OutOfService {
                until: now,
                failed,
                schedule,
            },
            State::DisabledByFailure { schedule, .. } => State::DisabledByFailure {
                until: Some(now),
                schedule,
            },
            State::Verifying { .. }
            | State::Available { .. }
            | State::HalfOpen { .. }
            | State::Rechecking { .. }
            | State::DisabledByHand => return None,
        };
        self.go(next, None, now)
    }

    /// Back to service: somebody has done something about it.
    pub fn reset(&mut self, now: Millis) -> Option<Change> {
        if self.state == State::DisabledByHand {
            return None;
        }
        self.go(State::Available { failures: 0 }, None, now)
    }

    /// It is new, or has other credentials than before.
    pub fn verify(&mut self, now: Millis) -> Option<Change> {
        if self.state == State::DisabledByHand {
            return None;
        }
        let until = now + PATIENCE;
        self.go(State::Verifying { until }, None, now)
    }

    /// The configuration switches it off.
    pub fn switch_off(&mut self, now: Millis) -> Option<Change> {
        if self.state == State::DisabledByHand {
            return None;
        }
        self.go(State::DisabledByHand, None, now)
    }

    /// The configuration switches it on again, if it was off.
    pub fn switch_on(&mut self, now: Millis) -> Option<Change> {
        if self.state != State::DisabledByHand {
            return None;
        }
        self.go(State::Available { failures: 0 }, None, now)
    }

    /// Back to where it stood before.
    pub fn undo(&mut self, before: Self, now: Millis) -> Option<Change> {
        if self.state == State::DisabledByHand {
            return None;
        }
        let from = self.state;
        let failure = self.failure.take();
        *self = before;
        // Whoever was finding out then has long ended.
        let _ = self.released(now, true);
        (from != self.state).then_some(Change {
            from,
            to: self.state,
            failure,
        })
    }

    fn go(&mut self, next: State, failure: Option<Failure>, now: Millis) -> Option<Change> {
        let from = std::mem::replace(&mut self.state, next);
        let moved = from.name() != next.name();
        if moved {
            self.since = now;
        }
        let was = self.failure.clone();
        match next {
            State::Available { failures: 0 } | State::Verifying { .. } | State::DisabledByHand => {
                self.failure = None;
                self.first_error = None;
            }
            _ if failure.is_some() => self.failure.clone_from(&failure),
            _ => {}
        }
        (moved || from.until() != next.until() || failure.is_some()).then_some(Change {
            from,
            to: next,
            failure: failure.or(was),
        })
    }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests;
