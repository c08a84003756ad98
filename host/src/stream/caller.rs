//! The stream a caller reads: what was held back until the first token, then each piece as it comes, then exactly
//! one end. Where the caller was answered before there was a token, the attempts go on in here first.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::time::{Instant, timeout_at};

use super::{DONE, frame};
use crate::config::Timeouts;
use crate::failure::{Failure, Scope};
use crate::pipeline::{Answer, BegunStream, Drive, Opened, Opening, Piece, Refusal};
use crate::pool::{Lease, Place, Took};
use crate::usage::Record;

/// How an exchange with a caller ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    Completed,
    Failed(Failure),
    /// The caller went away.
    Cancelled,
}

impl Ending {
    /// "completed", "cancelled" or the failure's kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed(failure) => failure.kind.as_str(),
        }
    }
}

/// An answer under way to the caller. Dropping it before its end means that the caller has left.
#[derive(Debug)]
pub struct CallerStream {
    state: State,
    clocks: Clocks,
}

enum State {
    /// The attempts go on.
    Opening(Opening),
    /// The answer comes.
    Flowing(Box<Flow>),
    Over,
}

/// A stream that still runs so long after its vendor was asked is proof enough that the vendor is back: one that breaks
/// off soon after its first token is none, and one may run for half an hour.
const PROVEN: Duration = Duration::from_secs(5);

/// An answer that has begun.
#[derive(Debug)]
struct Flow {
    held: VecDeque<Bytes>,
    drive: Drive,
    lease: Lease,
    record: Record,
    _place: Place,
    /// Which loaded plugin speaks for the candidate.
    plugin: u64,
    /// When the vendor was asked, and how long its first token took from then on.
    asked: Instant,
    first_token: Duration,
    /// Nobody waits for its end any more to ask the same keys.
    proved: bool,
    /// Of the whole stream.
    deadline: Instant,
    /// How long the vendor has been waited for since the last token. Time in which the caller did not read is not in
    /// it.
    silence: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Clocks {
    idle: Option<Duration>,
    stream: Duration,
}

// === impl CallerStream ===

impl CallerStream {
    /// An answer whose first token is there.
    pub(crate) fn begun(begun: BegunStream, record: Record, place: Place, timeouts: &Timeouts) -> Self {
        let clocks = Clocks::of(timeouts);
        Self {
            state: State::Flowing(Box::new(Flow::new(begun, record, place, clocks))),
            clocks,
        }
    }

    /// One for which the attempts are under way still.
    pub(crate) fn opening(opening: Opening, timeouts: &Timeouts) -> Self {
        Self {
            state: State::Opening(opening),
            clocks: Clocks::of(timeouts),
        }
    }

    /// Whether there was no token yet when the caller was answered.
    pub fn is_opening(&self) -> bool {
        matches!(self.state, State::Opening(_))
    }

    /// The next frames, or none after the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        match &mut self.state {
            State::Opening(opening) => {
                let opened = opening.await;
                Some(self.opened(opened))
            }
            State::Flowing(flow) => {
                if let Some(held) = flow.held.pop_front() {
                    return Some(held);
                }
                let (frames, over) = match flow.next(self.clocks).await {
                    Ok(Some(frames)) => (frames, false),
                    Ok(None) => (flow.complete(), true),
                    Err(failure) => (flow.fail(failure), true),
                };
                if over {
                    self.state = State::Over;
                }
                Some(frames)
            }
            State::Over => None,
        }
    }

    /// Says first what the headers could not say.
    fn opened(&mut self, opened: Opened) -> Bytes {
        let Opened {
            mut record,
            place,
            result,
        } = opened;
        let mut frames = BytesMut::new();
        for (name, value) in record.trail.marks() {
            comment(name, &value, &mut frames);
        }
        let refusal = match result {
            Ok(Answer::Stream(begun)) => {
                frames.put_slice(b"\n");
                self.state = State::Flowing(Box::new(Flow::new(*begun, record, place, self.clocks)));
                return frames.freeze();
            }
            Ok(Answer::Whole(_)) => Refusal::Failed(Failure::malformed("a whole answer instead of a stream")),
            Err(refusal) => refusal,
        };
        record.end(&Ending::Failed(refusal.as_failure()));
        end_with(&refusal, &mut frames);
        self.state = State::Over;
        frames.freeze()
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Opening(_) => "Opening",
            Self::Flowing(_) => "Flowing",
            Self::Over => "Over",
        })
    }
}

