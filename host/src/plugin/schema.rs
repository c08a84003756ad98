//! The JSON Schema of a plugin's settings.
//!
//! The schema is a guest's word: it is never followed to other documents, its patterns run in linear time, and what it
//! amounts to when every reference is written out is bounded, or a few lines of it could keep a core busy for ever.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::error::Problem;
use super::log::readable;

/// Longest schema, in bytes.
const TEXT: usize = 64 << 10;
/// Values in it when every reference is replaced by what it refers to.
const WRITTEN_OUT: usize = 20_000;

/// Levels of it then; a schema that refers to itself has no end of them.
const DEPTH: usize = 200;

/// A compiled schema.
pub struct Schema {
    validator: Validator,
    text: String,
}

// === impl Schema ===

impl Schema {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let broke = |error: String| Problem::Broke(format!("settings-schema is not a JSON Schema: {error}"));
        if text.len() > TEXT {
            let long = format!("a settings-schema of {} bytes; at most {TEXT}", text.len());
            return Err(Problem::Broke(long));
        }
        let value: Value = serde_json::from_str(text).map_err(|error| broke(error.to_string()))?;
        write_out(&value, &value, DEPTH, &mut WRITTEN_OUT.clone())?;
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

/// Counts down by the values below `value`, and by their levels.
fn write_out(root: &Value, value: &Value, depth: usize, left: &mut usize) -> Result<(), Problem> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Problem::Broke(format!(
            "a settings-schema of more than {DEPTH} levels when its references are written out; it must not refer to itself"
        )));
    };
    *left = left.checked_sub(1).ok_or_else(|| {
        Problem::Broke(format!(
            "a settings-schema of more than {WRITTEN_OUT} values when its references are written out"
        ))
    })?;
    match value {
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| write_out(root, item, depth, left)),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            let reference = member
                .as_str()
                .filter(|_| name.ends_with("Ref") || name == "$ref");
            match reference {
                None => write_out(root, member, depth, left),
                Some(reference) => write_out(root, referred(root, reference)?, depth, left),
            }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn referred<'a>(root: &'a Value, reference: &str) -> Result<&'a Value, Problem> {
    let pointer = reference.strip_prefix('#');
    pointer.and_then(|pointer| root.pointer(pointer)).ok_or_else(|| {
        Problem::Broke(format!(
            "settings-schema refers to {:?}; it may refer to parts of itself, as \"#/$defs/name\"",
            readable(reference)
        ))
    })
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(schema: &Value) -> String {
        Schema::parse(&schema.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn definitions_may_be_shared() {
        let schema = json!({
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/name"}, "b": {"$ref": "#/$defs/name"}},
            "$defs": {"name": {"type": "string", "minLength": 1}},
        });
        let schema = Schema::parse(&schema.to_string()).unwrap();
        assert!(schema.check(r#"{"a": "x", "b": "y"}"#).is_ok());
        assert!(schema.check(r#"{"a": ""}"#).unwrap_err().starts_with("a: "));
    }

    #[test]
    fn few_lines_that_amount_to_much_are_refused() {
        let twice = |level: u32| json!({"allOf": [{"$ref": format!("#/$defs/{level}")}, {"$ref": format!("#/$defs/{level}")}]});
        let levels: serde_json::Map<String, Value> = (0..40)
            .map(|level| (level.to_string(), twice(level + 1)))
            .collect();
        let mut schema = json!({"$ref": "#/$defs/0", "$defs": levels});
        schema["$defs"]["40"] = json!(true);
        assert!(refused(&schema).contains("more than 20000 values"));
        assert!(refused(&json!({"properties": {"a": {"$ref": "#"}}})).contains("must not refer to itself"));
    }

    #[test]
    fn it_leads_nowhere_else() {
        for reference in [
            "http://127.0.0.1:9/schema",
            "file:///etc/passwd",
            "#anchor",
            "#/nowhere",
        ] {
            assert!(
                refused(&json!({"$ref": reference})).contains("refers to"),
                "{reference}"
            );
        }
    }

    #[test]
    fn it_is_short() {
        assert!(refused(&json!({"description": "x".repeat(TEXT)})).contains("bytes; at most 65536"));
    }
}
