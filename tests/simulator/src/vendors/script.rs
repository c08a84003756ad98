//! A stream while a format writes it. All events share one buffer, so a stream of a hundred costs one
//! allocation.

use axum::body::Bytes;

use crate::reply::{Event, Reply};

#[derive(Debug)]
pub(super) struct Script {
    buffer: String,
    /// Where each event ends, and how many tokens it carries.
    ends: Vec<(usize, usize)>,
}

// === impl Script ===

impl Script {
    /// With room for so many events of so many bytes.
    pub(super) fn with_room(events: usize, bytes: usize) -> Self {
        Self {
            buffer: String::with_capacity(events * bytes),
            ends: Vec::with_capacity(events),
        }
    }

    pub(super) fn write(&mut self, pieces: &[&str]) {
        pieces.iter().for_each(|piece| self.buffer.push_str(piece));
    }

    /// Ends an event with these pieces.
    pub(super) fn event(&mut self, pieces: &[&str], tokens: usize) {
        self.write(pieces);
        self.ends.push((self.buffer.len(), tokens));
    }

    pub(super) fn into_reply(self) -> Reply {
        let buffer = Bytes::from(self.buffer);
        let mut start = 0;
        let events = self.ends.into_iter().map(|(end, tokens)| {
            let bytes = buffer.slice(start..end);
            start = end;
            Event::new(bytes, tokens)
        });
        Reply::stream(events.collect())
    }
}
