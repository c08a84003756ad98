//! Tokens by class, as running totals, and what they cost.

use serde::Deserialize;

use crate::config::Price;

/// Tokens used by one exchange so far. The classes do not overlap (see the plugin contract, `types.count`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    pub input: u64,
    pub output: u64,
    pub cached_input: u64,
    pub cache_write: u64,
    pub reasoning: u64,
}

/// What a request has used, and whether anybody counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    pub tokens: Tokens,
    /// Estimated, at least in part: the vendor has not said (yet).
    pub estimated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenClass {
    Input,
    Output,
    CachedInput,
    CacheWrite,
    Reasoning,
}

/// The canonical `usage` member. Cached tokens are part of the prompt there, reasoning part of the completion.
#[derive(Debug, Deserialize)]
pub(super) struct UsageMember {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

// === impl Tokens ===

impl Tokens {
    pub fn set(&mut self, class: TokenClass, tokens: u64) {
        match class {
            TokenClass::Input => self.input = tokens,
            TokenClass::Output => self.output = tokens,
            TokenClass::CachedInput => self.cached_input = tokens,
            TokenClass::CacheWrite => self.cache_write = tokens,
            TokenClass::Reasoning => self.reasoning = tokens,
        }
    }

    /// Everything that was read.
    pub fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cached_input)
            .saturating_add(self.cache_write)
    }

    /// Everything that was written.
    pub fn completion(&self) -> u64 {
        self.output.saturating_add(self.reasoning)
    }

    /// The canonical `usage` member, as JSON text.
    pub fn to_canonical(self) -> String {
        format!(
            concat!(
                r#"{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},"#,
                r#""prompt_tokens_details":{{"cached_tokens":{}}},"#,
                r#""completion_tokens_details":{{"reasoning_tokens":{}}}}}"#
            ),
            self.prompt(),
            self.completion(),
            self.prompt().saturating_add(self.completion()),
            self.cached_input,
            self.reasoning
        )
    }

    /// US dollars; `None` where a class that was used has no known price. A class without a price of its own
    /// costs what input or output costs.
    pub fn cost(&self, price: &Price) -> Option<f64> {
        let part = |tokens: u64, own: Option<f64>, instead: Option<f64>| match (tokens, own.or(instead)) {
            (0, _) => Some(0.0),
            (_, None) => None,
            #[expect(clippy::cast_precision_loss, reason = "token counts stay far below 2^52")]
            (tokens, Some(price)) => Some(tokens as f64 * price / 1e6),
        };
        Some(
            part(self.input, price.input, None)?
                + part(self.cached_input, price.cached_input, price.input)?
                + part(self.cache_write, price.cache_write, price.input)?
                + part(self.output, price.output, None)?
                + part(self.reasoning, price.reasoning, price.output)?,
        )
    }
}

impl From<UsageMember> for Tokens {
    fn from(usage: UsageMember) -> Self {
        let prompt = usage.prompt_tokens.unwrap_or(0);
        let completion = usage.completion_tokens.unwrap_or(0);
        let cached = usage
            .prompt_tokens_details
            .and_then(|details| details.cached_tokens)
            .unwrap_or(0);
        let reasoning = usage
            .completion_tokens_details
            .and_then(|details| details.reasoning_tokens)
            .unwrap_or(0);
        Self {
            input: prompt.saturating_sub(cached),
            output: completion.saturating_sub(reasoning),
            cached_input: cached.min(prompt),
            cache_write: 0,
            reasoning: reasoning.min(completion),
        }
    }
}

// === impl TokenClass ===

impl TokenClass {
    /// Reads the name a plugin gave; a class the host does not know is counted by nobody.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "input" => Self::Input,
            "output" => Self::Output,
            "cached-input" => Self::CachedInput,
            "cache-write" => Self::CacheWrite,
            "reasoning" => Self::Reasoning,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_usage_is_split_into_classes_that_do_not_overlap() {
        let member: UsageMember = serde_json::from_str(
            r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
                "prompt_tokens_details":{"cached_tokens":40,"audio_tokens":0},
                "completion_tokens_details":{"reasoning_tokens":30}}"#,
        )
        .unwrap();
        let tokens = Tokens::from(member);
        assert_eq!(
            tokens,
            Tokens {
                input: 60,
                output: 20,
                cached_input: 40,
                cache_write: 0,
                reasoning: 30
            }
        );
        assert_eq!((tokens.prompt(), tokens.completion()), (100, 50));
    }

    #[test]
    fn cost_falls_back_to_input_and_output_and_is_unknown_without_them() {
        let tokens = Tokens {
            input: 1_000_000,
            output: 500_000,
            cached_input: 1_000_000,
            cache_write: 0,
            reasoning: 500_000,
        };
        let full = Price {
            input: Some(2.0),
            output: Some(8.0),
            cached_input: Some(0.5),
            ..Price::default()
        };
        assert_eq!(tokens.cost(&full), Some(2.0 + 4.0 + 0.5 + 4.0));
        assert_eq!(
            tokens.cost(&Price {
                input: Some(2.0),
                ..Price::default()
            }),
            None
        );
        assert_eq!(Tokens::default().cost(&Price::default()), Some(0.0));
    }
}
