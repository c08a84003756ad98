//! Writes a streamed chat completion: the role, one token per event, the finish, the usage if wanted, the
//! end mark.

use super::{CREATED, call_id, finish_reason, usage};
use crate::answer::{Answer, Draft, Part};
use crate::ask::ChatAsk;
use crate::reply::Reply;
use crate::text::quote;
use crate::vendors::Stamp;
use crate::vendors::script::Script;

/// About what a chunk takes around its frame and its token, in bytes; to size the buffer.
const CHUNK: usize = 100;

/// A stream as it is written.
struct Chunks {
    /// What comes before and after each chunk's choices.
    open: String,
    close: &'static str,
    script: Script,
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
    chunks.script.into_reply()
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
        let script = Script::with_room(events, open.len() + CHUNK + close.len());
        Self { open, close, script }
    }

    fn for_each_choice(&mut self, ask: &ChatAsk, delta: impl Fn(usize) -> String) {
        for choice in 0..ask.choices {
            self.choice(choice, &[&delta(choice)], None, 0);
        }
    }

    fn choice(&mut self, index: usize, delta: &[&str], finish: Option<&str>, tokens: usize) {
        let Self { open, close, script } = self;
        script.write(&[open, "{\"index\":", &index.to_string(), ",\"delta\":"]);
        script.write(delta);
        script.write(&[",\"logprobs\":null,\"finish_reason\":"]);
        match finish {
            Some(finish) => script.write(&["\"", finish, "\"}"]),
            None => script.write(&["null}"]),
        }
        script.event(&[close], tokens);
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
            self.script.event(&["data: [DONE]\n\n"], 0);
        }
    }

    /// The chunk that has usage and no choices.
    fn usage(&mut self, usage: &str) {
        self.script
            .event(&[&self.open, "],\"usage\":", usage, "}\n\n"], 0);
    }
}
