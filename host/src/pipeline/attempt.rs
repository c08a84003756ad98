//! One attempt: a candidate is asked until there is a whole answer, or the first token of a stream.
//!
//! Until then a failure is invisible to the caller. Tries nobody else and never again.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::drive::{Drive, Piece};
use crate::chat::ChatRequest;
use crate::clock;
use crate::failure::{Failure, Kind, Scope};
use crate::generation::Generation;
use crate::plugin::Call;
use crate::pool::Lease;
use crate::route::{Candidate, Way};
use crate::usage::Record;

/// Longest beginning of a stream that is held back for want of a token, in bytes.
const HELD: usize = 1 << 20;

/// An attempt that has something to show.
pub(super) enum Begun {
    Whole(Bytes),
    Stream {
        held: VecDeque<Bytes>,
        drive: Box<Drive>,
    },
}

/// What an attempt is about.
pub(super) struct Attempt<'a> {
    pub(super) generation: &'a Arc<Generation>,
    pub(super) request: &'a ChatRequest,
    pub(super) candidate: &'a Arc<Candidate>,
    pub(super) lease: &'a mut Lease,
    /// Of all attempts together.
    pub(super) deadline: Instant,
}

// === impl Attempt ===

impl Attempt<'_> {
    /// Makes the attempt, under its clocks.
    pub(super) async fn make(mut self, record: &mut Record) -> Result<Begun, Failure> {
        let timeouts = &self.generation.settings.timeouts;
        let first_token = timeouts.first_token.filter(|_| self.request.streaming);
        let own = first_token.map(|longest| Instant::now() + longest);
        let until = own.map_or(self.deadline, |own| own.min(self.deadline));
        let begun = timeout_at(until, self.begin(record)).await;
        let result = begun.unwrap_or_else(|_| {
            Err(match first_token {
                Some(longest) if until < self.deadline => Failure::timeout(
                    Scope::Candidate,
                    "no token from the vendor",
                    "first_token",
                    longest,
                ),
                _ => Failure::timeout(Scope::Endpoint, "no answer", "total", timeouts.total),
            })
        });
        if let Some(way) = &self.candidate.way {
            let failed = result.as_ref().is_err_and(Failure::counts_against_candidate);
            way.adapter.attempted(failed);
        }
        result
    }

    async fn begin(&mut self, record: &mut Record) -> Result<Begun, Failure> {
        let way = self.candidate.way.as_ref().ok_or_else(|| {
            Failure::new(
                Kind::ServiceUnavailable,
                Scope::Candidate,
                "the candidate is not available",
            )
        })?;
        let mut drive = Box::new(self.start(way, record).await?);
        self.lease.asked(self.request.input_tokens);
        let mut held = VecDeque::new();
        let (mut whole, mut held_bytes) = (None, 0);
        loop {
            let next = drive.next().await;
            self.note(&mut drive, record);
            let Some(piece) = next? else { break };
            match piece {
                Piece::Whole(body) => whole = Some(body),
                Piece::Chunks(chunks) => {
                    held_bytes += chunks.frames.len();
                    held.push_back(chunks.frames.freeze());
                    if !chunks.token && held_bytes > HELD {
                        let message = format!("no token in the first {HELD} bytes of the vendor's stream");
                        return Err(Failure::malformed(message));
                    }
                    if chunks.token {
                        // Nothing has reached the caller yet: a failure that came with the first token stays unseen.
                        return drive.doomed().map_or(Ok(Begun::Stream { held, drive }), Err);
                    }
                }
            }
        }
        Ok(match whole {
            Some(body) => Begun::Whole(body),
            None => Begun::Stream { held, drive },
        })
    }

    /// For the record and for the limits, now: whatever comes next may never come to its end.
    fn note(&mut self, drive: &mut Drive, record: &mut Record) {
        record.used = drive.used();
        self.lease.uses(record.used.tokens);
        for limit in drive.limits() {
            self.lease.learn(&limit);
        }
    }

    async fn start(&self, way: &Way, record: &Record) -> Result<Drive, Failure> {
        let now = clock::unix_millis();
        let left = self.deadline.saturating_duration_since(Instant::now());
        let call = Call {
            operation: self.request.operation.as_str(),
            model: self.candidate.model.clone(),
            streaming: self.request.streaming,
            request_id: record.trail.request_id.clone(),
            attempt: record.trail.attempts,
            now,
            deadline: now.saturating_add(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
            entropy: clock::entropy(),
        };
        let started = Drive::start(self.candidate, way, &call, self.request, self.generation).await;
        started.map_err(|failure| failure.without(self.candidate.credentials.values()))
    }
}
