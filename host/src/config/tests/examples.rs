//! The examples that are shipped: they load, and the full one shows every setting there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{load, parse, strategy};
use crate::config::Loaded;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(name)
}

pub(super) fn example(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

/// Every variable is set, each to something else.
fn env(name: &str) -> Option<String> {
    Some(format!("value-of-{name}"))
}

fn loaded(name: &str) -> Loaded {
    load(&path(name), &env).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn minimal_needs_three_lines_to_serve() {
    let loaded = loaded("minimal.toml");
    assert_eq!(loaded.settings.keys[0].key.expose(), "value-of-PATCHBAY_KEY");
    assert_eq!(loaded.settings.plugins.folder, path("../target/plugins"));
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);

    let minimal = example("minimal.toml");
    let shown: Vec<&str> = minimal
        .lines()
        .rev()
        .take(3)
        .map(|line| line.strip_prefix("# ").unwrap())
        .collect();
    let text = format!("{minimal}{}\n", shown.join("\n"));
    let loaded = parse(&text, &path("minimal.toml"), &env).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let vendor = &loaded.settings.vendors["main"];
    assert_eq!(vendor.endpoints[""].as_str(), "https://api.example.com/v1");
    assert_eq!(
        vendor.accounts[0].credentials["api_key"].expose(),
        "value-of-VENDOR_KEY"
    );
    assert_eq!(loaded.settings.models["model-name"].targets.len(), 1);
}

#[test]
fn demo_needs_no_variable() {
    let loaded = load(&path("demo.toml"), &|_| None).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let settings = loaded.settings;
    assert!(settings.keys[0].key.matches(b"demo"));
    assert!(settings.server.admin_key.unwrap().matches(b"demo-admin"));
    assert_eq!(
        settings.models.keys().collect::<Vec<_>>(),
        ["echo", "embed", "large", "small", "translated"]
    );
    for name in ["embed", "large", "small"] {
        let vendors: Vec<&str> = settings.models[name]
            .targets
            .iter()
            .map(|target| target.vendor.as_str())
            .collect();
        assert_eq!(vendors, ["sim-one", "sim-two"], "{name}");
    }
    assert_eq!(strategy(&settings.models["small"]), Some(("round-robin", "{}")));
    assert_eq!(strategy(&settings.models["large"]), Some(("priority", "{}")));
    for vendor in ["sim-one", "sim-two"] {
        let accounts = &settings.vendors[vendor].accounts;
        let keys: Vec<&str> = accounts
            .iter()
            .map(|account| account.credentials["api_key"].expose())
            .collect();
        assert_eq!(keys, [format!("{vendor}-a"), format!("{vendor}-b")]);
    }
}

#[test]
fn full_loads_without_a_warning() {
    let loaded = loaded("full.toml");
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

/// Puts an unknown field into every table of the file. Each is answered with the fields that are known there,
/// and every one of them must stand in one of the tables of that kind.
#[test]
fn full_shows_every_setting() {
    let full = example("full.toml");
    let is_header = |line: &&str| line.starts_with('[');
    let with_unknown: Vec<String> = full
        .lines()
        .map(|line| {
            if is_header(&line) {
                format!("{line}\nzzzzzzzz = 1")
            } else {
                line.replace("{ ", "{ zzzzzzzz = 1, ")
            }
        })
        .collect();
    let text = format!("zzzzzzzz = 1\n{}", with_unknown.join("\n"));
    let problems = parse(&text, &path("full.toml"), &env).unwrap_err();
    let tables = full.parse::<Table>().unwrap();

    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for problem in problems
        .as_slice()
        .iter()
        .filter(|problem| problem.message == "unknown field")
    {
        let known = problem.suggestion.clone().unwrap();
        let table = table_at(
            &tables,
            problem.field.trim_end_matches("zzzzzzzz").trim_end_matches('.'),
        );
        shown.entry(known).or_default().extend(table.keys().cloned());
    }
    assert_eq!(shown.len(), 26, "kinds of tables: {:?}", shown.keys());
    for (known, shown) in shown {
        let known: BTreeSet<String> = known
            .strip_prefix("known fields are ")
            .unwrap()
            .split(", ")
            .map(str::to_owned)
            .collect();
        assert_eq!(known, shown);
    }
}

/// The table at a path such as `vendors.a.models[0]`.
fn table_at<'a>(root: &'a Table, path: &str) -> &'a Table {
    let mut table = root;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let (name, index) = match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
            Some((name, index)) => (name, index.parse().unwrap()),
            None => (part, 0),
        };
        table = match &table[name] {
            Value::Array(items) => items[index].as_table().unwrap(),
            value => value.as_table().unwrap(),
        };
    }
    table
}
