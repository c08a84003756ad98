//! The chunks of a stream, made one by one or out of a whole answer.
//!
//! None of them carries the usage: what an adapter counts, the host tells the caller.

use super::{Choice, ChunkChoice, Completion, CompletionChunk, Delta, Rest, ToolCall};
use crate::adapter::Chunk;

/// What all chunks of one answer repeat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Envelope {
    pub id: String,
    /// Unix time in seconds.
    pub created: u64,
    pub model: String,
    pub rest: Rest,
}

impl Envelope {
    /// The first chunk of the only choice.
    pub fn role(&self) -> Chunk {
        Chunk::frame(&self.chunk(opening(ChunkChoice::default())))
    }

    /// A piece of the answer.
    pub fn delta(&self, delta: Delta) -> Chunk {
        Chunk::token(&self.chunk(ChunkChoice {
            delta,
            ..ChunkChoice::default()
        }))
    }

    /// The last chunk. `reason`: see [`Choice::finish_reason`].
    pub fn finish(&self, reason: &str) -> Chunk {
        Chunk::frame(&self.chunk(closing(ChunkChoice::default(), reason.to_owned())))
    }

    fn chunk(&self, choice: ChunkChoice) -> CompletionChunk {
        CompletionChunk {
            id: self.id.clone(),
            object: "chat.completion.chunk".to_owned(),
            created: self.created,
            model: self.model.clone(),
            choices: vec![choice],
            usage: None,
            rest: self.rest.clone(),
        }
    }
}

impl Completion {
    /// The same as a stream, for a vendor that answers whole where a stream was asked for.
    pub fn into_chunks(self) -> Vec<Chunk> {
        let envelope = Envelope {
            id: self.id,
            created: self.created,
            model: self.model,
            rest: self.rest,
        };
        let chunks = |choice: Choice| {
            let at = ChunkChoice {
                index: choice.index,
                ..ChunkChoice::default()
            };
            let reason = choice.finish_reason.clone().unwrap_or_else(|| "stop".to_owned());
            [
                Chunk::frame(&envelope.chunk(opening(at.clone()))),
                Chunk::token(&envelope.chunk(all_of(choice))),
                Chunk::frame(&envelope.chunk(closing(at, reason))),
            ]
        };
        self.choices.into_iter().flat_map(chunks).collect()
    }
}

fn opening(mut choice: ChunkChoice) -> ChunkChoice {
    choice.delta = Delta {
        role: Some("assistant".to_owned()),
        ..Delta::text("")
    };
    choice
}

fn closing(choice: ChunkChoice, reason: String) -> ChunkChoice {
    ChunkChoice {
        finish_reason: Some(reason),
        ..choice
    }
}

/// Everything that a choice says, in one piece.
fn all_of(choice: Choice) -> ChunkChoice {
    let message = choice.message;
    let numbered = |(index, call): (u32, ToolCall)| ToolCall {
        index: Some(index),
        ..call
    };
    ChunkChoice {
        index: choice.index,
        delta: Delta {
            role: None,
            content: message.content.map(|content| content.text()),
            tool_calls: (0..).zip(message.tool_calls).map(numbered).collect(),
            rest: message.rest,
        },
        finish_reason: None,
        rest: choice.rest,
    }
}
