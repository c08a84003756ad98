//! What laying over makes of a file: what holds, what is refused, what is set aside, what is shown.

mod misfits;

use std::path::Path;

use serde_json::{Value as Json, json};

use super::*;
use crate::config::tests::strategy;

const FILE: &str = r#"
[[keys]]
name = "me"
key = "a-key-of-a-caller"

[vendors.one]
api_key = "${KEY}"
models = ["m", "gpt-4.1"]

[vendors.two]
[[vendors.two.accounts]]
name = "a"
api_key = "two-a"
weight = 3.0
[[vendors.two.accounts]]
name = "b"
credentials = { api_key = "two-b", region = "eu" }
[[vendors.two.models]]
name = "m"
price = { input = 1.0 }

[models.fast]
targets = ["one/m", { vendor = "two", model = "m", accounts = ["a"] }]
"#;

fn env(name: &str) -> Option<String> {
    (name == "KEY").then(|| "hunter2-of-the-environment".to_owned())
}

fn path(text: &str) -> SettingPath {
    text.parse().unwrap()
}

fn set(at: &str, value: Json) -> Change {
    Change {
        path: path(at),
        to: To::Value(value),
        at: 0,
    }
}

fn removed(at: &str) -> Change {
    Change {
        to: To::Removed,
        ..set(at, Json::Null)
    }
}

fn laid(file: &str, changes: &[Change]) -> Laid {
    lay(file, Path::new("config.toml"), &env, changes).unwrap()
}

/// What is in effect when all changes fit.
fn settings(changes: &[Change]) -> crate::config::Settings {
    let laid = laid(FILE, changes);
    assert_eq!(laid.aside, []);
    laid.loaded.settings
}

fn names(accounts: &[crate::config::Account]) -> Vec<&str> {
    accounts.iter().map(|account| account.name.as_str()).collect()
}

