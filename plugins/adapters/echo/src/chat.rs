//! The answer to a chat: whole, or one word per chunk.

use patchbay_sdk::adapter::{Call, Chunk, Progress};
use patchbay_sdk::canonical::{ChatRequest, Choice, Completion, Content, Delta, Envelope, Message, Usage};
use patchbay_sdk::words::UsageClass;

use crate::settings::Settings;

/// A chat's answer and how much of it has been said.
#[derive(Debug)]
pub struct Answer {
    envelope: Envelope,
    text: String,
    input_tokens: u64,
    words_per_pull: usize,
    /// Where in `text` the next word begins.
    said: usize,
    /// Words in `text` up to there.
    said_tokens: u64,
}

impl Answer {
    pub(crate) fn new(call: &Call, settings: Settings, request: &ChatRequest) -> Self {
        let last_of_user = request
            .messages
            .iter()
            .rev()
            .find(|message| message.role == "user");
        let text = settings
            .reply
            .or_else(|| last_of_user.map(Message::text))
            .unwrap_or_default();
        Self {
            envelope: Envelope {
                id: format!("chatcmpl-{}", call.request_id),
                created: call.now / 1000,
                model: call.model.clone(),
                ..Envelope::default()
            },
            text,
            input_tokens: request
                .messages
                .iter()
                .map(|message| tokens(&message.text()))
                .sum(),
            words_per_pull: settings.words_per_pull.get(),
            said: 0,
            said_tokens: 0,
        }
    }

    /// All of it at once.
    pub(crate) fn whole(self) -> Progress {
        let usage = Usage::new(self.input_tokens, tokens(&self.text));
        let counts = usage.counts();
        let completion = Completion {
            id: self.envelope.id,
            object: "chat.completion".to_owned(),
            created: self.envelope.created,
            model: self.envelope.model,
            choices: vec![Choice {
                message: Message {
                    role: "assistant".to_owned(),
                    content: Some(Content::Text(self.text)),
                    ..Message::default()
                },
                finish_reason: Some("stop".to_owned()),
                ..Choice::default()
            }],
            usage: Some(usage),
            ..Completion::default()
        };
        Progress::done().chunk(Chunk::token(&completion)).counts(counts)
    }

    /// The chunk with the role.
    pub(crate) fn begin(&self) -> Progress {
        Progress::pull()
            .chunk(self.envelope.role())
            .count(UsageClass::Input, self.input_tokens)
    }

    /// The next words, and after the last the chunk with the finish reason.
    pub(crate) fn go_on(&mut self) -> Progress {
        let mut chunks = Vec::new();
        while chunks.len() < self.words_per_pull
            && let Some(word) = next_word(&self.text[self.said..])
        {
            chunks.push(self.envelope.delta(Delta::text(word)));
            self.said_tokens += tokens(word);
            self.said += word.len();
        }
        let mut progress = Progress::pull();
        if self.said == self.text.len() {
            progress = Progress::done();
            chunks.push(self.envelope.finish("stop"));
        }
        progress.chunks = chunks;
        progress.count(UsageClass::Output, self.said_tokens)
    }
}

/// The first word of a text with the white space around it, so that the words make up the text again.
fn next_word(text: &str) -> Option<&str> {
    let word_at = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
    let space_at = text[word_at..]
        .find(char::is_whitespace)
        .map_or(text.len(), |at| word_at + at);
    let next_at = text[space_at..]
        .find(|c: char| !c.is_whitespace())
        .map_or(text.len(), |at| space_at + at);
    (next_at > 0).then_some(&text[..next_at])
}

fn tokens(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}
