//! What the caller hears of a stream, in the order that the canonical form wants: the role, pieces, one end.

use std::mem;

use patchbay_sdk::adapter::Chunk;
use patchbay_sdk::canonical::{Delta, Envelope, FunctionCall, ToolCall};

#[derive(Debug)]
pub(super) struct Spoken {
    envelope: Envelope,
    begun: bool,
    /// A piece of the answer has been said.
    answered: bool,
    finished: bool,
    /// Not handed over yet.
    chunks: Vec<Chunk>,
}

impl Spoken {
    pub(super) fn new(envelope: Envelope) -> Self {
        Self {
            envelope,
            begun: false,
            answered: false,
            finished: false,
            chunks: Vec::new(),
        }
    }

    /// Unix time in seconds.
    pub(super) fn created(&self) -> u64 {
        self.envelope.created
    }

    /// More has been said than the role.
    pub(super) fn has_answered(&self) -> bool {
        self.answered
    }

    /// The chunk with the finish reason has been said.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// What was said since the last time.
    pub(super) fn take(&mut self) -> Vec<Chunk> {
        mem::take(&mut self.chunks)
    }

    /// Says the role under the vendor's own names, unless it has been said. An empty name is none.
    pub(super) fn begin(&mut self, id: String, model: String) {
        if self.begun {
            return;
        }
        if !id.is_empty() {
            self.envelope.id = id;
        }
        if !model.is_empty() {
            self.envelope.model = model;
        }
        self.role();
    }

    /// A piece of the answer's text; nothing if it is empty.
    pub(super) fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.delta(Delta::text(text));
        }
    }

    /// A piece of another text.
    pub(super) fn member(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.delta(Delta::member(name, text));
        }
    }

    /// A fragment of the arguments of the call with this number.
    pub(super) fn arguments(&mut self, index: u32, fragment: String) {
        self.delta(Delta::tool_call(ToolCall {
            index: Some(index),
            function: FunctionCall {
                name: None,
                arguments: fragment,
            },
            ..ToolCall::default()
        }));
    }

    pub(super) fn delta(&mut self, delta: Delta) {
        self.role();
        self.answered = true;
        self.chunks.push(self.envelope.delta(delta));
    }

    pub(super) fn finish(&mut self, reason: &str) {
        self.role();
        self.chunks.push(self.envelope.finish(reason));
        self.finished = true;
    }

    /// Before anything else, whatever comes first.
    fn role(&mut self) {
        if !mem::replace(&mut self.begun, true) {
            self.chunks.push(self.envelope.role());
        }
    }
}
