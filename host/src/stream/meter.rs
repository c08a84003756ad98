//! Reads the chunks of a stream as they pass: tokens, usage, whether the answer is finished. Takes out the usage
//! chunk that only the host asked for, and adds the one that the caller asked for and the vendor did not send.

use bytes::{Bytes, BytesMut};

use super::{DONE, frame};
use crate::chat::{ChunkPeek, Document, Edit, TokenClass, Tokens};
use crate::failure::Failure;

/// What has passed so far.
#[derive(Debug)]
pub struct Meter {
    /// The caller asked for the usage chunk.
    wanted: bool,
    usage: Tokens,
    usage_known: bool,
    usage_sent: bool,
    choices: u32,
    finished: u32,
    done: bool,
    /// The first chunk, whose id and model a usage chunk of our own repeats.
    first: Option<Bytes>,
}

/// Some chunks, framed for the caller.
#[derive(Debug, Default)]
pub struct Chunks {
    pub frames: BytesMut,
    /// At least one of them carries output.
    pub token: bool,
}

/// What became of one event of a canonical stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Passed {
    Through,
    /// It is an error: the adapter must read it.
    Error,
}

// === impl Meter ===

impl Meter {
    pub fn new(usage_wanted: bool) -> Self {
        Self {
            wanted: usage_wanted,
            usage: Tokens::default(),
            usage_known: false,
            usage_sent: false,
            choices: 0,
            finished: 0,
            done: false,
            first: None,
        }
    }

    /// Lets one event of a canonical stream pass into `out`.
    pub fn pass(&mut self, data: &Bytes, out: &mut Chunks) -> Result<Passed, Failure> {
        if &data[..] == DONE {
            self.done = true;
            return Ok(Passed::Through);
        }
        let peek = ChunkPeek::read(data)
            .map_err(|error| Failure::malformed(format!("an event of the stream cannot be read: {error}")))?;
        if peek.error {
            return Ok(Passed::Error);
        }
        if let Some(usage) = peek.usage {
            self.usage = usage;
            self.usage_known = true;
        }
        self.take(data, &peek, out);
        out.token |= peek.token;
        Ok(Passed::Through)
    }

    /// Lets one chunk of a translating adapter pass. Whether it carries output, the adapter says.
    pub fn pass_translated(&mut self, data: &Bytes, token: bool, out: &mut Chunks) -> Result<(), Failure> {
        let peek = ChunkPeek::read(data).map_err(|error| {
            Failure::malformed(format!("the adapter made a chunk that is not one: {error}"))
        })?;
        self.take(data, &peek, out);
        out.token |= token;
        Ok(())
    }

    fn take(&mut self, data: &Bytes, peek: &ChunkPeek, out: &mut Chunks) {
        if peek.is_usage_only() {
            if !self.wanted {
                return;
            }
            self.usage_sent = true;
        }
        self.choices = self.choices.max(peek.choices);
        self.finished += peek.finished;
        if self.first.is_none() && self.wanted {
            self.first = Some(data.clone());
        }
        frame(data, &mut out.frames);
    }

    /// A count the adapter gave.
    pub fn count(&mut self, class: TokenClass, tokens: u64) {
        self.usage.set(class, tokens);
        self.usage_known = true;
    }

    /// Usage read from a whole answer; the adapter's own counts stand.
    pub fn read_usage(&mut self, usage: Option<Tokens>) {
        if let (Some(usage), false) = (usage, self.usage_known) {
            self.usage = usage;
            self.usage_known = true;
        }
    }

    pub fn usage(&self) -> Tokens {
        self.usage
    }

    /// `[DONE]` has passed.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The vendor has closed the stream properly. The answer is complete if it said so, by `[DONE]` or by a
    /// finish reason for a choice; else it was cut.
    pub fn check_complete(&self) -> Result<(), Failure> {
        if self.done || self.finished > 0 {
            return Ok(());
        }
        Err(Failure::malformed(
            "the vendor's stream ended before the answer was complete",
        ))
    }

