//! A reply to play back, cut into the pieces in which it arrives.

use serde_json::Value;

use crate::adapter::{Event, Framing, Head, Header, Input, Reply};
use crate::canonical::to_json;

/// What a vendor is made to answer.
#[derive(Clone, Debug)]
pub struct Scripted {
    head: Head,
    body: Vec<u8>,
    /// Length of the pieces in bytes.
    piece: usize,
}

impl Scripted {
    pub fn new(status: u16, body: impl AsRef<[u8]>) -> Self {
        let head = Head {
            status,
            headers: Vec::new(),
        };
        Self {
            head,
            body: body.as_ref().to_vec(),
            piece: usize::MAX,
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, to_json(body)).header("content-type", "application/json")
    }

    /// A successful stream of server-sent events, in its own bytes.
    pub fn sse(stream: impl AsRef<[u8]>) -> Self {
        Self::new(200, stream).header("content-type", "text/event-stream; charset=utf-8")
    }

    /// A successful stream of JSON lines, in its own bytes.
    pub fn ndjson(stream: impl AsRef<[u8]>) -> Self {
        Self::new(200, stream).header("content-type", "application/x-ndjson")
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.headers.push(Header::new(name, value));
        self
    }

    /// The body arrives in pieces of this many bytes, wherever that cuts it.
    pub fn in_pieces_of(self, bytes: usize) -> Self {
        assert!(bytes > 0, "a piece has at least one byte");
        Self { piece: bytes, ..self }
    }

    pub(super) fn is_success(&self) -> bool {
        self.head.is_success()
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The head as an adapter sees it: only with the headers it described.
    pub(super) fn head(&self, described: &[String]) -> Head {
        let seen = |header: &&Header| {
            described
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&header.name))
        };
        Head {
            status: self.head.status,
            headers: self.head.headers.iter().filter(seen).cloned().collect(),
        }
    }

    /// How the host cuts this reply: as was asked, if it is a success of that type.
    pub(super) fn framing(&self, asked: Framing) -> Framing {
        let media_type = self.head.header("content-type").unwrap_or_default();
        let agrees = self.is_success()
            && match asked {
                Framing::Whole => true,
                Framing::Sse => media_type.starts_with("text/event-stream"),
                Framing::Ndjson => media_type.contains("ndjson") || media_type.contains("jsonl"),
            };
        if agrees { asked } else { Framing::Whole }
    }

    /// The events of each piece that completes any.
    pub(super) fn batches(&self, framing: Framing) -> Vec<Vec<Event>> {
        let mut cutter = Cutter {
            framing,
            pending: Vec::new(),
            name: None,
            data: None,
        };
        let mut batches: Vec<_> = self
            .body
            .chunks(self.piece.min(self.body.len()).max(1))
            .map(|piece| cutter.cut(piece))
            .collect();
        batches.push(cutter.finish());
        batches.retain(|batch| !batch.is_empty());
        batches
    }

    /// All that a reply makes the host say to an exchange which is not canonical.
    pub(super) fn inputs(&self, framing: Framing, described: &[String]) -> Vec<Input> {
        let head = self.head(described);
        match self.framing(framing) {
            Framing::Whole => vec![Input::Reply(Reply {
                head,
                body: self.body.clone(),
            })],
            framed @ (Framing::Sse | Framing::Ndjson) => {
                let events = self.batches(framed).into_iter().map(Input::Events);
                std::iter::once(Input::Head(head))
                    .chain(events)
                    .chain([Input::End])
                    .collect()
            }
        }
    }
}

/// Cuts a stream into events, whatever the pieces.
struct Cutter {
    framing: Framing,
    /// A line that is not complete yet.
    pending: Vec<u8>,
    name: Option<String>,
    data: Option<Vec<u8>>,
}

impl Cutter {
    fn cut(&mut self, piece: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for &byte in piece {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.pending);
                events.extend(self.line(line.strip_suffix(b"\r").unwrap_or(&line)));
            } else {
                self.pending.push(byte);
            }
        }
        events
    }

    /// What is left at the end: of JSON lines the last one, of server-sent events nothing, as their standard wants.
    fn finish(mut self) -> Vec<Event> {
        let line = std::mem::take(&mut self.pending);
        match self.framing {
            Framing::Ndjson => self.line(&line).into_iter().collect(),
            Framing::Sse | Framing::Whole => Vec::new(),
        }
    }

    fn line(&mut self, line: &[u8]) -> Option<Event> {
        if matches!(self.framing, Framing::Ndjson) {
            return (!line.trim_ascii().is_empty()).then(|| Event {
                name: None,
                data: line.to_vec(),
            });
        }
        if line.is_empty() {
            let name = self.name.take();
            return self.data.take().map(|data| Event { name, data });
        }
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => self.name = Some(String::from_utf8_lossy(value).into_owned()),
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            // A comment (nothing before the colon) or a field that says nothing about the event.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_the_bytes_arrive() {
        let stream =
            ": hello\r\nevent: a\ndata: {\"é\": 1}\n\ndata: x\ndata: y\r\n\r\n\ndata:[DONE]\n\ndata: lost";
        let events = |piece: usize| {
            Scripted::sse(stream)
                .in_pieces_of(piece)
                .batches(Framing::Sse)
                .concat()
        };
        let event = |name: Option<&str>, data: &str| Event {
            name: name.map(str::to_owned),
            data: data.as_bytes().to_vec(),
        };
        let expected = [
            event(Some("a"), "{\"é\": 1}"),
            event(None, "x\ny"),
            event(None, "[DONE]"),
        ];
        for piece in 1..=stream.len() {
            assert_eq!(events(piece), expected, "pieces of {piece}");
        }
    }

    #[test]
    fn the_last_json_line_needs_no_line_break() {
        let batches = Scripted::ndjson("{\"a\":1}\n\n{\"b\":2}").batches(Framing::Ndjson);
        assert_eq!(batches.concat().len(), 2);
    }

    #[test]
    fn a_reply_of_another_type_stays_whole() {
        let json = Scripted::json(200, &serde_json::json!({}));
        assert!(matches!(json.framing(Framing::Sse), Framing::Whole));
        assert!(matches!(Scripted::sse("").framing(Framing::Sse), Framing::Sse));
    }
}
