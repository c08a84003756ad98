//! Changes from the command line, the careless ones among them.

use std::process::Output;

use patchbay_tests::{ADMIN_KEY, Gateway, run_with_input};
use serde_json::{Value, json};

use crate::changes::{accounts, gateway, key};
use crate::setup::{hello, simulator, with};

/// Runs a command against this gateway with this on its standard input.
fn command(gateway: &Gateway, arguments: &[&str], input: &str) -> Output {
    let url = format!("http://{}", gateway.address);
    let arguments = [arguments, &["--url", &url]].concat();
    let environment = [
        ("PATCHBAY_ADMIN_KEY", ADMIN_KEY),
        ("SPARE_KEY", "key-of-the-environment.unspeakable"),
    ];
    run_with_input(&arguments, &environment, input)
}

/// What it prints; it must go well.
#[track_caller]
fn said(gateway: &Gateway, arguments: &[&str], input: &str) -> String {
    let output = command(gateway, arguments, input);
    let (out, error) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {out}{error}");
    out
}

/// Why it fails.
#[track_caller]
fn refused(gateway: &Gateway, arguments: &[&str], input: &str) -> String {
    let output = command(gateway, arguments, input);
    let (out, error) = texts(&output);
    assert_ne!(output.status.code(), Some(0), "{arguments:?}: {out}");
    assert!(out.is_empty(), "{out}");
    error
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn keys_are_added_set_rotated_switched_and_removed() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    let file = gateway.folder().join("key.txt");
    std::fs::write(&file, format!("{}\n", key("key-of-a-file"))).unwrap();
    let file = file.to_str().unwrap();
    let said = |arguments: &[&str], input: &str| said(&gateway, arguments, input);
    assert_eq!(
        said(&["keys", "disable", "sim/first"], ""),
        "vendors.sim.accounts.first.enabled = false\n"
    );
    assert_eq!(
        said(
            &["keys", "add", "sim/second", "--weight", "2", "--tags", "a,b"],
            &format!("{}\n", key("key-of-the-input"))
        ),
        "sim/second is added\n"
    );
    assert_eq!(accounts(&gateway, &simulator, 1).await, ["key-of-the-input"]);
    assert_eq!(
        said(&["keys", "rotate", "sim/second", "--from-file", file], ""),
        "sim/second has another key\n"
    );
    assert_eq!(accounts(&gateway, &simulator, 1).await, ["key-of-a-file"]);
    said(&["keys", "rotate", "sim/second", "--from-env", "SPARE_KEY"], "");
    assert_eq!(
        accounts(&gateway, &simulator, 1).await,
        ["key-of-the-environment"]
    );
    said(&["config", "set", "models.m.strategy", "priority"], "");
    said(&["keys", "enable", "sim/first"], "");
    assert_eq!(
        said(
            &["keys", "set", "sim/first", "--priority", "-3", "--weight", "0.5"],
            ""
        ),
        "vendors.sim.accounts.first.weight = 0.5\nvendors.sim.accounts.first.priority = -3\n"
    );
    assert_eq!(accounts(&gateway, &simulator, 1).await, ["the-key-of-first"]);
    assert_eq!(
        said(&["keys", "remove", "sim/first"], ""),
        "sim/first is removed\n"
    );
    assert_eq!(
        accounts(&gateway, &simulator, 1).await,
        ["key-of-the-environment"]
    );
    let answer: Value = serde_json::from_str(&said(
        &["config", "unset", "vendors.sim.accounts.first", "--json"],
        "",
    ))
    .unwrap();
    assert_eq!((&answer["kept"], &answer["warnings"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn models_are_listed_added_set_switched_and_the_default_chosen() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    let said = |arguments: &[&str]| said(&gateway, arguments, "");
    assert!(said(&["models", "default"]).starts_with("there is none"));
    said(&[
        "models",
        "add",
        "sim/new-4.1",
        "--max-output-tokens",
        "40",
        "--price-input",
        "0.5",
        "--parameter",
        "seed=7",
    ]);
    said(&["models", "default", "new-4.1"]);
    assert_eq!(said(&["models", "default"]), "new-4.1\n");
    let mut nameless = with(hello(), json!({"max_tokens": 99}));
    nameless.as_object_mut().unwrap().remove("model");
    assert_eq!(
        gateway.client().chat(&nameless).await.header("x-patchbay-model"),
        "new-4.1"
    );
    let sent = simulator.requests().last().unwrap().body.clone();
    assert_eq!((&sent["max_tokens"], &sent["seed"]), (&json!(40), &json!(7)));
    let listed = said(&["models", "list"]);
    assert!(
        listed.contains("sim/new-4.1") && listed.contains("sim/other"),
        "{listed}"
    );
    said(&["models", "set", "sim/new-4.1", "--weight", "0.5"]);
    said(&["models", "disable", "sim/new-4.1"]);
    assert_eq!(gateway.client().chat(&nameless).await.status, 503);
    said(&["models", "enable", "sim/new-4.1"]);
    assert_eq!(gateway.client().chat(&nameless).await.status, 200);
    // It is the default one, so it cannot go yet.
    let error = refused(&gateway, &["models", "remove", "sim/new-4.1"], "");
    assert!(error.contains("default_model: unknown public model"), "{error}");
    said(&["models", "default", "--unset"]);
    said(&["models", "remove", "sim/new-4.1"]);
    let listed: Value = serde_json::from_str(&said(&["models", "list", "sim", "--json"])).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn everything_is_shown_with_where_it_comes_from() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    let said = |arguments: &[&str], input: &str| said(&gateway, arguments, input);
    said(
        &[
            "config",
            "set",
            "vendors.sim.models.other.max_output_tokens",
            "70",
        ],
        "",
    );
    said(&["keys", "add", "sim/second"], &key("sk-hunter2-of-second"));
    said(
        &["config", "set", "vendors.spare", "-"],
        "{ adapter = \"openai\", base_url = \"http://127.0.0.1:9\", api_key = \"hunter2-spare.unspeakable\", models = [\"s\"] }",
    );
    let shown = said(&["config", "show"], "");
    for line in [
        "vendors.sim.accounts.first.api_key = \"***able\"  # line ",
        "vendors.sim.models.other.max_output_tokens = 70  # set at run time",
        "the file says 50",
        "vendors.sim.accounts.second.api_key = \"***able\"  # set at run time",
        "vendors.spare.models.s = {} # set at run time",
        "server.admin_key = \"***able\"",
    ] {
        let squeezed: Vec<&str> = shown.split(' ').filter(|word| !word.is_empty()).collect();
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        assert!(
            squeezed.join(" ").contains(&words.join(" ")),
            "{line:?} is not in\n{shown}"
        );
    }
    assert!(!shown.contains("hunter2") && !shown.contains('\u{1b}'), "{shown}");
    let json: Value = serde_json::from_str(&said(&["config", "show", "--json"], "")).unwrap();
    assert_eq!(json["changes"].as_array().unwrap().len(), 3);
    assert!(!json.to_string().contains("hunter2"));
    said(
        &["config", "unset", "vendors.sim.models.other.max_output_tokens"],
        "",
    );
    assert!(!said(&["config", "show"], "").contains("= 70"));
}

#[tokio::test]
async fn a_careless_user_is_told_and_his_key_is_not_shown() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    const KEY: &str = "sk-hunter2-typed-by-mistake.unspeakable";
    let flag = format!("--api-key={KEY}");
    let table = format!("{{ api_key = \"{KEY}\" }}");
    for (arguments, input, hint) in [
        (
            &["keys", "add", "sim/second", KEY][..],
            "",
            "a key is not taken from an argument",
        ),
        (
            &["keys", "add", "sim/second", &flag],
            "",
            "a key is not taken from an argument",
        ),
        (
            &["keys", "add", "sim/second", "--key", KEY],
            "",
            "a key is not taken from an argument",
        ),
        (
            &["keys", "rotate", "sim/first", KEY],
            "",
            "a key is not taken from an argument",
        ),
        (
            &["keys", "add", "sim/second", "--from-env", KEY],
            "",
            "the name of a variable, not the key",
        ),
        (&["keys", "add", KEY], "x", "write VENDOR/ACCOUNT"),
        (&["keys", "add", "sim"], KEY, "write VENDOR/ACCOUNT"),
        (
            &["keys", "add", "sim/first"],
            KEY,
            "is there already; for another key: patchbay keys rotate sim/first",
        ),
        (
            &["keys", "add", "sim/second"],
            "\n",
            "there is no key: it is empty",
        ),
        (
            &["keys", "add", "smi/second"],
            KEY,
            "there is no vendor \"smi\", did you mean \"sim\"?",
        ),
        (
            &["keys", "rotate", "sim/frist"],
            KEY,
            "no account \"frist\", did you mean \"first\"?",
        ),
        (&["keys", "remove", "sim/frist"], "", "did you mean \"first\"?"),
        (&["keys", "set", "sim/first"], "", "nothing to set; give --weight"),
        (&["keys", "set", "sim/first", "--weight", "-1"], "", "weight"),
        (
            &["config", "set", "vendors.sim.accounts.first.api_key", KEY],
            "",
            "patchbay keys rotate sim/first",
        ),
        (
            &["config", "set", "vendors.sim.accounts.first", &table],
            "",
            "not taken from an argument",
        ),
        (
            &["config", "set", "vendors.sim.accounts.first.weight", "heavy"],
            "",
            "expected a number, found a string",
        ),
        (
            &["config", "set", "vendors.sim.accounts.first.tags", "[a"],
            "",
            "is not a value",
        ),
        (
            &["config", "set", "server.listen", "0.0.0.0:80"],
            "",
            "is for the file alone",
        ),
        (
            &["config", "unset", "vendors.sim.accounts.first.weight"],
            "",
            "nothing was set here at run time",
        ),
        (&["models", "default", "oter"], "", "did you mean \"other\"?"),
        (
            &["models", "set", "sim/oter", "--weight", "1"],
            "",
            "did you mean \"other\"?",
        ),
        (&["models", "add", "sim/m"], "", "is there already"),
        (
            &["models", "set", "sim/m", "--parameter", "seed"],
            "",
            "is not NAME=VALUE",
        ),
    ] {
        let error = refused(&gateway, arguments, input);
        assert!(error.contains(hint), "{arguments:?}: {error}");
        assert!(!error.contains("hunter2"), "{arguments:?}: {error}");
    }
    let shown = gateway.admin().get("/admin/config").await.json();
    assert_eq!(shown["changes"], json!([]));
    for command in [
        &["config", "set"][..],
        &["config", "show"],
        &["config", "unset"],
        &["keys", "add"],
        &["keys", "rotate"],
        &["keys", "set"],
        &["keys", "disable"],
        &["keys", "remove"],
        &["models", "add"],
        &["models", "set"],
        &["models", "default"],
        &["models", "list"],
    ] {
        let output = run_with_input(&[command, &["--help"]].concat(), &[], "");
        let (help, _) = texts(&output);
        assert!(help.contains("Examples:\n  patchbay "), "{command:?}: {help}");
        assert!(!help.contains("[KEY]"), "{help}");
    }
}
