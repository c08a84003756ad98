//! A settings schema and the code that reads the settings must not drift apart.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Checks that what a JSON Schema calls the default of each member is what `T` is without any.
///
/// # Panics
///
/// They differ, or the schema has no `properties`.
pub fn assert_schema_tells_defaults<T: DeserializeOwned + Default + Debug>(schema: &str) {
    let schema: Value = serde_json::from_str(schema).expect("a schema is JSON");
    let properties = schema["properties"]
        .as_object()
        .expect("a schema of settings has properties");
    let told = properties.iter();
    let defaults: Map<String, Value> = told
        .filter_map(|(name, property)| Some((name.clone(), property.get("default")?.clone())))
        .collect();
    let described: T = serde_json::from_value(Value::Object(defaults)).expect("defaults are settings");
    assert_eq!(format!("{described:?}"), format!("{:?}", T::default()));
}
