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
use crate::reply::{End, Event, Pieces, Reply};

/// The body of an answer. Dropping it before its end means that the caller left.
pub(crate) struct Playback {
    events: IntoIter<Event>,
    refrain: Option<Event>,
    end: End,
    pieces: Option<Pieces>,
    /// What is left of the length that HTTP carries.
    remaining: Option<u64>,
    /// When the latest event was due; unset until the first pause.
    due: Option<Instant>,
    /// The pause under way.
    pause: Option<Pin<Box<Sleep>>>,
    /// The socket's turn to send what it was given, under way.
    flush: Option<Turn>,
    /// Whether the socket had that turn.
    flushed: bool,
    exchange: Exchange,
}

/// Also lets callers in the same process read what was sent.
type Turn = Pin<Box<dyn Future<Output = ()> + Send>>;

// === impl Playback ===

impl Playback {
    pub(crate) fn new(mut reply: Reply, exchange: Exchange) -> Self {
        if let Some(pieces) = reply.pieces {
            let events = reply.events.iter_mut().chain(&mut reply.refrain);
            events.for_each(|event| event.pause += pieces.pause);
        }
        if reply.length == Some(0) {
            // HTTP does not ask for a body that has no bytes.
            reply.events.clear();
        }
        let mut playback = Self {
            events: reply.events.into_iter(),
            refrain: reply.refrain,
            end: reply.end,
            pieces: reply.pieces,
            remaining: reply.length,
            due: None,
            pause: None,
            flush: None,
            flushed: false,
            exchange,
        };
        playback.note_completion();
        playback
    }

    fn is_complete(&self) -> bool {
        self.end == End::Complete && self.refrain.is_none() && self.events.as_slice().is_empty()
    }

    /// The connection does not ask again after the last event, so completion is noted with it.
    fn note_completion(&mut self) {
        if self.is_complete() {
            self.exchange.end(How::Completed);
        }
    }

    /// The next bytes to be sent, all of the event's or a piece of it.
    fn next_write(&mut self) -> Option<Bytes> {
        if let (Some(pieces), Some(event)) = (self.pieces, self.events.as_mut_slice().first_mut())
            && pieces.size < event.bytes.len()
        {
            event.pause = pieces.pause;
            return Some(event.bytes.split_to(pieces.size));
        }
        let event = self.events.next()?;
        self.exchange.sent(event.events);
        self.note_completion();
        Some(event.bytes)
    }

    /// Begins the refrain once more where there is nothing else left to say.
    fn repeat(&mut self) {
        if let (Some(refrain), []) = (&self.refrain, self.events.as_slice()) {
            self.events = vec![refrain.clone()].into_iter();
        }
    }

    /// Lets the connection send what it was given, which it puts off while there is more to come. That
    /// is as much as the socket takes: all but the largest replies to the slowest callers.
    fn poll_flushed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.flushed {
            let turn = self
                .flush
                .get_or_insert_with(|| Box::pin(tokio::task::yield_now()));
            ready!(turn.as_mut().poll(context));
            self.flush = None;
            self.flushed = true;
        }
        Poll::Ready(())
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

    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.end {
            End::Complete => return Poll::Ready(None),
            End::Stall => return Poll::Pending,
            End::Cut | End::Reset => ready!(self.poll_flushed(context)),
        }
        if self.end == End::Reset {
            self.exchange.reset();
            return Poll::Pending;
        }
        // An error makes the connection forget what it has not sent yet.
        self.exchange.end(How::Cut);
        Poll::Ready(Some(Err(io::Error::other("cut by a rule"))))
    }
}

impl Body for Playback {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        this.repeat();
        ready!(this.poll_pause(context));
        if this.pieces.is_some() && !this.events.as_slice().is_empty() {
            ready!(this.poll_flushed(context));
        }
        let Some(bytes) = this.next_write() else {
            return this.poll_end(context);
        };
        this.flushed = false;
        if let Some(remaining) = &mut this.remaining {
            *remaining = remaining.saturating_sub(bytes.len() as u64);
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_complete()
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
