//! Values set at run time: from JSON to what the file would have given, and what of them must not be seen.

use serde_json::Value as Json;

use super::lay::Misfit;
use super::path::{SettingPath, written};
use crate::config::environment;
use crate::config::node::{Entry, Node, Origin, Value};

/// As the file would have given it, with its `path` at every part of it.
pub(super) fn node(json: &Json, path: &str) -> Result<Node, Misfit> {
    let value = match json {
        Json::Null => {
            return Err(Misfit::new(
                "null is not a value",
                "remove the setting, or set a value",
            ));
        }
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Whole(whole),
            None => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(literal(text)?),
        Json::Array(items) => {
            let items = items.iter().enumerate();
            let items = items.map(|(index, item)| node(item, &format!("{path}[{index}]")));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        Json::Object(members) => {
            let entry =
                |(key, value): (&String, &Json)| entry(key, value, &format!("{path}.{}", written(key)));
            Value::Table(members.iter().map(entry).collect::<Result<_, _>>()?)
        }
    };
    Ok(Node {
        value,
        at: Origin::Change(path.into()),
    })
}

pub(super) fn entry(key: &str, json: &Json, path: &str) -> Result<Entry, Misfit> {
    Ok(Entry {
        key: key.to_owned(),
        at: Origin::Change(path.into()),
        node: node(json, path)?,
    })
}

/// A text as the file must have it to mean just this. Whoever may change settings is not thereby given the variables
/// of the gateway's process.
fn literal(text: &str) -> Result<String, Misfit> {
    if environment::names_variable(text) {
        return Err(Misfit::new(
            "holds ${...}, and variables are for the file alone",
            "give the value itself",
        ));
    }
    Ok(text.replace('$', "$$"))
}

/// What somebody has typed: a value as TOML or JSON write it, or a text without quotes.
///
/// # Errors
///
/// Something that begins like a value and is none. Says nothing of what stands in it.
pub fn from_text(text: &str) -> Result<Json, &'static str> {
    let text = text.trim();
    if let Ok(json) = serde_json::from_str(text) {
        return Ok(json);
    }
    let line = format!("value = {text}");
    let table = line.parse::<toml::Table>();
    if let Some(value) = table
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
    {
        return match value {
            // No setting is a date.
            toml::Value::Datetime(date) => Ok(Json::String(date.to_string())),
            value => serde_json::to_value(value).map_err(|_| "holds a number that cannot be kept"),
        };
    }
    match text.chars().next() {
        None => Err("is empty; write \"\" for an empty text"),
        Some('{' | '[' | '"' | '\'') => Err(
            "is not a value; write it as in the file, such as 2.5, true, \"text\", [\"a\", \"b\"] or { a = 1 }",
        ),
        Some(_) => Ok(Json::String(text.to_owned())),
    }
}

/// As it would stand in the file, on one line.
pub fn to_text(json: &Json) -> String {
    match json {
        Json::Object(members) if members.is_empty() => "{}".to_owned(),
        Json::Object(members) => {
            let members = members.iter();
            let members: Vec<String> = members
                .map(|(key, value)| format!("{} = {}", written(key), to_text(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(to_text).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// Whether a value set at this path may hold a credential, and so must not lie readable anywhere.
pub fn holds_secret(path: &SettingPath, value: &Json) -> bool {
    path.fields().any(is_secret) || has_secret(value)
}

fn has_secret(value: &Json) -> bool {
    match value {
        Json::Object(members) => members
            .iter()
            .any(|(key, value)| is_secret(key) || has_secret(value)),
        Json::Array(items) => items.iter().any(has_secret),
        _ => false,
    }
}

/// Whether texts under this key are credentials. Settings of plugins are their own business, so their names are gone
/// by as well.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    // Not every "..._token": `first_token` is a time.
    let tokens = [
        "access_token",
        "api_token",
        "auth_token",
        "refresh_token",
        "session_token",
    ];
    let endings = ["apikey", "_key", "secret", "password", "passphrase"];
    ["credentials", "key", "token"].contains(&key.as_str())
        || endings.iter().chain(&tokens).any(|ending| key.ends_with(ending))
}
