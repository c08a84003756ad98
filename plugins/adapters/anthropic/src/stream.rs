//! A streamed answer, translated event by event.
//!
//! The answer is complete once the vendor has given a stop reason: what comes after that is not needed any
//! more, and what cannot be read of it is skipped.

mod spoken;

use std::collections::BTreeMap;
use std::mem;

use patchbay_sdk::adapter::{Event, Failure, Next, Progress};
use patchbay_sdk::canonical::{Delta, Envelope, FunctionCall, ToolCall};
use patchbay_sdk::words::FailureKind;
use serde_json::Value;

use crate::answer::{arguments, ignored_block};
use crate::errors;
use crate::wire::{self, Block, Ending, Usage};
use spoken::Spoken;

#[derive(Debug)]
pub struct Stream {
    spoken: Spoken,
    usage: Usage,
    /// The blocks under way, by the vendor's index.
    open: BTreeMap<u64, Open>,
    tool_calls: u32,
    warnings: Vec<String>,
}

/// A block under way.
#[derive(Debug)]
enum Open {
    Text,
    Tool {
        index: u32,
        /// Arguments that came with the beginning; none once they come in fragments.
        whole: Option<Value>,
    },
    /// Kept until it is complete, to be given out once more as it has to come back.
    Thinking(Block),
    Ignored,
}

impl Stream {
    /// `created`: Unix time in seconds. The vendor's own model and id, which it gives first, take the place
    /// of the others.
    pub(crate) fn new(created: u64, model: &str, request_id: &str) -> Self {
        Self {
            spoken: Spoken::new(Envelope {
                id: format!("msg-{request_id}"),
                created,
                model: model.to_owned(),
                ..Envelope::default()
            }),
            usage: Usage::default(),
            open: BTreeMap::new(),
            tool_calls: 0,
            warnings: Vec::new(),
        }
    }

    /// Unix time in seconds.
    pub(crate) fn created(&self) -> u64 {
        self.spoken.created()
    }

    /// What came of events that arrived together. What came before a failure is still given out.
    pub(crate) fn read(&mut self, events: &[Event]) -> Progress {
        let before = self.usage;
        let mut progress = Progress::more();
        for event in events {
            progress.next = self.event(event).unwrap_or_else(Next::Failed);
            if progress.next != Next::More {
                break;
            }
        }
        progress.chunks = self.spoken.take();
        progress.warnings = mem::take(&mut self.warnings);
        if self.usage != before {
            progress.usage = self.usage.counts();
        }
        progress
    }

    /// The reply is over.
    pub(crate) fn end(&self) -> Progress {
        if self.spoken.is_finished() {
            return Progress::done();
        }
        incomplete().into()
    }

    fn event(&mut self, event: &Event) -> Result<Next, Failure> {
        if event.name.as_deref() == Some("error") {
            return self.error(event);
        }
        let Some(read) = event.object::<wire::Event>(self.spoken.is_finished(), &mut self.warnings)? else {
            return Ok(Next::More);
        };
        match read.kind.as_str() {
            kind if self.spoken.is_finished() && kind.starts_with("content_block") => {}
            "message_start" => self.begin(read.message),
            "content_block_start" => self.open(read.index, read.content_block.unwrap_or_default()),
            "content_block_delta" => self.more(read.index, read.delta.unwrap_or_default()),
            "content_block_stop" => self.close(read.index),
            "message_delta" => {
                self.usage.update(read.usage.unwrap_or_default());
                let delta = read.delta.unwrap_or_default();
                if delta.stop_reason.is_some() {
                    self.finish(&Ending {
                        stop_reason: delta.stop_reason,
                        stop_details: delta.stop_details,
                    });
                }
            }
            // Without a stop reason it ends an answer that is there and whole, and nothing else.
            "message_stop"
                if self.spoken.is_finished() || (self.spoken.has_answered() && self.open.is_empty()) =>
            {
                self.finish(&Ending::default());
                return Ok(Next::Done);
            }
            "message_stop" => return Err(incomplete()),
            _ if read.kind == "error" || read.error.is_some() => return self.error(event),
            // Pings, and what there may be some day.
            _ => {}
        }
        Ok(Next::More)
    }

