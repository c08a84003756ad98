//! The canonical form (OpenAI's JSON) as far as the host itself must understand it: which model, whether it
//! streams, what it needs, what came back, how many tokens. Everything else passes through unread.
//!
//! No I/O, no vendor, no decision.

mod document;
mod peek;
mod request;
mod usage;

pub use document::{Document, Edit};
pub use peek::{AnswerPeek, ChunkPeek};
pub use request::{ChatRequest, Needs, RequestError};
pub use usage::{TokenClass, Tokens};

/// What a caller wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Chat,
    Embeddings,
}

impl Operation {
    /// The name used in the plugin contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embeddings => "embeddings",
        }
    }
}
