//! Sends a reply's events at their times. Must never be late on purpose twice: pauses are measured on one
//! schedule, so a slow socket does not stretch the whole stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec::IntoIter;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::exchange::Exchange;
use crate::record::How;
use crate::reply::{End, Event, Reply};

/// The body of an answer. Dropping it before its end means that the caller left.
#[derive(Debug)]
pub(crate) struct Playback {
    events: IntoIter<Event>,
    end: End,
    /// What is left of the announced length.
    remaining: Option<u64>,
    /// When the latest event was due; unset until the first pause.
    due: Option<Instant>,
    /// The pause under way.
    pause: Option<Pin<Box<Sleep>>>,
    /// Whether the socket had its turn to send what it was given before a cut.
    flushed: bool,
    exchange: Exchange,
}

// === impl Playback ===

impl Playback {
    pub(crate) fn new(reply: Reply, exchange: Exchange) -> Self {
        let mut playback = Self {
            events: reply.events.into_iter(),
            end: reply.end,
            remaining: reply.length,
            due: None,
            pause: None,
            flushed: false,
            exchange,
        };
        playback.note_completion();
        playback
    }

    fn is_complete(&self) -> bool {
        self.end == End::Complete && self.events.as_slice().is_empty()
    }

    /// The connection does not ask again after the last event, so completion is noted with it.
    fn note_completion(&mut self) {
        if self.is_complete() {
            self.exchange.end(How::Completed);
        }
    }

    /// Waits out the pause before the next event.
    fn poll_pause(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(next) = self.events.as_mut_slice().first_mut() {
            let pause = std::mem::take(&mut next.pause);
            if !pause.is_zero() {
                let due = self.due.unwrap_or_else(Instant::now) + pause;
                self.due = Some(due);
                self.pause = Some(Box::pin(sleep_until(due)));
            }
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        Poll::Ready(())
    }

    fn poll_end(&mut self, context: &Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.end {
            End::Complete => Poll::Ready(None),
            End::Stall => Poll::Pending,
            End::Cut if self.flushed => {
                self.exchange.end(How::Cut);
                Poll::Ready(Some(Err(io::Error::other("cut by a rule"))))
            }
            // An error makes the connection forget what it has not sent yet; pausing once lets it send
            // as much as the socket takes, which is all but the largest replies to the slowest callers.
            End::Cut => {
                self.flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl Body for Playback {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        ready!(this.poll_pause(context));
        let Some(event) = this.events.next() else {
            return this.poll_end(context);
        };
        this.exchange.sent(event.events);
        if let Some(remaining) = &mut this.remaining {
            *remaining = remaining.saturating_sub(event.bytes.len() as u64);
        }
        this.note_completion();
        Poll::Ready(Some(Ok(Frame::data(event.bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_complete()
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
