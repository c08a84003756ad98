//! What the vendor answers, as far as it is understood. Members that may be null or missing are; what is not
//! named is ignored.

use patchbay_sdk::adapter::Count;
use patchbay_sdk::canonical;
use patchbay_sdk::words::UsageClass;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// A whole answer. In a stream's first event it has no content yet.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) content: Option<Vec<Block>>,
    pub(crate) stop_reason: Option<String>,
    pub(crate) stop_details: Option<StopDetails>,
    pub(crate) usage: Option<Usage>,
}

/// Why an answer ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    pub(crate) stop_reason: Option<String>,
    pub(crate) stop_details: Option<StopDetails>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StopDetails {
    /// In words, why the model refused.
    pub(crate) explanation: Option<String>,
}

/// A block of an answer. Which of its members is there depends on `kind`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Block {
    /// "text", "tool_use", "thinking", "redacted_thinking", or something that the canonical form has no place
    /// for.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) text: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) input: Value,
    pub(crate) thinking: Option<String>,
    pub(crate) signature: Option<String>,
    pub(crate) data: Option<String>,
}

/// An event of a stream. Which of its members is there depends on `kind`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Of the block.
    pub(crate) index: u64,
    pub(crate) message: Option<Message>,
    pub(crate) content_block: Option<Block>,
    pub(crate) delta: Option<Delta>,
    pub(crate) usage: Option<Usage>,
    pub(crate) error: Option<IgnoredAny>,
}

/// More of a block, or the end of the message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Delta {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) partial_json: String,
    pub(crate) thinking: String,
    pub(crate) signature: String,
    pub(crate) stop_reason: Option<String>,
    pub(crate) stop_details: Option<StopDetails>,
}

/// Tokens. Each class is a total; one that is not told has not changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Usage {
    /// Without both cache classes.
    pub(crate) input_tokens: Option<u64>,
    pub(crate) cache_creation_input_tokens: Option<u64>,
    pub(crate) cache_read_input_tokens: Option<u64>,
    /// Thinking is among them and not told apart.
    pub(crate) output_tokens: Option<u64>,
}

impl Usage {
    /// Takes over what is told anew.
    pub(crate) fn update(&mut self, newer: Self) {
        let update = |known: &mut Option<u64>, newer: Option<u64>| *known = newer.or(*known);
        update(&mut self.input_tokens, newer.input_tokens);
        update(
            &mut self.cache_creation_input_tokens,
            newer.cache_creation_input_tokens,
        );
        update(&mut self.cache_read_input_tokens, newer.cache_read_input_tokens);
        update(&mut self.output_tokens, newer.output_tokens);
    }

    /// In the contract's classes. What was never told is not counted.
    pub(crate) fn counts(&self) -> Vec<Count> {
        let classes = [
            (UsageClass::Input, self.input_tokens),
            (UsageClass::CachedInput, self.cache_read_input_tokens),
            (UsageClass::CacheWrite, self.cache_creation_input_tokens),
            (UsageClass::Output, self.output_tokens),
        ];
        let told = |(class, tokens): (UsageClass, Option<u64>)| Some(Count::new(class, tokens?));
        classes.into_iter().filter_map(told).collect()
    }

    /// The canonical member, whose prompt includes both cache classes.
    pub(crate) fn canonical(&self) -> canonical::Usage {
        let tokens = |class: Option<u64>| class.unwrap_or(0);
        let cached = tokens(self.cache_read_input_tokens);
        let prompt = tokens(self.input_tokens)
            .saturating_add(tokens(self.cache_creation_input_tokens))
            .saturating_add(cached);
        canonical::Usage {
            prompt_tokens_details: Some(canonical::InputDetails {
                cached_tokens: cached,
                ..canonical::InputDetails::default()
            }),
            ..canonical::Usage::new(prompt, tokens(self.output_tokens))
        }
    }
}

impl Block {
    /// A thinking block as it has to come back: with its signature, or redacted. None for any other.
    pub(crate) fn replayable(&self) -> Option<Value> {
        match self.kind.as_str() {
            "thinking" => Some(serde_json::json!({
                "type": "thinking", "thinking": self.thinking, "signature": self.signature,
            })),
            "redacted_thinking" => Some(serde_json::json!({"type": "redacted_thinking", "data": self.data})),
            _ => None,
        }
    }
}

impl Ending {
    /// The canonical reason. One that is not known, or none, is an ordinary end.
    pub(crate) fn finish_reason(&self, has_tool_calls: bool) -> &'static str {
        match self.stop_reason.as_deref() {
            Some("max_tokens" | "model_context_window_exceeded") => "length",
            Some("tool_use") => "tool_calls",
            Some("refusal") => "content_filter",
            None if has_tool_calls => "tool_calls",
            _ => "stop",
        }
    }

    /// Why the model refused, if it did and said so.
    pub(crate) fn refusal(&self) -> Option<&str> {
        let details = self.stop_details.as_ref()?;
        let refused = self.stop_reason.as_deref() == Some("refusal");
        details.explanation.as_deref().filter(|_| refused)
    }
}
