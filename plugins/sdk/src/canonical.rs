//! The canonical form, OpenAI's JSON, as types: as much of it as adapters translate. Members they do not name
//! survive in `rest`, so that what a caller or a vendor adds is passed on and not lost.
//!
//! An adapter whose vendor speaks this dialect needs none of it: it sends the body unread.

mod answer;
mod embedding;
mod error;
mod request;
mod stream;

use serde::{Deserialize, Deserializer, Serialize};

pub use answer::{
    Choice, ChunkChoice, Completion, CompletionChunk, Delta, InputDetails, OutputDetails, Usage,
};
pub use embedding::{EmbeddingsRequest, Input};
pub use error::{ErrorBody, ErrorEnvelope};
pub use request::{ChatRequest, Content, FunctionCall, ImageUrl, Message, Part, StreamOptions, ToolCall};
pub use stream::Envelope;

/// Members that a type does not name.
pub type Rest = serde_json::Map<String, serde_json::Value>;

/// JSON of a value that is made of canonical types.
pub fn to_json(value: &impl Serialize) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "only maps whose keys are not strings fail, and JSON has none"
    )]
    serde_json::to_vec(value).expect("a value that JSON can hold")
}

/// For members that are left out where there is nothing to say: some clients write null instead.
fn null_is_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(json: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(json)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
