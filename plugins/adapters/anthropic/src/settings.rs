//! What the operator may set.

use std::collections::BTreeMap;

use serde::Deserialize;

/// JSON Schema of [`Settings`].
pub(crate) const SCHEMA: &str = include_str!("settings.schema.json");

/// The schema says what each member means.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) anthropic_version: String,
    pub(crate) anthropic_beta: Option<String>,
    pub(crate) default_max_tokens: u64,
    pub(crate) sampling: Sampling,
    pub(crate) thinking: Option<ThinkingStyle>,
    pub(crate) thinking_budgets: BTreeMap<String, u64>,
    pub(crate) opening: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sampling {
    All,
    One,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ThinkingStyle {
    Adaptive,
    Budget,
    None,
}

impl Default for Settings {
    fn default() -> Self {
        let budgets = [
            ("minimal", 1024),
            ("low", 2048),
            ("medium", 8192),
            ("high", 24_576),
            ("xhigh", 32_768),
        ];
        Self {
            anthropic_version: "2023-06-01".to_owned(),
            anthropic_beta: None,
            default_max_tokens: 4096,
            sampling: Sampling::One,
            thinking: None,
            thinking_budgets: budgets.map(|(effort, tokens)| (effort.to_owned(), tokens)).into(),
            opening: None,
        }
    }
}
