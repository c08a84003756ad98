//! Reads the chunks of a stream as they pass: tokens, usage, which choices have finished. Takes out what the caller is
//! not to see, and says at the end what a complete answer still lacks, or that it is not complete.

use bytes::{Bytes, BytesMut};

use super::{DONE, frame};
use crate::chat::{ChoicePeek, ChunkPeek, Document, Edit, TokenClass, Tokens, Used, Weight};
use crate::failure::Failure;

/// Choices that are told apart; vendors allow at most 128 (OpenAI API reference, `n`).
const CHOICES: usize = 128;

/// What has passed so far.
#[derive(Debug)]
pub struct Meter {
    expected: Expected,
    usage: Tokens,
    usage_known: bool,
    usage_sent: bool,
    /// The output that has passed.
    weight: Weight,
    choices: Vec<Choice>,
    /// `[DONE]` has passed, or the adapter has said that it is done.
    done: bool,
    /// The first chunk, whose id and model the chunks of our own repeat.
    first: Option<Bytes>,
}

/// What is known of an answer before it comes.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// The caller asked for the usage chunk.
    pub usage: bool,
    /// Alternatives asked for.
    pub choices: u32,
    /// Estimated tokens of the prompt.
    pub input: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Choice {
    index: u32,
    calls: bool,
    finished: bool,
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
    /// It could not be read, or was an error after all of the answer: nothing of that was in it.
    Skipped,
}

// === impl Meter ===

impl Meter {
    pub fn new(expected: Expected) -> Self {
        Self {
            expected,
            usage: Tokens::default(),
            usage_known: false,
            usage_sent: false,
            weight: Weight::ZERO,
            choices: Vec::new(),
            done: false,
            first: None,
        }
    }