    /// The usage chunk the caller still waits for.
    pub fn missing_usage(&mut self) -> Option<Bytes> {
        if !self.wanted || self.usage_sent || !self.usage_known {
            return None;
        }
        self.usage_sent = true;
        let first = Document::parse(self.first.take()?).ok()?;
        let keep = ["id", "object", "created", "model", "system_fingerprint"];
        let mut edits = first.remove_all_but(&keep);
        edits.push(Edit {
            member: "choices".into(),
            value: Some(b"[]".to_vec()),
        });
        edits.push(Edit {
            member: "usage".into(),
            value: Some(self.usage.to_canonical().into_bytes()),
        });
        Some(first.edited(&edits).bytes().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(meter: &mut Meter, events: &[&str]) -> String {
        let mut out = Chunks::default();
        for event in events {
            let passed = meter
                .pass(&Bytes::copy_from_slice(event.as_bytes()), &mut out)
                .unwrap();
            assert_eq!(passed, Passed::Through);
        }
        String::from_utf8(out.frames.to_vec()).unwrap()
    }

    const TOKEN: &str =
        r#"{"id":"i","model":"m","choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}"#;
    const FINISH: &str = r#"{"id":"i","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    const USAGE: &str = r#"{"id":"i","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;

    #[test]
    fn the_usage_chunk_is_metered_and_taken_out_for_callers_who_did_not_ask() {
        let mut meter = Meter::new(false);
        let out = pass(&mut meter, &[TOKEN, FINISH, USAGE, "[DONE]"]);
        assert_eq!(out, format!("data: {TOKEN}\n\ndata: {FINISH}\n\n"));
        assert_eq!((meter.usage().input, meter.usage().output), (7, 2));
        assert!(meter.is_done() && meter.check_complete().is_ok());
        assert_eq!(meter.missing_usage(), None);
    }

    #[test]
    fn the_usage_chunk_passes_for_callers_who_asked() {
        let mut meter = Meter::new(true);
        let out = pass(&mut meter, &[TOKEN, FINISH, USAGE]);
        assert!(out.contains(USAGE));
        assert_eq!(meter.missing_usage(), None);
    }

    #[test]
    fn the_usage_chunk_is_made_where_only_the_adapter_counted() {
        let mut meter = Meter::new(true);
        meter
            .pass_translated(
                &Bytes::from_static(TOKEN.as_bytes()),
                true,
                &mut Chunks::default(),
            )
            .unwrap();
        meter.count(TokenClass::Input, 3);
        meter.count(TokenClass::Output, 4);
        let chunk = meter.missing_usage().unwrap();
        let chunk = String::from_utf8(chunk.to_vec()).unwrap();
        assert!(
            chunk.starts_with(r#"{"id":"i","model":"m","choices":[],"usage":{"prompt_tokens":3"#),
            "{chunk}"
        );
    }

    #[test]
    fn a_stream_that_was_cut_is_not_complete() {
        let mut meter = Meter::new(false);
        pass(&mut meter, &[TOKEN]);
        assert!(meter.check_complete().is_err());
        pass(&mut meter, &[FINISH]);
        assert!(meter.check_complete().is_ok());
    }

    #[test]
    fn errors_and_nonsense_do_not_pass() {
        let mut out = Chunks::default();
        let mut meter = Meter::new(false);
        let error = Bytes::from_static(br#"{"error":{"message":"overloaded"}}"#);
        assert_eq!(meter.pass(&error, &mut out).unwrap(), Passed::Error);
        assert!(
            meter
                .pass(&Bytes::from_static(b"{\"choices\":[{"), &mut out)
                .is_err()
        );
        assert!(out.frames.is_empty());
    }

    #[test]
    fn json_over_several_lines_is_put_on_one() {
        let mut meter = Meter::new(false);
        assert_eq!(
            pass(&mut meter, &["{\"choices\":\n[]}"]),
            "data: {\"choices\": []}\n\n"
        );
    }
}
