//! The attempts of one request: a state machine that goes from candidate to candidate until one has something to
//! show, or there is nothing left to try.
//!
//! ```text
//!            ┌───────────────── switch over ───────────────┐
//!            ▼                                             │
//!   Choose ──── lease ────▶ Ask ──── failed ────▶ Judge ───┤
//!     │                      ▲ │                    │      │
//!     │                      │ └─ answer ─▶ Over    │   give up
//!     │                      │                      │      │
//!     │                     Rest ◀──── again ───────┘      │
//!     └──────────────── nobody left ───▶ Over ◀────────────┘
//! ```
//!
//! Each candidate has one attempt; asking again after a rest belongs to it. Nothing is tried after the first token.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{FutureExt, select_all};
use tokio::time::{Instant, sleep, timeout_at};

use super::attempt::{Attempt, Begun};
use super::drive::Drive;
use super::refusal::Refusal;
use super::verdict::{Situation, Verdict, judge};
use crate::chat::ChatRequest;
use crate::failure::{Failure, Kind, Scope};
use crate::generation::Generation;
use crate::pool::{Denied, Held, Lease, Place, Took};
use crate::route::{Candidate, PlanError};
use crate::telemetry::AttemptFailed;
use crate::usage::Record;

/// A request on its way from candidate to candidate.
pub(super) struct Attempts {
    pub(super) generation: Arc<Generation>,
    pub(super) request: ChatRequest,
    /// The name of the caller's key.
    pub(super) caller: String,
    /// Best first; whoever is asked leaves it.
    pub(super) queue: VecDeque<Arc<Candidate>>,
    pub(super) record: Record,
    /// The request's own, among all that are served.
    pub(super) place: Place,
    /// Of all attempts together.
    pub(super) deadline: Instant,
    pub(super) last: Option<Failure>,
    /// The earliest time at which somebody can be asked again.
    pub(super) come_back: Option<Duration>,
    /// Of those that are left alone, the first one to come back.
    pub(super) held: Option<Held>,
}

/// What came of it.
pub(crate) struct Opened {
    pub(crate) record: Record,
    pub(crate) place: Place,
    pub(crate) result: Result<Answer, Refusal>,
}

/// An attempt that can no longer fail unseen.
pub(crate) enum Answer {
    Whole(Bytes),
    Stream(Box<BegunStream>),
}

/// A stream whose first token is there.
pub(crate) struct BegunStream {
    /// Frames up to and including it.
    pub(crate) held: VecDeque<Bytes>,
    pub(crate) drive: Box<Drive>,
    pub(crate) lease: Lease,
    /// When the vendor was asked.
    pub(crate) asked: Instant,
    /// How long its first token took from then on.
    pub(crate) first_token: Duration,
    /// Which loaded plugin speaks for the candidate.
    pub(crate) plugin: u64,
}

/// A candidate that has its attempt.
struct Turn {
    candidate: Arc<Candidate>,
    lease: Lease,
    /// It is asked for the second time.
    again: bool,
}

enum Step {
    Choose,
    Ask(Turn),
    Judge(Turn, Failure),
    Rest(Turn, Duration),
    Over(Result<Answer, Refusal>),
}

// === impl Attempts ===

impl Attempts {
    /// Runs to the first thing worth showing. Dropping the future stops everything under way.
    pub(super) async fn run(mut self) -> Opened {
        let mut step = Step::Choose;
        loop {
            step = match step {
                Step::Choose => self.choose().await,
                Step::Ask(turn) => self.ask(turn).await,
                Step::Judge(turn, failure) => self.judge(turn, failure).await,
                Step::Rest(turn, delay) => {
                    sleep(delay).await;
                    Step::Ask(Turn { again: true, ..turn })
                }
                Step::Over(result) => {
                    return Opened {
                        record: self.record,
                        place: self.place,
                        result,
                    };
                }
            };
        }
    }

    /// The best candidate that has room, or the first one to have some.
    async fn choose(&mut self) -> Step {
        self.leave_alone();
        if self.record.trail.attempts >= self.generation.settings.failover.attempts || self.queue.is_empty() {
            return self.nobody();
        }
        let found = match self.find() {
            Some((index, lease)) => Some((index, Ok(lease))),
            None => self.wait().await,
        };
        let Some((index, leased)) = found else {
            return self.nobody();
        };
        let Some(candidate) = self.queue.remove(index) else {
            return self.nobody();
        };
        match leased {
            Ok(lease) => Step::Ask(Turn {
                candidate,
                lease,
                again: false,
            }),
            // While it was waited for, others have used what there was.
            Err(held) => {
                self.pass_over(held);
                Step::Choose
            }
        }
    }

    /// Somebody else may have learned since that one of them is to be left alone, or have used what there was.
    fn leave_alone(&mut self) {
        let first = &mut self.held;
        self.queue.retain(|candidate| {
            let held = candidate.state.held();
            let can_be_asked = held.is_none();
            Held::sooner(first, held);
            can_be_asked
        });
    }

    /// The first one that can be asked. One whose limits have no room for this request is left out.
    fn find(&mut self) -> Option<(usize, Lease)> {
        let mut index = 0;
        while let Some(candidate) = self.queue.get(index) {
            match candidate.state.lease(&candidate.need(&self.request)) {
                Ok(lease) => return Some((index, lease)),
                Err(Denied::Full) => index += 1,
                Err(Denied::Held(held)) => {
                    self.queue.remove(index);
                    self.pass_over(held);
                }
            }
        }
        None
    }

