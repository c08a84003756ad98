//! One change laid over the parsed file: into tables by key, into accounts and models by name.

mod lists;

use super::path::SettingPath;
use super::{Change, To, permit, value};
use crate::config::node::{Entry, Node, Origin, Value};
use crate::config::suggest;
pub(super) use lists::name_of;
use lists::{items, name_entry, position, table, table_of, unknown};

/// Why a change has no place, worded like a problem.
#[derive(Debug, PartialEq)]
pub(super) struct Misfit {
    pub(super) message: String,
    /// May be empty.
    pub(super) suggestion: String,
}

/// Answers for an environment variable.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

const API_KEY: &str = "api_key";
const CREDENTIALS: &str = "credentials";

// === impl Misfit ===

impl Misfit {
    pub(super) fn new(message: impl Into<String>, suggestion: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            suggestion: suggestion.into(),
        }
    }
}

/// Lays a change over `entries`, the whole file. What does not fit leaves them as they are, or nearly so.
pub(super) fn put(entries: &mut Vec<Entry>, change: &Change, env: Env<'_>) -> Result<(), Misfit> {
    permit::check(&change.path)?;
    let keys = change.path.keys();
    let node = match &change.to {
        To::Value(json) => Some(value::node(json, &change.path.to_string())?),
        To::Removed => None,
    };
    match keys[..] {
        ["vendors", vendor] => check_vendor(entries, vendor, node.as_ref())?,
        ["models", model, field, ..] => check_model(entries, model, field)?,
        ["vendors", vendor, list, name, ref rest @ ..] => {
            let items = items(entries, vendor, list)?;
            let at = position(items, name, env);
            return match (rest, node) {
                ([], None) => {
                    at.map(|at| items.remove(at));
                    Ok(())
                }
                ([], Some(node)) => {
                    if list == "accounts" {
                        check_credentials(at.map(|at| &items[at]), &node, &change.path)?;
                    }
                    put_item(items, at, name, node)
                }
                (rest, node) => {
                    let Some(at) = at else {
                        return Err(unknown(&list[..list.len() - 1], vendor, name, rest, items));
                    };
                    let item = table_of(&mut items[at], name)?;
                    keep_one_api_key(item, rest);
                    set(item, rest, &keys, node)
                }
            };
        }
        _ => {}
    }
    set(entries, &keys, &keys, node)
}

/// Why nothing stands at the path; none if something does.
pub(super) fn missing(entries: &mut [Entry], path: &SettingPath, env: Env<'_>) -> Option<Misfit> {
    if find(entries, path, env).is_some() {
        return None;
    }
    match path.keys()[..] {
        [
            "vendors",
            vendor,
            list @ ("accounts" | "models"),
            name,
            ref rest @ ..,
        ] => match items(entries, vendor, list) {
            Ok(items) if position(items, name, env).is_none() => {
                Some(unknown(&list[..list.len() - 1], vendor, name, rest, items))
            }
            Ok(_) => Some(Misfit::new("is not set", "")),
            Err(misfit) => Some(misfit),
        },
        [table @ ("vendors" | "models"), name] => {
            let known: Vec<&str> = entries
                .iter()
                .filter(|entry| entry.key == table)
                .flat_map(|entry| match &entry.node.value {
                    Value::Table(entries) => entries.as_slice(),
                    _ => &[],
                })
                .map(|entry| entry.key.as_str())
                .collect();
            Some(Misfit::new("is not there", suggest::among(name, table, &known)))
        }
        _ => Some(Misfit::new("is not set", "")),
    }
}

/// What stands at the path.
pub(super) fn find<'a>(entries: &'a mut [Entry], path: &SettingPath, env: Env<'_>) -> Option<&'a Node> {
    let keys = path.keys();
    if let [
        "vendors",
        vendor,
        list @ ("accounts" | "models"),
        name,
        ref rest @ ..,
    ] = keys[..]
    {
        let items = items(entries, vendor, list).ok()?;
        let item = items.get(position(items, name, env)?)?;
        return below(item, rest).or_else(|| match rest {
            [API_KEY] => below(item, &[CREDENTIALS, API_KEY]),
            _ => None,
        });
    }
    let (first, rest) = keys.split_first()?;
    below(&entries.iter().find(|entry| entry.key == *first)?.node, rest)
}

fn below<'a>(node: &'a Node, keys: &[&str]) -> Option<&'a Node> {
    keys.iter().try_fold(node, |node, key| match &node.value {
        Value::Table(entries) => Some(&entries.iter().find(|entry| entry.key == *key)?.node),
        _ => None,
    })
}

