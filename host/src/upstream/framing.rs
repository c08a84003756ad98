//! Bytes as they arrive become events, however the network has cut them.
//!
//! SSE by the WHATWG HTML standard (section 9.2.6, "Interpreting an event stream"), NDJSON as one value a line.
//! Pure: no I/O, no clock. Bounded: an event longer than the limit is an error, not a growing buffer.

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr2};

use crate::plugin::{Event, Framing};

/// Longest single event, in bytes.
const EVENT: usize = 16 << 20;

/// The state between two pieces of one reply.
#[derive(Debug)]
pub struct Framer {
    kind: Kind,
    /// Bytes that do not end a line yet.
    rest: BytesMut,
    /// Of `rest`, how much is known not to hold a line end.
    searched: usize,
    /// The last line ended with a carriage return: a line feed right after it belongs to it.
    after_cr: bool,
    at_start: bool,
    name: Option<String>,
    data: Data,
    size: usize,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an event is longer than {EVENT} bytes")]
pub struct FramingError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sse,
    Ndjson,
}

/// The data lines of the event under way. One line, the usual case, is not copied.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    One(Bytes),
    Many(BytesMut),
}

// === impl Framer ===

impl Framer {
    /// None for replies that are handed over whole.
    pub fn new(framing: Framing) -> Option<Self> {
        let kind = match framing {
            Framing::Whole => return None,
            Framing::Sse => Kind::Sse,
            Framing::Ndjson => Kind::Ndjson,
        };
        Some(Self {
            kind,
            rest: BytesMut::new(),
            searched: 0,
            after_cr: false,
            at_start: true,
            name: None,
            data: Data::None,
            size: 0,
        })
    }

    /// Takes the next bytes and appends the events that are complete.
    pub fn push(&mut self, bytes: Bytes, events: &mut Vec<Event>) -> Result<(), FramingError> {
        let mut bytes = self.join(bytes);
        while let Some((line, ends_with_cr)) = self.next_line(&mut bytes) {
            self.after_cr = ends_with_cr;
            self.line(line, events)?;
        }
        self.searched = bytes.len();
        self.rest = BytesMut::from(bytes);
        if self.rest.len() + self.size > EVENT {
            Err(FramingError)
        } else {
            Ok(())
        }
    }

    /// The reply has ended: what stands unfinished is an event too if it has data, since some servers leave out
    /// the last line end. Whether it is whole shows when it is read.
    pub fn end(mut self) -> Result<Option<Event>, FramingError> {
        let mut events = Vec::new();
        let last = std::mem::take(&mut self.rest).freeze();
        if !last.is_empty() {
            self.line(last, &mut events)?;
        }
        self.dispatch(&mut events);
        Ok(events.pop())
    }

    /// The bytes that are left over from before, followed by the new ones.
    fn join(&mut self, mut bytes: Bytes) -> Bytes {
        if self.rest.is_empty() {
            if !bytes.is_empty() && std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes.advance(1);
            }
            self.searched = 0;
            return bytes;
        }
        self.rest.extend_from_slice(&bytes);
        std::mem::take(&mut self.rest).freeze()
    }

    /// Splits off one line without its end, and says whether that end was a carriage return at the very end of
    /// what is there, so that its line feed may still come.
    fn next_line(&mut self, bytes: &mut Bytes) -> Option<(Bytes, bool)> {
        let from = std::mem::take(&mut self.searched);
        let found = match self.kind {
            Kind::Sse => memchr2(b'\n', b'\r', &bytes[from..]),
            Kind::Ndjson => memchr(b'\n', &bytes[from..]),
        }? + from;
        let end = bytes[found];
        let line = bytes.split_to(found);
        bytes.advance(1);
        let open = end == b'\r' && bytes.is_empty();
        if end == b'\r' && bytes.first() == Some(&b'\n') {
            bytes.advance(1);
        }
        Some((line, open))
    }

    fn line(&mut self, mut line: Bytes, events: &mut Vec<Event>) -> Result<(), FramingError> {
        if std::mem::take(&mut self.at_start) && line.starts_with(b"\xef\xbb\xbf") {
            line.advance(3);
        }
        match self.kind {
            Kind::Ndjson => {
                if !line.trim_ascii().is_empty() {
                    events.push(Event {
                        name: None,
                        data: line,
                    });
                }
            }
            Kind::Sse if line.is_empty() => self.dispatch(events),
            Kind::Sse => self.field(line)?,
        }
        Ok(())
    }

    fn field(&mut self, mut line: Bytes) -> Result<(), FramingError> {
        let colon = memchr(b':', &line).unwrap_or(line.len());
        let name = line.split_to(colon);
        line.advance(line.len().min(1));
        if line.first() == Some(&b' ') {
            line.advance(1);
        }
        self.size += line.len() + 1;
        if self.size > EVENT {
            return Err(FramingError);
        }
        match &name[..] {
            b"data" => self.data.add(line),
            b"event" => self.name = Some(String::from_utf8_lossy(&line).into_owned()),
            // A comment (no name), `id`, `retry`, and whatever else: no business of ours.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, events: &mut Vec<Event>) {
        self.size = 0;
        let name = self.name.take();
        if let Some(data) = std::mem::take(&mut self.data).finish() {
            events.push(Event { name, data });
        }
    }
}

// === impl Data ===

impl Data {
    fn add(&mut self, line: Bytes) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(line),
            Self::One(first) => {
                let mut lines = BytesMut::from(first);
                lines.extend_from_slice(b"\n");
                lines.extend_from_slice(&line);
                Self::Many(lines)
            }
            Self::Many(mut lines) => {
                lines.extend_from_slice(b"\n");
                lines.extend_from_slice(&line);
                Self::Many(lines)
            }
        };
    }

    fn finish(self) -> Option<Bytes> {
        match self {
            Self::None => None,
            Self::One(line) => Some(line),
            Self::Many(lines) => Some(lines.freeze()),
        }
    }
}

#[cfg(test)]
mod tests;