// === impl Flow ===

impl Flow {
    fn new(begun: BegunStream, record: Record, place: Place, clocks: Clocks) -> Self {
        Self {
            held: begun.held,
            drive: *begun.drive,
            lease: begun.lease,
            record,
            _place: place,
            plugin: begun.plugin,
            asked: begun.asked,
            first_token: begun.first_token,
            proved: false,
            deadline: begun.asked + clocks.stream,
            silence: Duration::ZERO,
        }
    }

    /// The next piece, none when the answer is complete.
    async fn next(&mut self, clocks: Clocks) -> Result<Option<Bytes>, Failure> {
        let began = Instant::now();
        let patience = clocks.idle.map(|idle| began + idle.saturating_sub(self.silence));
        let until = patience.map_or(self.deadline, |patience| patience.min(self.deadline));
        let piece = timeout_at(until, self.drive.next()).await;
        self.note();
        match (piece, clocks.idle) {
            (Ok(piece), _) => match piece? {
                Some(Piece::Chunks(chunks)) => {
                    if !self.proved && self.asked.elapsed() >= PROVEN {
                        self.proved = true;
                        self.lease.proved();
                    }
                    self.silence = if chunks.token {
                        Duration::ZERO
                    } else {
                        self.silence + began.elapsed()
                    };
                    Ok(Some(chunks.frames.freeze()))
                }
                Some(Piece::Whole(_)) => Err(Failure::malformed("a whole answer in the middle of a stream")),
                None => Ok(None),
            },
            (Err(_), Some(idle)) if until < self.deadline => Err(Failure::timeout(
                Scope::Candidate,
                "no further token from the vendor",
                "idle",
                idle,
            )),
            (Err(_), _) => Err(Failure::timeout(
                Scope::Candidate,
                "the stream did not end",
                "stream",
                clocks.stream,
            )),
        }
    }

    /// For the record and for the limits, now: the caller may leave at any time.
    fn note(&mut self) {
        self.record.used = self.drive.used();
        self.lease.uses(self.record.used.tokens);
        for limit in self.drive.limits() {
            self.lease.learn(&limit);
        }
    }

    fn complete(&mut self) -> Bytes {
        let mut last = BytesMut::new();
        self.drive.closing(&mut last);
        frame(DONE, &mut last);
        self.note();
        self.lease.succeeded(Took {
            latency: self.asked.elapsed(),
            first_token: Some(self.first_token),
        });
        self.record.end(&Ending::Completed);
        last.freeze()
    }

    /// An explicit error event and no `[DONE]`, so that nobody takes what came for a complete answer.
    fn fail(&mut self, failure: Failure) -> Bytes {
        if failure.counts_against_candidate() {
            // Handed over already; nobody has to wait for the disk at the end of a stream.
            let _ = self.lease.failed(&failure, self.plugin);
        }
        self.record.end(&Ending::Failed(failure.clone()));
        let mut last = BytesMut::new();
        end_with(&Refusal::Failed(failure), &mut last);
        last.freeze()
    }
}

// === impl Clocks ===

impl Clocks {
    fn of(timeouts: &Timeouts) -> Self {
        Self {
            idle: timeouts.idle,
            stream: timeouts.stream,
        }
    }
}

/// A header that came too late to be one, as a line of a comment.
fn comment(name: &str, value: &str, out: &mut BytesMut) {
    out.put_slice(format!(": {name}: {value}\n").as_bytes());
}

fn end_with(refusal: &Refusal, out: &mut BytesMut) {
    let (event, retry_after) = crate::http::error_event(refusal);
    if let Some(seconds) = retry_after {
        comment("retry-after", &seconds.to_string(), out);
    }
    frame(&event, out);
}