/// Whoever wants to change one field of an account must not lose its key by giving the rest anew.
fn check_credentials(before: Option<&Node>, now: &Node, path: &SettingPath) -> Result<(), Misfit> {
    let has_some = |node: &Node| {
        [API_KEY, CREDENTIALS]
            .iter()
            .any(|key| below(node, &[key]).is_some())
    };
    if before.is_some_and(has_some) && matches!(now.value, Value::Table(_)) && !has_some(now) {
        return Err(Misfit::new(
            "would be without credentials, and has some",
            format!("set its fields one by one, such as {path}.weight"),
        ));
    }
    Ok(())
}

/// Where the credentials of a vendor of the file are sent is decided in the file.
fn check_vendor(entries: &mut [Entry], vendor: &str, node: Option<&Node>) -> Result<(), Misfit> {
    let known =
        table(entries, "vendors").and_then(|vendors| vendors.iter().find(|entry| entry.key == vendor));
    match known {
        Some(Entry {
            at: Origin::Line(line),
            ..
        }) if node.is_some() => Err(Misfit::new(
            format!("stands in the file, in line {line}"),
            format!("change vendors.{vendor}.accounts.NAME or vendors.{vendor}.models.NAME, or the file"),
        )),
        _ => Ok(()),
    }
}

fn check_model(entries: &mut [Entry], model: &str, field: &str) -> Result<(), Misfit> {
    let known: Vec<&str> = table(entries, "models")
        .map(|models| models.iter().map(|entry| entry.key.as_str()).collect())
        .unwrap_or_default();
    if known.contains(&model) || field == "targets" {
        return Ok(());
    }
    Err(Misfit::new(
        format!("[models] has no {model:?}"),
        format!(
            "{}; or set models.{}.targets first",
            suggest::among(model, "public models", &known).trim_end_matches('?'),
            super::path::written(model),
        ),
    ))
}

/// A whole account or model: in the place of the one before, or behind the others.
fn put_item(items: &mut Vec<Node>, at: Option<usize>, name: &str, mut node: Node) -> Result<(), Misfit> {
    let Value::Table(entries) = &mut node.value else {
        let found = node.value.noun();
        return Err(Misfit::new(
            format!("expected a table, found {found}"),
            "write for example { weight = 2.0 }",
        ));
    };
    match entries
        .iter()
        .find(|entry| entry.key == "name")
        .map(|entry| &entry.node.value)
    {
        None => entries.insert(0, name_entry(name, &node.at)),
        Some(Value::Text(own)) if *own == name.replace('$', "$$") => {}
        Some(_) => {
            return Err(Misfit::new(
                "has another name than its path",
                "leave name out of the value",
            ));
        }
    }
    match at {
        Some(at) => items[at] = node,
        None => items.push(node),
    }
    Ok(())
}

/// Of `api_key` and `credentials.api_key` the one that is set now stays.
fn keep_one_api_key(item: &mut Vec<Entry>, rest: &[&str]) {
    match rest {
        [API_KEY] => {
            if let Some(credentials) = table(item, CREDENTIALS) {
                credentials.retain(|entry| entry.key != API_KEY);
            }
        }
        [CREDENTIALS] => item.retain(|entry| entry.key != API_KEY),
        _ => {}
    }
}

/// Sets what stands below `entries` at `rest`, the end of `keys`; tables on the way are made.
fn set(entries: &mut Vec<Entry>, rest: &[&str], keys: &[&str], node: Option<Node>) -> Result<(), Misfit> {
    let [first, rest @ ..] = rest else { return Ok(()) };
    let here = SettingPath::of(keys[..keys.len() - rest.len()].iter().copied()).to_string();
    let origin = Origin::Change(here.as_str().into());
    let at = entries.iter().position(|entry| entry.key == *first);
    if rest.is_empty() {
        match (at, node) {
            (Some(at), Some(node)) => {
                entries[at].at = origin;
                entries[at].node = node;
            }
            (Some(at), None) => drop(entries.remove(at)),
            (None, Some(node)) => entries.push(Entry {
                key: (*first).to_owned(),
                at: origin,
                node,
            }),
            (None, None) => {}
        }
        return Ok(());
    }
    if at.is_none() {
        entries.push(Entry {
            key: (*first).to_owned(),
            at: origin.clone(),
            node: Node {
                value: Value::Table(Vec::new()),
                at: origin,
            },
        });
    }
    match table(entries, first) {
        Some(below) => set(below, rest, keys, node),
        None => Err(Misfit::new(
            format!("{here} is not a table"),
            format!("set {here} itself"),
        )),
    }
}
