//! The canonical form (OpenAI's JSON) as far as the host itself must understand it: which model, whether it
//! streams, what it needs, what came back, how many tokens. Everything else passes through unread.
//!
//! No I/O, no vendor, no decision.

mod document;
mod estimate;
mod peek;
mod request;
mod usage;
mod whole;

pub use document::{Document, Edit};
pub use estimate::Weight;
pub use peek::{AnswerPeek, ChoicePeek, ChunkPeek};
pub use request::{ChatRequest, Needs, RequestError};
pub use usage::{TokenClass, Tokens, Used};
pub use whole::completed;

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

    /// The one of this name in the plugin contract.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Chat, Self::Embeddings]
            .into_iter()
            .find(|operation| operation.as_str() == name)
    }
}
