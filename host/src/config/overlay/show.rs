//! The whole configuration as it holds, with where each value comes from. Credentials are masked, whatever they stand
//! in.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::lay::{find, name_of};
use super::path::SettingPath;
use super::value::is_secret;
use super::{Change, lay_over};
use crate::config::environment;
use crate::config::node::{Document, Entry, Node, Origin, Value};
use crate::config::reader::Report;
use crate::config::secret::Secret;

/// What holds.
#[derive(Debug, Serialize)]
pub struct Picture {
    /// As tables.
    pub config: Json,
    /// Every value by its path, in the order of the file.
    pub values: Vec<Shown>,
    /// What the file says at the path of each change, in their order; none where it says nothing.
    #[serde(skip)]
    pub in_file: Vec<Option<Json>>,
}

/// One value.
#[derive(Debug, Serialize)]
pub struct Shown {
    pub path: SettingPath,
    pub value: Json,
    /// Of the file; none for what was set at run time.
    pub line: Option<usize>,
}

/// Answers for an environment variable.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The text of a good file with changes that fit laid over it.
pub fn picture(text: &str, env: &dyn Fn(&str) -> Option<String>, changes: &[&Change]) -> Picture {
    let mut file = Document::from_toml(text).entries;
    let mut entries = file.clone();
    lay_over(&mut entries, changes, &Report::new(Path::new(""), env));
    let mut values = Vec::new();
    list(&entries, &[], env, &mut values);
    let in_file = changes.iter().map(|change| {
        let secret = change.path.fields().any(is_secret);
        find(&mut file, &change.path, env).map(|node| json(node, secret, env))
    });
    Picture {
        in_file: in_file.collect(),
        config: table(&entries, false, env),
        values,
    }
}

/// The value of a change as it may be shown.
pub fn masked(path: &SettingPath, value: &Json) -> Json {
    let secret = path.fields().any(is_secret);
    match super::value::node(value, "") {
        Ok(node) => json(&node, secret, &|_| None),
        // Only null and variables are none, which nobody could set.
        Err(_) => Json::Null,
    }
}

/// Tables are gone into, and lists of tables that have names; everything else is one value.
fn list(entries: &[Entry], keys: &[&str], env: Env<'_>, values: &mut Vec<Shown>) {
    for entry in entries {
        let keys: Vec<&str> = keys.iter().copied().chain([entry.key.as_str()]).collect();
        let secret = keys.contains(&"credentials") || is_secret(&entry.key);
        match &entry.node.value {
            Value::Table(below) if !below.is_empty() => list(below, &keys, env, values),
            Value::List(items) if !items.is_empty() && is_named(&keys) => {
                for item in items {
                    list_item(item, &keys, env, values);
                }
            }
            _ => values.push(Shown::new(
                &keys,
                &entry.node,
                &entry.at,
                json(&entry.node, secret, env),
            )),
        }
    }
}

fn list_item(item: &Node, keys: &[&str], env: Env<'_>, values: &mut Vec<Shown>) {
    let name = name_of(item, env).unwrap_or_default();
    let keys: Vec<&str> = keys.iter().copied().chain([name.as_str()]).collect();
    let fields: Vec<Entry> = match &item.value {
        Value::Table(fields) => fields
            .iter()
            .filter(|field| field.key != "name")
            .cloned()
            .collect(),
        _ => Vec::new(),
    };
    if fields.is_empty() {
        values.push(Shown::new(&keys, item, &item.at, Json::Object(Map::new())));
    } else {
        list(&fields, &keys, env, values);
    }
}

/// Lists whose items are called by their names.
fn is_named(keys: &[&str]) -> bool {
    matches!(keys, ["keys"] | ["vendors", _, "accounts" | "models"])
}

fn table(entries: &[Entry], secret: bool, env: Env<'_>) -> Json {
    let member = |entry: &Entry| {
        let secret = secret || (is_secret(&entry.key) && !matches!(entry.node.value, Value::List(_)));
        (entry.key.clone(), json(&entry.node, secret, env))
    };
    Json::Object(entries.iter().map(member).collect())
}

/// A secret is masked as what it stands for; other texts are shown as they are written, variables and all.
fn json(node: &Node, secret: bool, env: Env<'_>) -> Json {
    match &node.value {
        Value::Text(text) if secret => {
            let text = environment::expand(text, env).unwrap_or_default();
            Json::String(Secret::new(text).masked())
        }
        Value::Text(text) => Json::String(match node.at {
            Origin::Line(_) => text.clone(),
            // What was set at run time has no variables.
            Origin::Change(_) => text.replace("$$", "$"),
        }),
        Value::Whole(number) => Json::from(*number),
        Value::Number(number) => Json::from(*number),
        Value::Flag(flag) => Json::Bool(*flag),
        Value::List(items) => items.iter().map(|item| json(item, secret, env)).collect(),
        Value::Table(entries) => table(entries, secret, env),
    }
}

// === impl Shown ===

impl Shown {
    fn new(keys: &[&str], node: &Node, at: &Origin, value: Json) -> Self {
        let line = match (at, &node.at) {
            (Origin::Line(_), Origin::Line(line)) => Some(*line),
            _ => None,
        };
        Self {
            path: SettingPath::of(keys.iter().copied()),
            value,
            line,
        }
    }
}