    /// An error after the end of the answer takes nothing away from it.
    fn error(&mut self, event: &Event) -> Result<Next, Failure> {
        let failure = errors::of_event(&event.data);
        if !self.spoken.is_finished() {
            return Err(failure);
        }
        let Failure { kind, message, .. } = failure;
        self.warnings
            .push(format!("after its answer the vendor reported {kind}: {message}"));
        Ok(Next::More)
    }

    /// Some servers begin twice: the second time nothing but the usage is news.
    fn begin(&mut self, message: Option<wire::Message>) {
        let Some(message) = message else { return };
        self.usage.update(message.usage.unwrap_or_default());
        self.spoken.begin(message.id, message.model);
    }

    fn open(&mut self, index: u64, block: Block) {
        // What should have been closed first.
        self.close(index);
        let open = match block.kind.as_str() {
            "text" => {
                self.spoken.text(block.text.as_deref().unwrap_or_default());
                Open::Text
            }
            "tool_use" => self.open_tool(block),
            "thinking" | "redacted_thinking" => {
                self.spoken
                    .member("reasoning_content", block.thinking.as_deref().unwrap_or_default());
                Open::Thinking(block)
            }
            kind => {
                self.warnings.push(ignored_block(kind));
                Open::Ignored
            }
        };
        self.open.insert(index, open);
    }

    fn open_tool(&mut self, block: Block) -> Open {
        let index = self.tool_calls;
        self.tool_calls += 1;
        let beginning = ToolCall {
            index: Some(index),
            id: block.id,
            kind: Some("function".to_owned()),
            function: FunctionCall {
                name: block.name,
                arguments: String::new(),
            },
        };
        self.spoken.delta(Delta::tool_call(beginning));
        let whole = Some(block.input);
        Open::Tool { index, whole }
    }

    /// A delta without its block's beginning is text or thought; of anything else only the beginning says
    /// what it is.
    fn more(&mut self, index: u64, delta: wire::Delta) {
        match (delta.kind.as_str(), self.open.get_mut(&index)) {
            (_, Some(Open::Ignored)) => {}
            ("text_delta", _) => self.spoken.text(&delta.text),
            ("thinking_delta", open) => {
                if let Some(Open::Thinking(block)) = open {
                    block.thinking.get_or_insert_default().push_str(&delta.thinking);
                }
                self.spoken.member("reasoning_content", &delta.thinking);
            }
            ("signature_delta", Some(Open::Thinking(block))) => {
                block.signature.get_or_insert_default().push_str(&delta.signature);
            }
            ("input_json_delta", Some(Open::Tool { index, whole })) if !delta.partial_json.is_empty() => {
                *whole = None;
                self.spoken.arguments(*index, delta.partial_json);
            }
            // Citations, and what there may be some day.
            _ => {}
        }
    }

    fn close(&mut self, index: u64) {
        match self.open.remove(&index) {
            Some(Open::Tool {
                index,
                whole: Some(input),
            }) => self.spoken.arguments(index, arguments(&input)),
            Some(Open::Thinking(block)) => {
                let blocks: Vec<Value> = block.replayable().into_iter().collect();
                self.spoken.delta(Delta::member("thinking_blocks", blocks));
            }
            Some(Open::Text | Open::Tool { whole: None, .. } | Open::Ignored) | None => {}
        }
    }

    /// Only the first ending counts.
    fn finish(&mut self, ending: &Ending) {
        if self.spoken.is_finished() {
            return;
        }
        while let Some((&index, _)) = self.open.first_key_value() {
            self.close(index);
        }
        self.spoken
            .member("refusal", ending.refusal().unwrap_or_default());
        self.spoken.finish(ending.finish_reason(self.tool_calls > 0));
    }
}

fn incomplete() -> Failure {
    Failure::new(FailureKind::MalformedReply)
        .message("the vendor's stream ended before the answer was complete")
}