    /// Lets one event of a canonical stream pass into `out`.
    ///
    /// # Errors
    ///
    /// The event is a chunk that cannot be read while the answer is under way, so that a piece of it may be lost.
    pub fn pass(&mut self, data: &Bytes, out: &mut Chunks) -> Result<Passed, Failure> {
        let text = data.trim_ascii();
        if text == DONE {
            self.done = true;
            return Ok(Passed::Through);
        }
        let peek = match ChunkPeek::read(data) {
            Ok(peek) => peek,
            // What does not even begin like a chunk is some server's way to say that it is alive.
            Err(_) if !text.starts_with(b"{") || self.is_finished() => return Ok(Passed::Skipped),
            Err(error) => {
                let message = format!("an event of the stream cannot be read: {error}");
                return Err(Failure::malformed(message));
            }
        };
        if peek.error {
            // After the answer it takes nothing away from it.
            let late = self.is_finished();
            return Ok(if late { Passed::Skipped } else { Passed::Error });
        }
        if let Some(usage) = peek.usage {
            self.usage = usage;
            self.usage_known = true;
        }
        out.token |= peek.token();
        self.take(data, &peek, out);
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
            // It comes once, and behind the end of every choice: what came before that is said at the close.
            if !self.expected.usage || self.usage_sent || !self.is_finished() {
                return;
            }
            self.usage_sent = true;
        }
        self.weight += peek.weight;
        let finished_before = |peeked| self.choice(peeked).is_some_and(|choice| choice.finished);
        let repeats = |choice: &ChoicePeek| !choice.token && finished_before(choice.index);
        if !peek.choices.is_empty() && peek.choices.iter().all(repeats) {
            // A choice finishes once, whatever the vendor says.
            return;
        }
        for peeked in &peek.choices {
            if let Some(choice) = self.choice_mut(peeked.index) {
                choice.calls |= peeked.calls;
                choice.finished |= peeked.finished;
            }
        }
        if self.first.is_none() {
            self.first = Some(data.clone());
        }
        frame(data, &mut out.frames);
    }

    fn choice(&self, index: u32) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.index == index)
    }

    fn choice_mut(&mut self, index: u32) -> Option<&mut Choice> {
        let at = match self.choices.iter().position(|choice| choice.index == index) {
            Some(at) => at,
            None if self.choices.len() < CHOICES => {
                self.choices.push(Choice {
                    index,
                    ..Choice::default()
                });
                self.choices.len() - 1
            }
            None => return None,
        };
        self.choices.get_mut(at)
    }

    /// A count the adapter gave.
    pub fn count(&mut self, class: TokenClass, tokens: u64) {
        self.usage.set(class, tokens);
        self.usage_known = true;
    }

    /// What a whole answer says of itself; the adapter's own counts stand.
    pub fn read_answer(&mut self, usage: Option<Tokens>, weight: Weight) {
        if let (Some(usage), false) = (usage, self.usage_known) {
            self.usage = usage;
            self.usage_known = true;
        }
        self.weight = weight;
        self.done = true;
    }

    /// What has been used up to now. Where the vendor has not counted (yet), the output that has passed counts by its
    /// weight.
    pub fn used(&self) -> Used {
        let mut used = Used {
            tokens: self.usage,
            estimated: false,
        };
        let passed = self.weight.tokens();
        let counted = self.usage_known && (self.done || used.tokens.completion() >= passed);
        if counted || passed == 0 {
            return used;
        }
        used.estimated = true;
        used.tokens.output = passed
            .saturating_sub(used.tokens.reasoning)
            .max(used.tokens.output);
        if !self.usage_known {
            used.tokens.input = u64::from(self.expected.input);
        }
        used
    }

    /// The adapter says that the answer is complete.
    pub fn end(&mut self) {
        self.done = true;
    }

    /// `[DONE]` has passed.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// All that was asked for is there: every choice has said why it has finished.
    pub fn is_finished(&self) -> bool {
        let asked = self.expected.choices.max(1) as usize;
        self.choices.len() >= asked && self.choices.iter().all(|choice| choice.finished)
    }

    /// The vendor has closed the stream properly. The answer is complete if it said so, by `[DONE]` or by a finish
    /// reason for each choice; else it was cut.
    ///
    /// # Errors
    ///
    /// It was cut, or there is nothing in it.
    pub fn check_complete(&mut self) -> Result<(), Failure> {
        let empty =
            self.weight == Weight::ZERO && !self.choices.iter().any(|choice| choice.finished || choice.calls);
        if empty || !(self.done || self.is_finished()) {
            return Err(Failure::malformed(
                "the vendor's stream ended before the answer was complete",
            ));
        }
        self.done = true;
        Ok(())
    }

    /// What a complete answer still lacks, framed: finish reasons the vendor left out, and the usage chunk the caller
    /// waits for.
    pub fn closing(&mut self, out: &mut BytesMut) {
        for choice in std::mem::take(&mut self.choices) {
            if !choice.finished {
                let reason = if choice.calls { "tool_calls" } else { "stop" };
                let choices = format!(
                    r#"[{{"index":{},"delta":{{}},"finish_reason":"{reason}"}}]"#,
                    choice.index
                );
                self.own_chunk("choices", choices, out);
            }
        }
        if self.expected.usage && !std::mem::replace(&mut self.usage_sent, true) {
            let usage = self.used().tokens.to_canonical();
            self.own_chunk("usage", usage, out);
        }
    }

    /// A chunk like the first one with this member alone.
    fn own_chunk(&self, member: &str, value: String, out: &mut BytesMut) {
        let first = self.first.clone().and_then(|first| Document::parse(first).ok());
        let Some(first) = first else { return };
        let keep = ["id", "object", "created", "model", "system_fingerprint"];
        let mut edits = first.remove_all_but(&keep);
        let mut set = |member: &str, value: String| {
            edits.push(Edit {
                member: member.into(),
                value: Some(value.into_bytes()),
            });
        };
        if member != "choices" {
            set("choices", "[]".to_owned());
        }
        set(member, value);
        frame(first.edited(&edits).bytes(), out);
    }
}

#[cfg(test)]
mod tests;