#[test]
fn fields_of_accounts_and_models_are_found_by_name() {
    let settings = settings(&[
        set("vendors.two.accounts.a.weight", json!(0.5)),
        set("vendors.two.accounts.b.enabled", json!(false)),
        set("vendors.two.accounts.b.tags", json!(["x"])),
        set("vendors.two.models.m.price.output", json!(2)),
        set("vendors.two.models.m.parameters.temperature", json!(0.1)),
        set("vendors.one.models.\"gpt-4.1\".concurrency", json!(7)),
        set("models.fast.settings.margin", json!(1)),
        set("models.fast.strategy", json!("quiet")),
        set("routing.strategy", json!("spread")),
        set("default_model", json!("fast")),
    ]);
    let (one, two) = (&settings.vendors["one"], &settings.vendors["two"]);
    assert_eq!((two.accounts[0].weight, two.accounts[1].weight), (0.5, 1.0));
    assert!(!two.accounts[1].enabled && two.accounts[1].tags == ["x"]);
    assert_eq!(
        (two.models[0].price.input, two.models[0].price.output),
        (Some(1.0), Some(2.0))
    );
    assert_eq!(two.models[0].parameters["temperature"], "0.1");
    assert_eq!(
        (one.models[0].limits.concurrency, one.models[1].limits.concurrency),
        (None, Some(7))
    );
    assert_eq!(
        strategy(&settings.models["fast"]),
        Some(("quiet", r#"{"margin":1}"#))
    );
    assert_eq!(strategy(&settings.models["gpt-4.1"]), Some(("spread", "{}")));
    assert_eq!(settings.default_model.as_deref(), Some("fast"));
}

#[test]
fn accounts_come_go_and_take_over() {
    let settings = settings(&[
        set("vendors.two.accounts.c", json!({"api_key": "$two-c$"})),
        set("vendors.two.accounts.c.weight", json!(2)),
        removed("vendors.two.accounts.b"),
        set("vendors.two.accounts.a.api_key", json!("two-a-anew")),
        // A vendor that describes its account in place keeps it.
        set("vendors.one.accounts.spare", json!({"api_key": "spare"})),
        set("vendors.one.accounts.default.priority", json!(5)),
    ]);
    let two = &settings.vendors["two"].accounts;
    assert_eq!(names(two), ["a", "c"]);
    assert_eq!(two[0].credentials["api_key"].expose(), "two-a-anew");
    assert_eq!((two[0].weight, two[1].weight), (3.0, 2.0));
    assert_eq!(
        two[1].credentials["api_key"].expose(),
        "$two-c$",
        "taken as it is"
    );
    let one = &settings.vendors["one"].accounts;
    assert_eq!(names(one), ["default", "spare"]);
    assert_eq!(
        one[0].credentials["api_key"].expose(),
        "hunter2-of-the-environment"
    );
    assert_eq!(one[0].priority, 5);
    assert_eq!(settings.models["fast"].targets[0].accounts, [0, 1]);
}

#[test]
fn a_key_is_one_credential_however_it_is_written() {
    for at in [
        "vendors.two.accounts.b.api_key",
        "vendors.two.accounts.b.credentials.api_key",
    ] {
        let settings = settings(&[set(at, json!("anew"))]);
        let credentials = &settings.vendors["two"].accounts[1].credentials;
        assert_eq!(credentials["api_key"].expose(), "anew");
        assert_eq!(credentials["region"].expose(), "eu");
    }
    let whole = settings(&[set(
        "vendors.two.accounts.a.credentials",
        json!({"api_key": "anew"}),
    )]);
    let credentials = &whole.vendors["two"].accounts[0].credentials;
    assert_eq!((credentials["api_key"].expose(), credentials.len()), ("anew", 1));
}

#[test]
fn vendors_and_public_models_can_be_added_whole_and_in_any_order() {
    let settings = settings(&[
        set("default_model", json!("new")),
        set("vendors.three.accounts.k.weight", json!(4)),
        set("models.new", json!({"targets": ["three/x"]})),
        set("models.slow.targets", json!(["one/gpt-4.1"])),
        set(
            "vendors.three",
            json!({"adapter": "openai", "models": ["x"], "accounts": [{"name": "k", "api_key": "k"}]}),
        ),
    ]);
    assert_eq!(settings.vendors["three"].accounts[0].weight, 4.0);
    assert_eq!(settings.models["new"].targets[0].vendor, "three");
    assert_eq!(settings.models["slow"].targets.len(), 1);
}

#[test]
fn what_fits_no_more_is_set_aside_alone() {
    let changes = [
        set("vendors.two.accounts.a.weight", json!(9)),
        set("vendors.one.models.m.weight", json!(8)),
        set("vendors.two.accounts.c", json!({"api_key": "k"})),
        set(
            "models.mine",
            json!({"targets": [{"vendor": "two", "model": "m", "accounts": ["c"]}]}),
        ),
    ];
    assert_eq!(laid(FILE, &changes).aside, []);
    // The file loses the vendor: three of the changes have lost their place.
    let without: String =
        FILE.split("[vendors.two]").next().unwrap().to_owned() + "[models.fast]\ntargets = [\"one/m\"]\n";
    let laid_over = laid(&without, &changes);
    let aside: Vec<String> = laid_over
        .aside
        .iter()
        .map(|aside| aside.path.to_string())
        .collect();
    assert_eq!(aside.len(), 3, "{aside:?}");
    assert!(!aside.contains(&"vendors.one.models.m.weight".to_owned()));
    assert_eq!(laid_over.loaded.settings.vendors["one"].models[0].weight, 8.0);

    // The file gets the vendor that was added at run time: the file decides where its credentials go.
    let added = [
        set("vendors.three", json!({"models": ["x"]})),
        set("vendors.three.models.x.weight", json!(2)),
    ];
    let with = format!("{FILE}\n[vendors.three]\nmodels = [\"x\"]\n");
    let laid_over = laid(&with, &added);
    assert_eq!(laid_over.aside.len(), 1);
    assert_eq!(laid_over.loaded.settings.vendors["three"].models[0].weight, 2.0);
}

#[test]
fn a_file_that_is_wrong_stays_wrong() {
    let file = FILE.replace("weight = 3.0", "weight = -3.0");
    let changes = [set("vendors.two.accounts.a.weight", json!(1))];
    let problems = lay(&file, Path::new("config.toml"), &env, &changes).unwrap_err();
    assert!(problems.to_string().contains("config.toml:14"), "{problems}");
}

#[test]
fn the_picture_shows_where_values_come_from_and_no_secret() {
    let changes = [
        set("vendors.two.accounts.a.weight", json!(9)),
        set(
            "vendors.two.accounts.c",
            json!({"api_key": "hunter2-set-at-run-time", "tags": ["$x"]}),
        ),
        set(
            "vendors.one.accounts.default.api_key",
            json!("hunter2-rotated-key"),
        ),
        removed("vendors.two.accounts.b"),
    ];
    let changes: Vec<&Change> = changes.iter().collect();
    let picture = picture(FILE, &env, &changes);
    let text = serde_json::to_string(&picture).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("a-key-of"), "{text}");
    let shown: Vec<(String, Json, Option<usize>)> = picture
        .values
        .into_iter()
        .map(|shown| (shown.path.to_string(), shown.value, shown.line))
        .collect();
    let has = |path: &str, value: Json, line: Option<usize>| {
        let entry = (path.to_owned(), value, line);
        assert!(shown.contains(&entry), "{entry:?} is not in {shown:#?}");
    };
    has("keys.me.key", json!("***ller"), Some(4));
    has("vendors.two.accounts.a.weight", json!(9), None);
    has("vendors.two.accounts.a.api_key", json!("***"), Some(13));
    has("vendors.two.accounts.c.api_key", json!("***time"), None);
    has("vendors.two.accounts.c.tags", json!(["$x"]), None);
    has("vendors.one.accounts.default.api_key", json!("***-key"), None);
    has("vendors.one.models.\"gpt-4.1\"", json!({}), Some(8));
    assert!(
        !shown
            .iter()
            .any(|(path, ..)| path.starts_with("vendors.two.accounts.b"))
    );
    assert_eq!(
        picture.in_file,
        [
            Some(json!(3.0)),
            None,
            Some(json!("***ment")),
            Some(json!({"name": "b", "credentials": {"api_key": "***", "region": "***"}}))
        ]
    );
}

#[test]
fn secrets_are_known_by_their_names() {
    for (at, value, secret) in [
        ("vendors.v.accounts.a", json!({"api_key": "x"}), true),
        ("vendors.v.accounts.a", json!({"weight": 1}), false),
        ("vendors.v.accounts.a.api_key", json!("x"), true),
        ("vendors.v.accounts.a.credentials.region", json!("x"), true),
        (
            "vendors.v",
            json!({"accounts": [{"credentials": {"x": "y"}}]}),
            true,
        ),
        ("vendors.v", json!({"settings": {"client_secret": "y"}}), true),
        ("vendors.v.models.m.parameters", json!({"max_tokens": 5}), false),
        ("models.fast.settings.api_token", json!("x"), true),
        // Names are nobody's business.
        ("vendors.key.accounts.team_key.weight", json!(1), false),
        ("vendors.v.models.token.weight", json!(1), false),
        ("models.secret.strategy", json!("x"), false),
    ] {
        assert_eq!(holds_secret(&path(at), &value), secret, "{at}");
    }
}

#[test]
fn values_are_typed_as_in_the_file_or_bare() {
    for (text, value) in [
        ("2.5", json!(2.5)),
        ("true", json!(true)),
        ("fast", json!("fast")),
        ("gpt-4.1", json!("gpt-4.1")),
        ("\"2.5\"", json!("2.5")),
        ("'x'", json!("x")),
        ("[\"a\", \"b\"]", json!(["a", "b"])),
        ("{ a = 1, b = { c = \"d\" } }", json!({"a": 1, "b": {"c": "d"}})),
        ("{\"a\": 1}", json!({"a": 1})),
        ("2026-01-01", json!("2026-01-01")),
        ("x\ny = 1", json!("x\ny = 1")),
    ] {
        assert_eq!(from_text(text), Ok(value.clone()), "{text}");
        assert_eq!(from_text(&to_text(&value)), Ok(value), "{text}");
    }
    for text in ["", "[1", "{ a = }", "\"x"] {
        assert!(from_text(text).is_err(), "{text}");
    }
}