    fn pass_over(&mut self, held: Held) {
        Held::sooner(&mut self.held, Some(held));
    }

    /// Waits in the queues of all that are full; none if they are full too, or it takes too long.
    async fn wait(&self) -> Option<(usize, Result<Lease, Held>)> {
        let admission = &self.generation.settings.server.admission;
        let queues = self.queue.iter().enumerate();
        let waiters: Vec<_> = queues
            .filter_map(|(index, candidate)| {
                let waiter = candidate.state.queue(&self.caller, admission.queue)?;
                Some(waiter.map(move |place| (index, place)))
            })
            .collect();
        if waiters.is_empty() {
            return None;
        }
        let until = self.deadline.min(Instant::now() + admission.wait);
        let ((index, place), ..) = timeout_at(until, select_all(waiters)).await.ok()?;
        let candidate = self.queue.get(index)?;
        let need = candidate.need(&self.request);
        Some((index, candidate.state.leased(place, &need)))
    }

    async fn ask(&mut self, mut turn: Turn) -> Step {
        if !turn.again {
            self.record.attempt(&turn.candidate);
        } else if let Err(held) = turn.lease.again(&turn.candidate.need(&self.request)) {
            self.pass_over(held);
            return self.nobody();
        }
        self.record.asks(&turn.candidate);
        let asked = Instant::now();
        let attempt = Attempt {
            generation: &self.generation,
            request: &self.request,
            candidate: &turn.candidate,
            lease: &mut turn.lease,
            deadline: self.deadline,
        };
        let answer = match attempt.make(&mut self.record).await {
            Err(failure) => return Step::Judge(turn, failure),
            Ok(Begun::Whole(body)) => {
                turn.lease.succeeded(Took {
                    latency: asked.elapsed(),
                    first_token: None,
                });
                Answer::Whole(body)
            }
            Ok(Begun::Stream { held, drive }) => {
                self.record.first_token = Some(self.record.elapsed());
                Answer::Stream(Box::new(BegunStream {
                    held,
                    drive,
                    lease: turn.lease,
                    asked,
                    first_token: asked.elapsed(),
                    plugin: turn.candidate.plugin(),
                }))
            }
        };
        Step::Over(Ok(answer))
    }

    async fn judge(&mut self, turn: Turn, failure: Failure) -> Step {
        AttemptFailed {
            trail: &self.record.trail,
            failure: &failure,
        }
        .emit();
        self.record.failed(&failure);
        if failure.counts_against_candidate() {
            // Before anybody is asked again; that it cannot be kept, the storage has said.
            if let Some(kept) = turn.lease.failed(&failure, turn.candidate.plugin()) {
                let _ = kept.await;
            }
        }
        let failover = &self.generation.settings.failover;
        let held = turn
            .candidate
            .state
            .held()
            .and_then(|held| held.failure.retry_after);
        let wish = failure.retry_after.or(held);
        self.come_back = [self.come_back, wish].into_iter().flatten().min();
        spare(&mut self.queue, &turn.candidate, &failure);
        let situation = Situation {
            others: self.record.trail.attempts < failover.attempts && !self.queue.is_empty(),
            again: turn.again,
            left: self.deadline.saturating_duration_since(Instant::now()),
        };
        let verdict = judge(&failure, situation, failover);
        self.last = Some(failure);
        match verdict {
            Verdict::SwitchOver => Step::Choose,
            Verdict::Again(delay) => Step::Rest(turn, delay),
            Verdict::GiveUp => self.nobody(),
        }
    }

    /// When somebody can be asked again, as far as that is known.
    fn come_back(&self) -> Option<Duration> {
        let held = self.held.as_ref().and_then(|held| held.failure.retry_after);
        [self.come_back, held].into_iter().flatten().min()
    }

    /// The caller gets what went wrong last, or else why nobody may be asked, and the earliest time to come back.
    fn nobody(&mut self) -> Step {
        let held = self.held.clone().filter(|_| self.queue.is_empty());
        let refusal = match self.last.take() {
            // What is wrong with the request stays wrong.
            Some(failure) if failure.scope == Scope::Request => Refusal::Failed(failure),
            Some(failure) => Refusal::Failed(Failure {
                retry_after: self.come_back(),
                ..failure
            }),
            None if let Some(held) = held => Refusal::NoCandidate(PlanError::Held(Box::new(held))),
            None if self.queue.is_empty() => Refusal::OutOfCandidates,
            None => Refusal::Busy,
        };
        Step::Over(Err(refusal))
    }
}

/// Puts candidates that share what has just failed behind all others; they stay, because they may be the only
/// ones left.
fn spare(queue: &mut VecDeque<Arc<Candidate>>, failed: &Candidate, failure: &Failure) {
    let shares = |other: &Candidate| {
        other.vendor == failed.vendor
            && match failure.scope {
                Scope::Request | Scope::Candidate => false,
                Scope::Model => other.model == failed.model,
                Scope::Account => other.account == failed.account,
                Scope::Endpoint => true,
            }
    };
    queue.make_contiguous().sort_by_key(|candidate| shares(candidate));
    if failure.kind == Kind::ContextLength {
        let larger = |other: &Candidate| other.context_length > failed.context_length;
        queue.retain(|candidate| larger(candidate));
    }
}
