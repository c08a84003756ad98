//! Writes a streamed chat completion: the role, one token per event, the finish, the usage if wanted, the
//! end mark. All events of a reply share one buffer, so a stream of a hundred costs one allocation.

use axum::body::Bytes;

use super::{CREATED, call_id, finish_reason, usage};
use crate::answer::{Answer, Draft, Part};
use crate::ask::ChatAsk;
use crate::reply::{Event, Reply};
use crate::text::quote;
use crate::vendors::Stamp;

/// About what a chunk takes around its frame and its token, in bytes; to size the buffer.
const CHUNK: usize = 100;

/// A stream as it is written.
struct Chunks {
    /// What comes before and after each chunk's choices.
    open: String,
    close: &'static str,
    buffer: String,
    /// Where each event ends, and how many tokens it carries.
    ends: Vec<(usize, usize)>,
}

pub(super) fn write(ask: &ChatAsk, draft: &Draft, answer: &Answer, stamp: &Stamp<'_>) -> Reply {
    let mut chunks = Chunks::new(ask, answer, stamp);
    let role = match answer.tool {
        None => r#"{"role":"assistant","content":"","refusal":null}"#,
        Some(_) => r#"{"role":"assistant","content":null}"#,
    };
    chunks.for_each_choice(ask, |_| role.to_owned());
    if let Some(name) = &answer.tool {
        chunks.for_each_choice(ask, |choice| call(&call_id(stamp, choice), name));
    }
    let (before, after) = match answer.tool {
        None => (r#"{"content":""#, r#""}"#),
        Some(_) => (
            r#"{"tool_calls":[{"index":0,"function":{"arguments":""#,
            r#""}}]}"#,
        ),
    };
    for token in answer.tokens() {
        for choice in 0..ask.choices {
            chunks.choice(choice, &[before, token, after], None, 1);
        }
    }
    chunks.end(ask, draft, answer);
    chunks.into_reply()
}

/// The first delta of a tool call, which alone names the tool.
fn call(id: &str, name: &str) -> String {
    format!(
        r#"{{"tool_calls":[{{"index":0,"id":"{id}","type":"function","function":{{"name":{},"arguments":""}}}}]}}"#,
        quote(name)
    )
}

// === impl Chunks ===

impl Chunks {
    fn new(ask: &ChatAsk, answer: &Answer, stamp: &Stamp<'_>) -> Self {
        let open = format!(
            r#"data: {{"id":"chatcmpl-{id}","object":"chat.completion.chunk","created":{CREATED},"model":{model},"service_tier":"default","system_fingerprint":{fingerprint},"choices":["#,
            id = stamp.sequence,
            model = quote(&ask.model),
            fingerprint = quote(&format!("fp_{}", stamp.account)),
        );
        let close = if ask.include_usage {
            "],\"usage\":null}\n\n"
        } else {
            "]}\n\n"
        };
        let events = (answer.len() + 4) * ask.choices;
        let buffer = String::with_capacity(events * (open.len() + CHUNK + close.len()));
        Self {
            open,
            close,
            buffer,
            ends: Vec::with_capacity(events),
        }
    }

    fn for_each_choice(&mut self, ask: &ChatAsk, delta: impl Fn(usize) -> String) {
        for choice in 0..ask.choices {
            self.choice(choice, &[&delta(choice)], None, 0);
        }
    }

    fn choice(&mut self, index: usize, delta: &[&str], finish: Option<&str>, tokens: usize) {
        self.buffer.push_str(&self.open);
        self.buffer.push_str("{\"index\":");
        self.buffer.push_str(&index.to_string());
        self.buffer.push_str(",\"delta\":");
        delta.iter().for_each(|piece| self.buffer.push_str(piece));
        self.buffer.push_str(",\"logprobs\":null,\"finish_reason\":");
        match finish {
            Some(finish) => ["\"", finish, "\"}"]
                .iter()
                .for_each(|piece| self.buffer.push_str(piece)),
            None => self.buffer.push_str("null}"),
        }
        self.event(&[self.close], tokens);
    }

    /// Why it ends, what was used, the end mark; each as often as the draft says.
    fn end(&mut self, ask: &ChatAsk, draft: &Draft, answer: &Answer) {
        for _ in 0..draft.times(Part::Finish) {
            for choice in 0..ask.choices {
                self.choice(choice, &["{}"], Some(finish_reason(answer.finish())), 0);
            }
        }
        if ask.include_usage {
            let usage = usage(ask.prompt_tokens, answer.len() * ask.choices);
            (0..draft.times(Part::Usage)).for_each(|_| self.usage(&usage));
        }
        for _ in 0..draft.times(Part::Done) {
            self.event(&["data: [DONE]\n\n"], 0);
        }
    }

    /// The chunk that has usage and no choices.
    fn usage(&mut self, usage: &str) {
        self.buffer.push_str(&self.open);
        self.event(&["],\"usage\":", usage, "}\n\n"], 0);
    }

    /// Ends an event with these pieces.
    fn event(&mut self, pieces: &[&str], tokens: usize) {
        pieces.iter().for_each(|piece| self.buffer.push_str(piece));
        self.ends.push((self.buffer.len(), tokens));
    }

    fn into_reply(self) -> Reply {
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
