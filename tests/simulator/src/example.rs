//! An example value for a JSON schema: the same schema always gives the same value. Must never follow
//! references, so that no schema can make it run for long.

use serde_json::{Map, Value};

const MAX_DEPTH: usize = 16;

/// A value that fits `schema` as far as types, `enum`, `const`, `default` and `properties` say; a text
/// is named after its property.
pub(crate) fn of(schema: &Value) -> Value {
    value("example", schema, MAX_DEPTH)
}

fn value(name: &str, schema: &Value, depth: usize) -> Value {
    let given = schema
        .get("const")
        .or_else(|| schema.get("default"))
        .or_else(|| schema["enum"].get(0));
    if let Some(given) = given {
        return given.clone();
    }
    let alternatives = ["anyOf", "oneOf", "allOf"]
        .iter()
        .find_map(|word| schema[*word].get(0));
    let Some(depth) = depth.checked_sub(1) else {
        return Value::Null;
    };
    if let Some(first) = alternatives {
        return value(name, first, depth);
    }
    match kind(schema) {
        "object" => Value::Object(properties(schema, depth)),
        "array" => Value::Array(vec![value(name, &schema["items"], depth)]),
        "integer" => Value::from(1),
        "number" => Value::from(1.5),
        "boolean" => Value::from(true),
        "null" => Value::Null,
        _ => Value::from(name),
    }
}

/// The schema's type; of several the first that is not `null`, as in `["null", "string"]`.
fn kind(schema: &Value) -> &str {
    let kinds = &schema["type"];
    let first = kinds
        .as_array()
        .and_then(|kinds| kinds.iter().find(|kind| *kind != "null"));
    match first.unwrap_or(kinds).as_str() {
        Some(kind) => kind,
        None if schema["properties"].is_object() => "object",
        None => "string",
    }
}

fn properties(schema: &Value, depth: usize) -> Map<String, Value> {
    let properties = schema["properties"].as_object();
    let examples = properties.into_iter().flatten();
    examples
        .map(|(name, schema)| (name.clone(), value(name, schema, depth)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_type_has_a_value() {
        let schema = json!({"type": "object", "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
            "days": {"type": "integer"},
            "share": {"type": ["null", "number"]},
            "exact": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "near": {"anyOf": [{"properties": {"lat": {"type": "number"}}}, {"type": "null"}]},
        }});
        let expected = json!({"city": "city", "unit": "celsius", "days": 1, "share": 1.5, "exact": true,
            "tags": ["tags"], "near": {"lat": 1.5}});
        assert_eq!(of(&schema), expected);
    }

    #[test]
    fn a_deep_schema_ends() {
        let deep = (0..100).fold(
            json!({"type": "string"}),
            |inner, _| json!({"type": "array", "items": inner}),
        );
        assert!(of(&deep).to_string().ends_with("]"));
    }
}
