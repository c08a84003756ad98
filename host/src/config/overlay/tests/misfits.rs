//! What has no place in the file, and what is said about it.

use serde_json::{Value as Json, json};

use super::*;

/// Why one change is set aside.
fn why(change: &Change) -> String {
    let laid = laid(FILE, std::slice::from_ref(change));
    assert_eq!(laid.aside.len(), 1, "{} fits", change.path);
    laid.aside[0].why.clone()
}

#[test]
fn what_does_not_fit_says_why_and_what_to_do() {
    let cases = [
        (
            set("vendors.two.accounts.a.weight", json!(-1)),
            "vendors.two.accounts.a.weight: -1 is not a number of at least 0",
        ),
        (
            set("vendors.two.accounts.a.weight", json!("2")),
            "vendors.two.accounts.a.weight: expected a number, found a string, write for example 0.5",
        ),
        (
            set("vendors.two.accounts.a.wieght", json!(2)),
            "vendors.two.accounts.a.wieght: unknown field, did you mean \"weight\"?",
        ),
        (
            set("vendors.two.accounts.x.weight", json!(2)),
            "vendors.two.accounts.x.weight: vendor \"two\" has no account \"x\", known accounts are \"a\", \"b\"",
        ),
        (
            set("vendors.tow.accounts.a.weight", json!(2)),
            "vendors.tow.accounts.a.weight: there is no vendor \"tow\", did you mean \"two\"?",
        ),
        (
            set("vendors.one.models.gpt-4.1.weight", json!(2)),
            "vendors.one.models.gpt-4.1.weight: vendor \"one\" has no model \"gpt-4\", quote a name that has dots: \"gpt-4.1\"",
        ),
        (
            set("vendors.two.accounts.c", json!({"weight": 1, "nmae": "c"})),
            "vendors.two.accounts.c.nmae: unknown field, did you mean \"name\"?",
        ),
        (
            set("vendors.two.accounts.c", json!({"name": "d"})),
            "vendors.two.accounts.c: has another name than its path, leave name out of the value",
        ),
        (
            set("vendors.two.accounts.c", json!("sk-hunter2")),
            "vendors.two.accounts.c: expected a table, found a string, write for example { weight = 2.0 }",
        ),
        (
            set("vendors.two.accounts.c", json!({"api_key": "${KEY}"})),
            "vendors.two.accounts.c: holds ${...}, and variables are for the file alone, give the value itself",
        ),
        (
            set("vendors.two.accounts.c", json!({"api_key": ""})),
            "vendors.two.accounts.c.api_key: is empty, write a value or \"${NAME}\", an environment variable",
        ),
        (
            set("vendors.two.accounts.a", json!({"weight": 2})),
            "vendors.two.accounts.a: would be without credentials, and has some, set its fields one by one, such as \
             vendors.two.accounts.a.weight",
        ),
        (
            set("vendors.two.accounts.a.name", json!("z")),
            "vendors.two.accounts.a.name: cannot be changed, add another one under the new name and remove this one",
        ),
        (
            set("vendors.two.accounts.a.priority", Json::Null),
            "vendors.two.accounts.a.priority: null is not a value, remove the setting, or set a value",
        ),
        (
            set("vendors.two.accounts", json!([])),
            "vendors.two.accounts: is changed one by one, write vendors.two.accounts.NAME",
        ),
        (
            set("vendors.two.base_url", json!("http://elsewhere")),
            "vendors.two.base_url: is for the file alone, at run time a vendor's accounts and models can be changed, or a \
          vendor added that the file does not have",
        ),
        (
            set("vendors.two", json!({"base_url": "http://elsewhere"})),
            "vendors.two: stands in the file, in line 10, change vendors.two.accounts.NAME or vendors.two.models.NAME, or \
          the file",
        ),
        (
            set("vendors.one.api_key", json!("k")),
            "vendors.one.api_key: stands for the account \"default\", write vendors.one.accounts.default.api_key",
        ),
        (
            set("models.fats.strategy", json!("quiet")),
            "models.fats.strategy: [models] has no \"fats\", did you mean \"fast\"; or set models.fats.targets first",
        ),
        (
            set("models.fast.target", json!([])),
            "models.fast.target: unknown field, did you mean \"targets\"?",
        ),
        (
            set("models.fast.targets", json!(["one/x"])),
            "models.fast.targets[0]: vendor \"one\" has no model \"x\", known models are \"m\", \"gpt-4.1\"",
        ),
        (
            set("default_model", json!("fsat")),
            "default_model: unknown public model \"fsat\", did you mean \"fast\"?",
        ),
        (
            set("server.listen", json!("0.0.0.0:1")),
            "server.listen: is for the file alone, change it there; at run time these can be set: default_model, models, \
          routing, vendors",
        ),
        (
            set("vendor.one", json!({})),
            "vendor.one: unknown field, did you mean \"vendors\"?",
        ),
        (
            removed("vendors.two.accounts.a"),
            "config.toml:23: models.fast.targets[1].accounts[0]: vendor \"two\" has no account \"a\", known accounts are \"b\"",
        ),
    ];
    let mut wrong = Vec::new();
    for (change, expected) in cases {
        let why = why(&change);
        assert!(!why.contains("hunter2"), "{why}");
        if why != expected {
            wrong.push((why, expected));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_missing_is_told_with_what_was_meant() {
    let missing = |at: &str| missing(FILE, &env, &[], &path(at));
    assert_eq!(missing("vendors.two.accounts.a"), None);
    assert_eq!(missing("vendors.one.accounts.default"), None);
    assert_eq!(missing("vendors.one.models.m"), None);
    for (at, said) in [
        (
            "vendors.two.accounts.x",
            "vendor \"two\" has no account \"x\", known accounts are",
        ),
        ("vendors.three.accounts.x", "there is no vendor \"three\""),
        ("vendors.tow", "is not there, did you mean \"two\"?"),
        ("models.fats", "is not there, did you mean \"fast\"?"),
        ("vendors.two.accounts.b.weight", "is not set"),
        ("default_model", "is not set"),
    ] {
        let why = missing(at).unwrap();
        assert!(why.starts_with(&format!("{at}: ")) && why.contains(said), "{why}");
    }
}
