//! Accounts and models as the file lists them, found by their names.

use super::{API_KEY, CREDENTIALS, Env, Misfit};
use crate::config::environment;
use crate::config::node::{Entry, Node, Origin, Value};
use crate::config::overlay::SettingPath;
use crate::config::suggest;

/// The account of a vendor that lists none.
const DEFAULT: &str = "default";

/// The accounts or models of a vendor. One that describes its account in place has it listed from here on.
pub(super) fn items<'a>(
    entries: &'a mut [Entry],
    vendor: &str,
    list: &str,
) -> Result<&'a mut Vec<Node>, Misfit> {
    let origin = Origin::Change(SettingPath::of(["vendors", vendor, list]).to_string().into());
    let vendors = table(entries, "vendors");
    let known: Vec<String> = vendors
        .map(|vendors| vendors.iter().map(|entry| entry.key.clone()).collect())
        .unwrap_or_default();
    let fields = table(entries, "vendors").and_then(|vendors| table(vendors, vendor));
    let Some(fields) = fields else {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let message = format!("there is no vendor {vendor:?}");
        return Err(Misfit::new(message, suggest::among(vendor, "vendors", &known)));
    };
    if fields.iter().all(|entry| entry.key != list) {
        let items = if list == "accounts" {
            vec![in_place(fields, &origin)]
        } else {
            Vec::new()
        };
        fields.push(Entry {
            key: list.to_owned(),
            at: origin.clone(),
            node: Node {
                value: Value::List(items),
                at: origin,
            },
        });
    }
    let listed = fields.iter_mut().find(|entry| entry.key == list);
    match listed.map(|entry| &mut entry.node.value) {
        Some(Value::List(items)) => Ok(items),
        _ => Err(Misfit::new(format!("vendors.{vendor}.{list} is not a list"), "")),
    }
}

/// The account that the vendor itself describes, taken out of it.
fn in_place(vendor: &mut Vec<Entry>, origin: &Origin) -> Node {
    let (own, rest) = std::mem::take(vendor)
        .into_iter()
        .partition(|entry| [API_KEY, CREDENTIALS].contains(&entry.key.as_str()));
    *vendor = rest;
    let mut account: Vec<Entry> = own;
    account.insert(0, name_entry(DEFAULT, origin));
    Node {
        value: Value::Table(account),
        at: origin.clone(),
    }
}

pub(super) fn name_entry(name: &str, origin: &Origin) -> Entry {
    Entry {
        key: "name".to_owned(),
        at: origin.clone(),
        node: Node {
            value: Value::Text(name.replace('$', "$$")),
            at: origin.clone(),
        },
    }
}

/// The index of the item called `name`, which may be a text alone.
pub(in crate::config::overlay) fn position(items: &[Node], name: &str, env: Env<'_>) -> Option<usize> {
    items
        .iter()
        .position(|item| name_of(item, env).as_deref() == Some(name))
}

pub(in crate::config::overlay) fn name_of(item: &Node, env: Env<'_>) -> Option<String> {
    let written = match &item.value {
        Value::Text(written) => written,
        Value::Table(entries) => match &entries.iter().find(|entry| entry.key == "name")?.node.value {
            Value::Text(written) => written,
            _ => return None,
        },
        _ => return None,
    };
    environment::expand(written, env).ok()
}

/// The fields of an item; a name alone becomes a table first.
pub(super) fn table_of<'a>(item: &'a mut Node, name: &str) -> Result<&'a mut Vec<Entry>, Misfit> {
    if matches!(item.value, Value::Text(_)) {
        item.value = Value::Table(vec![name_entry(name, &item.at)]);
    }
    match &mut item.value {
        Value::Table(entries) => Ok(entries),
        _ => Err(Misfit::new(format!("{name:?} is not a table in the file"), "")),
    }
}

pub(super) fn table<'a>(entries: &'a mut [Entry], key: &str) -> Option<&'a mut Vec<Entry>> {
    let entry = entries.iter_mut().find(|entry| entry.key == key)?;
    match &mut entry.node.value {
        Value::Table(entries) => Some(entries),
        _ => None,
    }
}

/// Names with dots that were not quoted are a frequent slip.
pub(super) fn unknown(noun: &str, vendor: &str, name: &str, rest: &[&str], items: &[Node]) -> Misfit {
    let known: Vec<String> = items.iter().filter_map(|item| name_of(item, &|_| None)).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let joined = |count: usize| {
        std::iter::once(&name)
            .chain(&rest[..count])
            .copied()
            .collect::<Vec<_>>()
            .join(".")
    };
    let meant = (1..=rest.len())
        .map(joined)
        .find(|joined| known.contains(&joined.as_str()));
    let suggestion = match meant {
        Some(meant) => format!("quote a name that has dots: {meant:?}"),
        None => suggest::among(name, &format!("{noun}s"), &known),
    };
    Misfit::new(format!("vendor {vendor:?} has no {noun} {name:?}"), suggestion)
}
