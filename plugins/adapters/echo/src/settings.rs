//! What the operator may set.

use std::num::NonZeroUsize;

use serde::Deserialize;

/// JSON Schema of [`Settings`].
pub(crate) const SCHEMA: &str = r#"{
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "words_per_pull": {
      "type": "integer", "minimum": 1, "default": 1,
      "description": "How many chunks, each of one word, a stream yields at a time."
    },
    "reply": {
      "type": "string",
      "description": "A fixed answer instead of the last user message."
    }
  }
}"#;

/// The schema says what each member means.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) words_per_pull: NonZeroUsize,
    pub(crate) reply: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            words_per_pull: NonZeroUsize::MIN,
            reply: None,
        }
    }
}
