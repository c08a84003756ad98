//! What a caller asked for, in no vendor's words: the vendor formats read requests into these types and
//! everything else works on them. Must never hold anything only one vendor knows.

use serde::{Deserialize, Serialize};

/// The kind of call, as rules and records name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    Chat,
    Embeddings,
    Models,
}

#[derive(Debug)]
pub(crate) enum Ask {
    Chat(ChatAsk),
    Embeddings(EmbeddingsAsk),
    Models,
}

#[derive(Debug)]
pub(crate) struct ChatAsk {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// Whether a stream is to tell its usage at the end.
    pub(crate) include_usage: bool,
    /// How many alternatives, at least 1.
    pub(crate) choices: usize,
    /// The most tokens per choice.
    pub(crate) limit: Option<usize>,
    /// What text ends before, whichever comes first.
    pub(crate) stops: Vec<String>,
    /// The start of the last thing the user said.
    pub(crate) prompt: String,
    pub(crate) prompt_tokens: usize,
    pub(crate) images: usize,
    pub(crate) expects: Expects,
}

/// What kind of answer fits the request.
#[derive(Debug, PartialEq)]
pub(crate) enum Expects {
    Text,
    /// A JSON object of any shape.
    JsonObject,
    /// This JSON text, made to fit the caller's schema.
    Json(String),
    /// A call of this tool with these arguments, a JSON text made to fit the tool's schema.
    ToolCall {
        name: String,
        arguments: String,
    },
}

#[derive(Debug)]
pub(crate) struct EmbeddingsAsk {
    pub(crate) model: String,
    /// One entry per vector; token arrays stand here as their JSON text.
    pub(crate) inputs: Vec<String>,
    pub(crate) dimensions: usize,
    pub(crate) base64: bool,
}

// === impl Ask ===

impl Ask {
    /// The model asked for; empty where the operation has none.
    pub(crate) fn model(&self) -> &str {
        match self {
            Self::Chat(chat) => &chat.model,
            Self::Embeddings(embeddings) => &embeddings.model,
            Self::Models => "",
        }
    }

    pub(crate) fn streams(&self) -> bool {
        match self {
            Self::Chat(chat) => chat.stream,
            Self::Embeddings(_) | Self::Models => false,
        }
    }
}
