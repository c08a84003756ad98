//! Where a failure leads, from each state: the table behind the drawing in [`super`].

use std::time::Duration;

use super::{Millis, State, millis};
use crate::pool::rules::{Course, Rules, Schedule};

/// The longest time for which a vendor's word alone keeps a key from being asked: a mistaken header is not to take it
/// away for good.
const LONGEST_WISH: Duration = Duration::from_secs(24 * 3600);

/// A failure that has come in.
#[derive(Debug, Clone, Copy)]
pub(super) struct News<'a> {
    pub(super) now: Millis,
    /// How long the vendor wants to be left alone.
    pub(super) wish: Option<Duration>,
    /// Others wait for it.
    pub(super) trial: bool,
    pub(super) rules: &'a Rules,
    /// A random number from 0 to 1.
    pub(super) share: f64,
}

// === impl News ===

impl News<'_> {
    /// None: it stays where it is.
    pub(super) fn leads(&self, from: State, course: Course) -> Option<State> {
        match (from, course) {
            (_, Course::Nothing) | (State::DisabledByHand, _) => None,
            // For good already, unless somebody has it tried.
            (State::DisabledByFailure { schedule: None, .. }, _) => None,
            (_, Course::Disabled) => Some(State::DisabledByFailure {
                until: None,
                schedule: None,
            }),
            (
                State::Rechecking {
                    failed,
                    schedule,
                    by_hand,
                },
                course,
            ) if self.trial => Some(self.recheck_failed(failed, schedule, by_hand, course)),
            // Late news of a key that is out of service: only a later wish counts.
            (State::OutOfService { .. } | State::DisabledByFailure { .. } | State::Rechecking { .. }, _) => {
                self.later(from)
            }
            (_, Course::OutOfService(schedule)) => Some(self.recheck(0, schedule)),
            (State::HalfOpen { trials }, course) if self.trial => Some(self.trial_failed(trials, course)),
            (State::CoolingDown { .. } | State::HalfOpen { .. }, _) => self.later(from),
            // The probe of a new key: whatever is wrong, the circuit is the place to wait for its end.
            (State::Verifying { .. }, _) if self.trial => Some(self.open(0)),
            (State::Verifying { .. }, _) => None,
            (State::Available { .. }, Course::Rest(time)) => Some(self.rest(time, 0)),
            (State::Available { failures }, Course::Circuit { failures: most, .. }) => {
                let failures = failures.saturating_add(1);
                Some(if failures >= most || self.wish.is_some() {
                    self.open(0)
                } else {
                    State::Available { failures }
                })
            }
        }
    }

    fn trial_failed(&self, trials: u32, course: Course) -> State {
        match course {
            Course::Rest(time) => self.rest(time, trials),
            Course::Circuit {
                retires: Some(schedule),
                ..
            } if trials + 1 >= self.rules.trials => self.recheck(0, schedule),
            Course::Circuit { .. } | Course::OutOfService(_) | Course::Disabled | Course::Nothing => {
                self.open(trials + 1)
            }
        }
    }

    fn recheck_failed(
        &self,
        failed: u32,
        schedule: Option<Schedule>,
        by_hand: bool,
        course: Course,
    ) -> State {
        let Some(schedule) = schedule else {
            // Nothing has changed about the credential.
            return State::DisabledByFailure {
                until: None,
                schedule: None,
            };
        };
        // Where nobody was reached, nothing was found out about the key.
        if matches!(course, Course::Circuit { retires: None, .. }) {
            return out_of_service(failed, schedule, self.due_after(self.rules.longest));
        }
        self.recheck(if by_hand { failed } else { failed + 1 }, schedule)
    }

    /// After so many rechecks that failed: the next one, or the end of the schedule.
    fn recheck(&self, failed: u32, schedule: Schedule) -> State {
        let after = if failed >= schedule.attempts {
            self.rules.disabled_recheck
        } else {
            self.rules.recheck_after(schedule, failed)
        };
        out_of_service(failed, schedule, self.due_after(after))
    }

    fn open(&self, trials: u32) -> State {
        self.rest(self.rules.open_for(trials, self.share), trials)
    }

    fn rest(&self, time: Duration, trials: u32) -> State {
        State::CoolingDown {
            until: self.due_after(time),
            trials,
        }
    }

    /// Of a vendor's wish and a time of our own the vendor's counts.
    fn due_after(&self, time: Duration) -> Millis {
        self.wished().unwrap_or(self.now + millis(time))
    }

    fn wished(&self) -> Option<Millis> {
        Some(self.now + millis(self.wish?.min(LONGEST_WISH)))
    }

    /// The same state until a later time, if that is one: of two wishes the later stands, whichever came first. Whoever
    /// is finding out goes on, and nobody else begins to.
    fn later(&self, from: State) -> Option<State> {
        let wish = self.wished()?;
        match from {
            State::HalfOpen { trials } => Some(State::CoolingDown { until: wish, trials }),
            State::Rechecking {
                failed,
                schedule: Some(schedule),
                ..
            } => Some(out_of_service(failed, schedule, wish)),
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
}

fn out_of_service(failed: u32, schedule: Schedule, until: Millis) -> State {
    if failed >= schedule.attempts {
        return State::DisabledByFailure {
            until: Some(until),
            schedule: Some(schedule),
        };
    }
    State::OutOfService {
        until,
        failed,
        schedule,
    }
}
