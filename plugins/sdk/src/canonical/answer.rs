//! What the caller gets: a whole completion, or the chunks of a stream; and what it used.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Message, Rest, ToolCall, null_is_empty};
use crate::adapter::Count;
use crate::words::UsageClass;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    #[serde(default)]
    pub id: String,
    /// "chat.completion".
    #[serde(default)]
    pub object: String,
    /// Unix time in seconds.
    #[serde(default)]
    pub created: u64,
    #[serde(default)]
    pub model: String,
    pub choices: Vec<Choice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    #[serde(flatten)]
    pub rest: Rest,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    #[serde(default)]
    pub index: u32,
    pub message: Message,
    /// "stop", "length", "tool_calls", "content_filter"; null while the choice goes on.
    pub finish_reason: Option<String>,
    #[serde(flatten)]
    pub rest: Rest,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CompletionChunk {
    pub id: String,
    /// "chat.completion.chunk".
    pub object: String,
    /// Unix time in seconds.
    pub created: u64,
    pub model: String,
    pub choices: Vec<ChunkChoice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    #[serde(flatten)]
    pub rest: Rest,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkChoice {
    pub index: u32,
    pub delta: Delta,
    pub finish_reason: Option<String>,
    #[serde(flatten)]
    pub rest: Rest,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// In the first chunk only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tool_calls: Vec<ToolCall>,
    #[serde(flatten)]
    pub rest: Rest,
}

/// The dialect counts cached tokens into the prompt and reasoning into the completion; [`Usage::counts`] takes
/// them apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    #[serde(default)]
    pub prompt_tokens: u64,
    /// Embeddings have none.
    #[serde(default)]
    pub completion_tokens: u64,
    #[serde(default)]
    pub total_tokens: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<InputDetails>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<OutputDetails>,
    #[serde(flatten)]
    pub rest: Rest,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InputDetails {
    #[serde(default)]
    pub cached_tokens: u64,
    #[serde(flatten)]
    pub rest: Rest,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputDetails {
    #[serde(default)]
    pub reasoning_tokens: u64,
    #[serde(flatten)]
    pub rest: Rest,
}

impl Delta {
    /// A piece of the answer's text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            content: Some(text.into()),
            ..Self::default()
        }
    }

    /// A member that has no name here: "reasoning_content", "refusal".
    pub fn member(name: &str, value: impl Into<Value>) -> Self {
        let mut rest = Rest::new();
        rest.insert(name.to_owned(), value.into());
        Self {
            rest,
            ..Self::default()
        }
    }

    /// The beginning of a call, or a fragment of its arguments.
    pub fn tool_call(call: ToolCall) -> Self {
        Self {
            tool_calls: vec![call],
            ..Self::default()
        }
    }
}

impl Usage {
    pub fn new(prompt_tokens: u64, completion_tokens: u64) -> Self {
        let total_tokens = prompt_tokens.saturating_add(completion_tokens);
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens,
            ..Self::default()
        }
    }

    /// The same in the contract's classes, which do not overlap. Cached and reasoning tokens are listed only where
    /// there are any.
    pub fn counts(&self) -> Vec<Count> {
        let cached = self
            .prompt_tokens_details
            .as_ref()
            .map_or(0, |details| details.cached_tokens);
        let reasoning = self
            .completion_tokens_details
            .as_ref()
            .map_or(0, |details| details.reasoning_tokens);
        let mut counts = vec![
            Count::new(UsageClass::Input, self.prompt_tokens.saturating_sub(cached)),
            Count::new(
                UsageClass::Output,
                self.completion_tokens.saturating_sub(reasoning),
            ),
        ];
        if cached > 0 {
            counts.push(Count::new(UsageClass::CachedInput, cached));
        }
        if reasoning > 0 {
            counts.push(Count::new(UsageClass::Reasoning, reasoning));
        }
        counts
    }
}
