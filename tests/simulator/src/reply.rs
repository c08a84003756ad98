//! A reply as it will go over the wire: status, headers, and a script of events with pauses and an end.
//! Vendor formats write it, behaviours change it, `playback` sends it. Must never know a vendor.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Statuses below 200 whose heads come before everything else.
    pub(crate) informational: Vec<StatusCode>,
    /// The pause before the headers.
    pub(crate) latency: Duration,
    /// Whether the connection is reset instead of sending the headers.
    pub(crate) headless: bool,
    /// Whether this is a stream of events and not a whole document.
    pub(crate) streamed: bool,
    /// The length that HTTP is to carry; a stream usually has none.
    pub(crate) length: Option<u64>,
    /// The length that the headers name, where that is a lie which HTTP itself would not tell.
    pub(crate) claimed: Option<u64>,
    /// A stream's events, or the single piece of a whole reply.
    pub(crate) events: Vec<Event>,
    /// What is said again and again after the events.
    pub(crate) refrain: Option<Event>,
    pub(crate) end: End,
    /// How the bytes are cut up for the socket; an event per write if this is unset.
    pub(crate) pieces: Option<Pieces>,
}

/// Writes of a fixed size, wherever that splits an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pieces {
    /// Bytes per write.
    pub(crate) size: usize,
    /// The pause before each write.
    pub(crate) pause: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) bytes: Bytes,
    /// The pause before this event.
    pub(crate) pause: Duration,
    /// How many tokens it carries; 0 for those that frame the text.
    pub(crate) tokens: usize,
    /// How many of the vendor's events it carries, more than 1 where several share a write.
    pub(crate) events: u32,
}

/// How a reply ends once its events are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    /// The connection is closed in the middle of the body.
    Cut,
    /// The connection is reset in the middle of the body.
    Reset,
    /// Nothing more comes and the connection stays open.
    Stall,
}

// === impl Reply ===

impl Reply {
    pub(crate) fn stream(events: Vec<Event>) -> Self {
        Self::new(StatusCode::OK, EVENT_STREAM, None, events)
    }

    /// A JSON document that carries `tokens` tokens.
    pub(crate) fn whole(status: StatusCode, body: Bytes, tokens: usize) -> Self {
        let length = Some(body.len() as u64);
        Self::new(status, JSON, length, vec![Event::new(body, tokens)])
    }

    fn new(status: StatusCode, kind: HeaderValue, length: Option<u64>, events: Vec<Event>) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
        Self {
            status,
            headers,
            informational: Vec::new(),
            latency: Duration::ZERO,
            headless: false,
            streamed: length.is_none(),
            length,
            claimed: None,
            events,
            refrain: None,
            end: End::Complete,
            pieces: None,
        }
    }

    /// The tokens of a stream, one event each, the one that is repeated last; a whole reply has no such
    /// events.
    pub(crate) fn token_events(&mut self) -> impl Iterator<Item = &mut Event> {
        let streamed = self.streamed;
        self.events
            .iter_mut()
            .chain(&mut self.refrain)
            .filter(move |event| streamed && event.tokens > 0)
    }

    /// Drops what comes after the first `count` tokens and ends with `end`. A reply with fewer tokens
    /// ends after its last one, so that a fault is never lost on a short reply. Of two such ends the
    /// earlier one stays.
    pub(crate) fn end_after(&mut self, count: usize, end: End) {
        self.reach(count);
        let total = self.tokens();
        if self.end != End::Complete && count >= total {
            return;
        }
        let count = count.min(total);
        if self.streamed {
            self.events.truncate(self.events_with(count));
        } else {
            self.events.iter_mut().for_each(|event| event.shorten(count));
        }
        self.refrain = None;
        self.end = end;
    }

    /// Puts one more event after the first `count` tokens of a stream, or after its last one.
    pub(crate) fn insert_after(&mut self, count: usize, bytes: Bytes) {
        self.reach(count);
        if self.streamed {
            let at = self.events_with(count.min(self.tokens()));
            self.events.insert(at, Event::new(bytes, 0));
        }
    }

    /// Replaces the body of a whole reply, which keeps its tokens and its headers.
    pub(crate) fn replace(&mut self, body: Bytes) {
        self.length = Some(body.len() as u64);
        self.events = vec![Event::new(body, self.tokens())];
    }

    /// Repeats the last token of a stream for ever.
    pub(crate) fn repeat_last_token(&mut self) {
        let said = self.events_with(self.tokens());
        if let Some(last) = self.token_events().last().cloned() {
            self.events.truncate(said);
            self.refrain = Some(last);
        }
    }

    /// What is sent before the reply ends, in bytes; nothing if it never does.
    pub(crate) fn size(&self) -> Option<u64> {
        let bytes = self.events.iter().map(|event| event.bytes.len() as u64).sum();
        self.refrain.is_none().then_some(bytes)
    }

    fn tokens(&self) -> usize {
        self.events.iter().map(|event| event.tokens).sum()
    }

    /// Writes an endless reply out up to that many tokens.
    fn reach(&mut self, count: usize) {
        if let Some(refrain) = &self.refrain {
            let missing = count.saturating_sub(self.tokens());
            self.events.extend(std::iter::repeat_n(refrain.clone(), missing));
        }
    }

    /// How many events it takes to say `count` tokens; for none, those before the first token.
    fn events_with(&self, count: usize) -> usize {
        let mut said = 0;
        let past = self.events.iter().position(|event| {
            let full = said >= count && (event.tokens > 0 || count > 0);
            said += event.tokens;
            full
        });
        past.unwrap_or(self.events.len())
    }

    /// Puts up to `size` events into one write, which waits for the last of them.
    pub(crate) fn coalesce(&mut self, size: usize) {
        if self.streamed {
            self.events = self.events.chunks(size).map(Event::joined).collect();
        }
    }
}

