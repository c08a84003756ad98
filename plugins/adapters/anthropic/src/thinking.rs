//! How long a model may think: `reasoning_effort` as the vendor's models understand it.

use patchbay_sdk::adapter::Failure;
use serde_json::{Value, json};

use crate::request::Draft;
use crate::settings::{Settings, ThinkingStyle};

/// The vendor refuses a smaller budget.
const LEAST_BUDGET: u64 = 1024;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    Off,
    /// The model decides by itself, with this effort in mind.
    Adaptive(String),
    /// Tokens.
    Budget(u64),
}

impl Thinking {
    /// `effort`: the canonical `reasoning_effort`.
    pub(crate) fn asked(
        effort: Option<&Value>,
        settings: &Settings,
        model: &str,
        draft: &mut Draft,
    ) -> Result<Self, Failure> {
        let Some(effort) = effort.filter(|effort| *effort != "none") else {
            return Ok(Self::Off);
        };
        let effort = effort
            .as_str()
            .ok_or_else(|| Failure::invalid("reasoning_effort", "reasoning_effort is a word"))?;
        let style = settings.thinking.unwrap_or_else(|| usual_style(model));
        match style {
            ThinkingStyle::None => {
                draft.drop("reasoning_effort");
                Ok(Self::Off)
            }
            // The vendor's own scale begins higher.
            ThinkingStyle::Adaptive if effort == "minimal" => Ok(Self::Adaptive("low".to_owned())),
            ThinkingStyle::Adaptive => Ok(Self::Adaptive(effort.to_owned())),
            ThinkingStyle::Budget => match settings.thinking_budgets.get(effort) {
                Some(&tokens) => Ok(Self::Budget(tokens)),
                None => Err(Failure::unfit(
                    "reasoning_effort",
                    format!("there is no thinking budget for the effort {effort:?}"),
                )),
            },
        }
    }

    /// Tokens that an answer needs beside those for itself.
    pub(crate) fn tokens(&self) -> u64 {
        match self {
            Self::Budget(tokens) => *tokens,
            Self::Off | Self::Adaptive(_) => 0,
        }
    }

    /// What is left of it where some of `max_tokens` is kept for the answer itself: a quarter, or `enough`.
    pub(crate) fn fitted(self, max_tokens: u64, enough: u64, draft: &mut Draft) -> Self {
        let Self::Budget(tokens) = self else { return self };
        let budget = tokens.min(max_tokens - enough.min(max_tokens / 4));
        if budget < LEAST_BUDGET || budget >= max_tokens {
            draft.warn(format!(
                "reasoning_effort was dropped: {max_tokens} tokens leave no room for thinking"
            ));
            return Self::Off;
        }
        Self::Budget(budget)
    }

    pub(crate) fn write(&self, draft: &mut Draft) {
        match self {
            Self::Off => {}
            Self::Adaptive(effort) => {
                draft.set("thinking", json!({"type": "adaptive"}));
                draft.set_output("effort", effort.as_str());
            }
            Self::Budget(tokens) => {
                draft.set("thinking", json!({"type": "enabled", "budget_tokens": tokens}));
            }
        }
    }
}

/// Models from 4.6 on decide by themselves how long they think, and the newest know nothing else. Names are
/// `claude-sonnet-4-5-20250929`, `claude-opus-5`; of the older ones `claude-3-7-sonnet-20250219`. One without
/// a number is an alias of something new.
fn usual_style(model: &str) -> ThinkingStyle {
    let name = model.rsplit_once("claude-").map_or(model, |(_, name)| name);
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.len() <= 2);
    let mut parts = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .skip_while(|part| number(part).is_none());
    let Some(major) = parts.next().and_then(number) else {
        return ThinkingStyle::Adaptive;
    };
    let minor = parts.next().and_then(number).unwrap_or(0);
    if (major, minor) >= (4, 6) {
        ThinkingStyle::Adaptive
    } else {
        ThinkingStyle::Budget
    }
}
