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
    /// The pause before the headers.
    pub(crate) latency: Duration,
    /// The announced length of a whole reply; a stream has none.
    pub(crate) length: Option<u64>,
    /// A stream's events, or the single piece of a whole reply.
    pub(crate) events: Vec<Event>,
    pub(crate) end: End,
}

#[derive(Debug)]
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
            latency: Duration::ZERO,
            length,
            events,
            end: End::Complete,
        }
    }

    /// The tokens of a stream, one event each; a whole reply has no such events.
    pub(crate) fn token_events(&mut self) -> impl Iterator<Item = &mut Event> {
        let stream = self.length.is_none();
        self.events
            .iter_mut()
            .filter(move |event| stream && event.tokens > 0)
    }

    /// Drops what comes after the first `count` tokens and ends with `end`. A reply with fewer tokens
    /// ends after its last one, so that a fault is never lost on a short reply. Of two such ends the
    /// earlier one stays.
    pub(crate) fn end_after(&mut self, count: usize, end: End) {
        let total: usize = self.events.iter().map(|event| event.tokens).sum();
        if self.end != End::Complete && count >= total {
            return;
        }
        let count = count.min(total);
        match self.length {
            Some(_) => self.events.iter_mut().for_each(|event| event.shorten(count)),
            None => self.events.truncate(self.events_with(count)),
        }
        self.end = end;
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
        if self.length.is_none() {
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
