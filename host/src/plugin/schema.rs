//! The JSON Schema of a plugin's settings.
//!
//! The schema is a guest's word: it is never followed to other documents, and its patterns run in linear time.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::error::Problem;

/// A compiled schema.
pub struct Schema {
    validator: Validator,
    text: String,
}

// === impl Schema ===

impl Schema {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let broke = |error: String| Problem::Broke(format!("settings-schema is not a JSON Schema: {error}"));
        let value: Value = serde_json::from_str(text).map_err(|error| broke(error.to_string()))?;
        let validator = jsonschema::options()
            .with_pattern_options(PatternOptions::regex())
            .build(&value)
            .map_err(|error| broke(error.to_string()))?;
        Ok(Self {
            validator,
            text: text.to_owned(),
        })
    }

    /// Checks settings (JSON text); the error names every member that does not fit.
    pub fn check(&self, settings: &str) -> Result<(), String> {
        let value: Value = serde_json::from_str(settings).map_err(|error| error.to_string())?;
        let problems: Vec<String> = self
            .validator
            .iter_errors(&value)
            .map(|error| match error.instance_path().as_str() {
                "" => error.to_string(),
                path => format!("{}: {error}", path.trim_start_matches('/')),
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems.join("; "))
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
