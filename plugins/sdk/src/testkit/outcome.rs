//! What came of a scenario.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::adapter::{Chunk, Failure, Limit, Request};
use crate::canonical::CompletionChunk;
use crate::words::UsageClass;

/// Everything the caller, the meter and the operator would have got.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The requests that left, in order.
    pub sent: Vec<Sent>,
    /// The answer, in the pieces that the caller got: also those that passed the adapter by.
    pub chunks: Vec<Chunk>,
    /// The last total of each class that the adapter gave.
    pub usage: BTreeMap<String, u64>,
    pub limits: Vec<Limit>,
    pub warnings: Vec<String>,
    pub failure: Option<Failure>,
}

/// A request as it would have left, but for the credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// As the adapter gave it.
    pub request: Request,
    /// Base URL and path.
    pub url: String,
    /// After the host's edits.
    pub body: Vec<u8>,
}

impl Outcome {
    /// Each chunk as `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Vec<T> {
        let read = |chunk: &Chunk| serde_json::from_slice(&chunk.data).expect("a chunk that can be read");
        self.chunks.iter().map(read).collect()
    }

    /// The text of a streamed answer.
    pub fn streamed_text(&self) -> String {
        let chunks = self.read::<CompletionChunk>();
        let choices = chunks.into_iter().flat_map(|chunk| chunk.choices);
        choices.filter_map(|choice| choice.delta.content).collect()
    }

    pub fn tokens(&self, class: &UsageClass) -> Option<u64> {
        self.usage.get(class.as_str()).copied()
    }
}

impl Sent {
    /// The body as JSON; null if there is none.
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).expect("a body that is JSON")
    }

    /// The first header of this name that the adapter set.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self
            .request
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| header.value.as_str())
    }
}
