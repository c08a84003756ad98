//! The configuration from text to settings: what is refused and how, what is never shown, what is made of the
//! rest.

mod examples;
mod secrecy;
mod settings;

use std::path::Path;

use super::{Loaded, Problems, PublicModel, load, parse};

/// What variables must never show anywhere.
const SECRET: &str = "hunter2-do-not-show";

/// Stands at the end of every file that is not about it.
const REST: &str = "
[[keys]]
name = \"zz\"
key = \"zz-key\"
[vendors.zz]
models = [\"m\"]
";

fn env(name: &str) -> Option<String> {
    match name {
        "EMPTY" => Some(String::new()),
        "SPACED" => Some(format!("{SECRET}\n")),
        "SECRET" => Some(SECRET.to_owned()),
        _ => None,
    }
}

fn check(text: &str) -> Result<Loaded, Problems> {
    parse(&format!("{text}{REST}"), Path::new("config.toml"), &env)
}

/// Everything that is said about a file, warnings of a good one included.
fn said(text: &str) -> String {
    match check(text) {
        Ok(loaded) => loaded
            .warnings
            .iter()
            .map(|warning| format!("{warning}\n"))
            .collect(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn problems_read_as_written_down() {
    let (_, cases) = include_str!("tests/problems.txt").split_once("\n=== ").unwrap();
    let cases: Vec<&str> = cases.split("\n=== ").collect();
    assert!(cases.len() > 25, "only {} cases were found", cases.len());
    let wrong: Vec<String> = cases
        .into_iter()
        .filter_map(|case| {
            let (name, case) = case.split_once('\n').unwrap();
            let (text, expected) = case.split_once("\n---\n").unwrap();
            let said = said(text);
            (said.trim_end() != expected.trim_end()).then(|| format!("=== {name}\n{said}"))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "other words than expected:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn problems_for_programs() {
    let problems = check("[server]\nlisen = \"x\"\n[vendors.a]").unwrap_err();
    let json = serde_json::to_value(&problems).unwrap();
    let expected = serde_json::json!([
        {
            "file": "config.toml",
            "line": 2,
            "field": "server.lisen",
            "message": "unknown field",
            "suggestion": "did you mean \"listen\"?",
            "severity": "error",
        },
        {
            "file": "config.toml",
            "line": 3,
            "field": "vendors.a",
            "message": "has no models, so nothing will be sent to it",
            "suggestion": "add models = [\"...\"]",
            "severity": "warning",
        },
    ]);
    assert_eq!(json, expected);
}

#[test]
fn an_empty_file_lacks_keys_and_vendors() {
    let problems = parse("", Path::new("config.toml"), &env).unwrap_err();
    let expected = "\
config.toml: warning: vendors: there are none, so no model can be served, \
add [vendors.main] with adapter, base_url, api_key and models
config.toml: keys: there are none, so nobody could call, \
add [[keys]] with name = \"me\" and key = \"${PATCHBAY_KEY}\"
1 error, 1 warning";
    assert_eq!(problems.to_string(), expected);
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let shown = path.display();
    let said = |path: &Path| load(path, &env).unwrap_err().to_string();
    let missing = format!("{shown}: no such file, copy examples/minimal.toml to start with\n1 error");
    assert_eq!(said(&path), missing);
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert_eq!(
        said(&path),
        format!("{shown}: is not UTF-8 text, save it as UTF-8\n1 error")
    );
    assert!(said(folder.path()).contains(": cannot be read: "));
}

/// The strategy of a public model, and what it is told.
pub(super) fn strategy(model: &PublicModel) -> Option<(&str, &str)> {
    let strategy = model.strategy.as_ref()?;
    Some((&strategy.name, &strategy.settings))
}
