//! What to say: composes the answer to a chat request from the request and what the rules drafted. Must
//! never know how a vendor writes it down.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ask::{Ask, ChatAsk, Expects};
use crate::text::{Text, quote};

/// Characters in one streamed piece of a tool's arguments; vendors send a few at a time.
const FRAGMENT: usize = 5;
/// Words of the prompt that a reply repeats.
const ECHO: usize = 32;

/// What rules may change before an answer is composed.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Whether to answer with a stream, whatever the caller wanted.
    pub(crate) stream: bool,
    pub(crate) wording: Wording,
    pub(crate) huge: Option<Huge>,
    pub(crate) omitted: Vec<Part>,
    pub(crate) twice: Option<Part>,
}

/// A token of many bytes among the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Huge {
    /// How many tokens come before it.
    pub(crate) after: usize,
    pub(crate) bytes: usize,
}

/// What ends an answer, part by part; rules can leave parts out or say them twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The reason why the answer ends.
    Finish,
    /// How much was used, whether it comes by itself or with another part.
    Usage,
    /// The mark at the very end of a stream.
    Done,
}

#[derive(Debug)]
pub(crate) enum Wording {
    /// Text made from the prompt.
    Echo,
    /// This text wherever text is expected.
    Filler(Arc<Text>),
    /// This text, whatever is expected.
    Fixed(Arc<Text>),
}

#[derive(Debug)]
pub(crate) struct Answer {
    /// The tool called, if this is a call; `text` then holds its arguments.
    pub(crate) tool: Option<String>,
    text: Arc<Text>,
    /// How many tokens of `text` are said.
    said: usize,
    /// What the text would have gone on with, had the caller not asked it to stop there.
    stopped: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    /// The caller named what comes next as a reason to stop.
    StopSequence,
    Length,
    ToolCalls,
}

// === impl Draft ===

impl Draft {
    pub(crate) fn new(ask: &Ask) -> Self {
        Self {
            stream: ask.streams(),
            wording: Wording::Echo,
            huge: None,
            omitted: Vec::new(),
            twice: None,
        }
    }

    /// How many times a part is said.
    pub(crate) fn times(&self, part: Part) -> usize {
        match self.twice {
            _ if self.omitted.contains(&part) => 0,
            Some(twice) if twice == part => 2,
            _ => 1,
        }
    }
}

// === impl Answer ===

impl Answer {
    pub(crate) fn compose(ask: &ChatAsk, draft: &Draft) -> Self {
        let (tool, text) = Self::said(ask, &draft.wording);
        let text = match draft.huge {
            Some(huge) => Arc::new(text.with_token(huge.after, &"x".repeat(huge.bytes))),
            None => text,
        };
        let (text, stopped) = match text.before(&ask.stops) {
            Some((text, stop)) if tool.is_none() => (Arc::new(text), Some(stop)),
            _ => (text, None),
        };
        let said = ask.limit.unwrap_or(usize::MAX).min(text.len());
        Self {
            tool,
            text,
            said,
            stopped,
        }
    }

    /// The tool called, if any, and the text.
    fn said(ask: &ChatAsk, wording: &Wording) -> (Option<String>, Arc<Text>) {
        match (wording, &ask.expects) {
            (Wording::Fixed(text), _) | (Wording::Filler(text), Expects::Text) => (None, Arc::clone(text)),
            (_, Expects::ToolCall { name, arguments }) => {
                (Some(name.clone()), Arc::new(Text::fragments(arguments, FRAGMENT)))
            }
            (_, Expects::Json(json)) => (None, Arc::new(Text::words(json))),
            (Wording::Filler(text), Expects::JsonObject) => (
                None,
                Arc::new(Text::words(&format!(
                    "{{\"reply\":\"{}\"}}",
                    text.upto(text.len())
                ))),
            ),
            (Wording::Echo, Expects::JsonObject) => (
                None,
                Arc::new(Text::words(&format!("{{\"reply\":{}}}", quote(&echo(ask))))),
            ),
            (Wording::Echo, Expects::Text) => (None, Arc::new(Text::words(&echo(ask)))),
        }
    }

