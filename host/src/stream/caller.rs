//! The stream a caller reads: what was held back until the first token, then each piece as it comes, then exactly
//! one end.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, timeout_at};

use super::{DONE, frame, framed};
use crate::failure::{Failure, Kind, Scope};
use crate::pipeline::{Drive, Piece};
use crate::pool::Lease;
use crate::usage::Record;

/// How an exchange with a caller ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    Completed,
    Failed(Failure),
    /// The caller went away.
    Cancelled,
}

/// An answer under way to the caller. Dropping it before its end means that the caller has left.
#[derive(Debug)]
pub struct CallerStream {
    held: VecDeque<Bytes>,
    drive: Drive,
    lease: Lease,
    record: Record,
    deadline: Instant,
    over: bool,
}

// === impl CallerStream ===

impl CallerStream {
    /// `held`: frames up to and including the first token. `deadline`: of the whole stream.
    pub(crate) fn new(
        held: VecDeque<Bytes>,
        drive: Drive,
        lease: Lease,
        record: Record,
        deadline: Instant,
    ) -> Self {
        Self {
            held,
            drive,
            lease,
            record,
            deadline,
            over: false,
        }
    }

    /// The next frames, or none after the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        if let Some(held) = self.held.pop_front() {
            return Some(held);
        }
        if self.over {
            return None;
        }
        let piece = timeout_at(self.deadline, self.drive.next()).await;
        self.record.tokens = self.drive.usage();
        match piece {
            Ok(Ok(Some(Piece::Chunks(chunks)))) => Some(chunks.frames.freeze()),
            Ok(Ok(Some(Piece::Whole(_)))) => {
                Some(self.fail(Failure::malformed("a whole answer in the middle of a stream")))
            }
            Ok(Ok(None)) => Some(self.complete()),
            Ok(Err(failure)) => Some(self.fail(failure)),
            Err(_) => {
                let message = "the stream took longer than timeouts.stream";
                Some(self.fail(Failure::new(Kind::Timeout, Scope::Endpoint, message)))
            }
        }
    }

    fn complete(&mut self) -> Bytes {
        let mut last = BytesMut::new();
        if let Some(usage) = self.drive.missing_usage() {
            frame(&usage, &mut last);
        }
        frame(DONE, &mut last);
        self.lease
            .succeeded(self.record.elapsed(), self.record.first_token);
        self.end(&Ending::Completed);
        last.freeze()
    }

    /// An explicit error event and no `[DONE]`, so that nobody takes what came for a complete answer.
    fn fail(&mut self, failure: Failure) -> Bytes {
        let event = crate::http::error_event(&failure);
        if failure.counts_against_candidate() {
            self.lease.failed();
        }
        self.end(&Ending::Failed(failure));
        framed(&event)
    }

    fn end(&mut self, ending: &Ending) {
        self.over = true;
        self.record.end(ending);
    }
}