// === impl Event ===

impl Event {
    pub(crate) fn new(bytes: Bytes, tokens: usize) -> Self {
        Self {
            bytes,
            pause: Duration::ZERO,
            tokens,
            events: 1,
        }
    }

    /// Keeps the share of its bytes that `count` of its tokens make up, never all of them.
    fn shorten(&mut self, count: usize) {
        self.bytes.truncate(self.bytes.len() * count / (self.tokens + 1));
        self.tokens = count;
    }

    fn joined(events: &[Self]) -> Self {
        let mut bytes = BytesMut::with_capacity(events.iter().map(|event| event.bytes.len()).sum());
        events
            .iter()
            .for_each(|event| bytes.extend_from_slice(&event.bytes));
        Self {
            bytes: bytes.freeze(),
            pause: events.iter().map(|event| event.pause).sum(),
            tokens: events.iter().map(|event| event.tokens).sum(),
            events: events.iter().map(|event| event.events).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Role, `tokens` tokens, finish, done.
    fn stream(tokens: usize) -> Reply {
        let kinds = std::iter::once(0)
            .chain(std::iter::repeat_n(1, tokens))
            .chain([0, 0]);
        Reply::stream(
            kinds
                .map(|tokens| Event::new(Bytes::from_static(b"x"), tokens))
                .collect(),
        )
    }

    #[test]
    fn a_stream_ends_right_after_the_token() {
        for (count, left) in [(0, 1), (1, 2), (3, 4), (4, 5), (99, 5)] {
            let mut reply = stream(4);
            reply.end_after(count, End::Cut);
            assert_eq!(
                (reply.events.len(), reply.end),
                (left, End::Cut),
                "after {count} tokens"
            );
        }
    }

    #[test]
    fn a_whole_reply_keeps_its_length_and_loses_its_end() {
        for (count, left) in [(0, 0), (2, 4), (4, 8), (9, 8)] {
            let mut reply = Reply::whole(StatusCode::OK, Bytes::from_static(b"0123456789"), 4);
            reply.end_after(count, End::Stall);
            assert_eq!((reply.events[0].bytes.len(), reply.length), (left, Some(10)));
        }
    }

    #[test]
    fn the_earlier_of_two_ends_stays() {
        for (stall, cut, end) in [(2, 3, End::Stall), (3, 2, End::Cut)] {
            let mut reply = stream(4);
            reply.end_after(stall, End::Stall);
            reply.end_after(cut, End::Cut);
            assert_eq!((reply.events.len(), reply.end), (3, end));
        }
    }

    #[test]
    fn joined_events_keep_bytes_pauses_and_counts() {
        let mut reply = stream(4);
        reply
            .token_events()
            .for_each(|event| event.pause = Duration::from_millis(10));
        reply.coalesce(3);
        let joined: Vec<_> = reply
            .events
            .iter()
            .map(|e| (e.bytes.len(), e.pause.as_millis(), e.events))
            .collect();
        assert_eq!(joined, [(3, 20, 3), (3, 20, 3), (1, 0, 1)]);
    }
}