    /// What is said, escaped for JSON, without quotes.
    pub(crate) fn text(&self) -> &str {
        self.text.upto(self.said)
    }

    pub(crate) fn tokens(&self) -> impl Iterator<Item = &str> {
        self.text.tokens().take(self.said)
    }

    pub(crate) fn len(&self) -> usize {
        self.said
    }

    /// The stop sequence that ended the answer.
    pub(crate) fn stopped(&self) -> Option<&str> {
        self.stopped
            .as_deref()
            .filter(|_| self.finish() == Finish::StopSequence)
    }

    pub(crate) fn finish(&self) -> Finish {
        match self.tool {
            _ if self.said < self.text.len() => Finish::Length,
            Some(_) => Finish::ToolCalls,
            None if self.stopped.is_some() => Finish::StopSequence,
            None => Finish::Stop,
        }
    }
}

fn echo(ask: &ChatAsk) -> String {
    let seen = match ask.images {
        0 => String::new(),
        1 => "I see 1 image. ".to_owned(),
        images => format!("I see {images} images. "),
    };
    let start: Vec<&str> = ask.prompt.split_whitespace().take(ECHO).collect();
    format!("{seen}Simulated reply to: {}", start.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(expects: Expects, limit: Option<usize>) -> ChatAsk {
        ChatAsk {
            model: "m".to_owned(),
            stream: false,
            include_usage: false,
            choices: 1,
            limit,
            stops: Vec::new(),
            prompt: "Hello there".to_owned(),
            prompt_tokens: 2,
            images: 0,
            expects,
        }
    }

    fn compose(expects: Expects, limit: Option<usize>, wording: Wording) -> Answer {
        let ask = ask(expects, limit);
        let mut draft = Draft::new(&Ask::Models);
        draft.wording = wording;
        Answer::compose(&ask, &draft)
    }

    fn call() -> Expects {
        Expects::ToolCall {
            name: "look".to_owned(),
            arguments: "{\"a\":1}".to_owned(),
        }
    }

    #[test]
    fn filler_replaces_text_but_not_a_tool_call() {
        let filler = || Wording::Filler(Arc::new(Text::numbered(2)));
        assert_eq!(compose(Expects::Text, None, filler()).text(), "token-0 token-1");
        let called = compose(call(), None, filler());
        assert_eq!(
            (called.tool.as_deref(), called.text()),
            (Some("look"), "{\\\"a\\\":1}")
        );
        assert_eq!(called.finish(), Finish::ToolCalls);
    }

    #[test]
    fn filler_in_json_keeps_its_number_of_tokens() {
        let filler = Wording::Filler(Arc::new(Text::numbered(3)));
        let answer = compose(Expects::JsonObject, None, filler);
        assert_eq!(answer.len(), 3);
        assert_eq!(answer.text(), "{\\\"reply\\\":\\\"token-0 token-1 token-2\\\"}");
    }

    #[test]
    fn fixed_text_replaces_a_tool_call() {
        let fixed = Wording::Fixed(Arc::new(Text::words("no thanks")));
        let answer = compose(call(), None, fixed);
        assert_eq!((answer.tool.as_deref(), answer.finish()), (None, Finish::Stop));
    }

    #[test]
    fn a_limit_ends_the_answer_only_if_there_was_more_to_say() {
        let short = compose(Expects::Text, Some(2), Wording::Echo);
        assert_eq!(
            (short.text(), short.finish()),
            ("Simulated reply", Finish::Length)
        );
        let exact = compose(Expects::Text, Some(5), Wording::Echo);
        assert_eq!((exact.len(), exact.finish()), (5, Finish::Stop));
    }
}
