//! Whatever a variable or a secret field holds shows up nowhere.

use std::fmt::Debug;
use std::path::Path;

use super::examples::example;
use super::{SECRET, parse};
use crate::config::{Loaded, Problems};

fn assert_silent(shown: &impl Debug, about: &str) {
    let shown = format!("{shown:?}");
    assert!(!shown.contains("hunter2"), "{about}: {shown}");
}

/// Checks every way of showing the result; returns whether the file was good.
fn assert_result_silent(result: &Result<Loaded, Problems>, about: &str) -> bool {
    match result {
        Ok(loaded) => assert_silent(&loaded.warnings, about),
        Err(problems) => {
            assert_silent(problems, about);
            assert_silent(&problems.to_string(), about);
            assert_silent(&serde_json::to_string(problems).unwrap(), about);
        }
    }
    result.is_ok()
}

/// `line` with every text in it replaced.
fn with_texts(line: &str, text: &str) -> String {
    let parts: Vec<&str> = line.split('"').collect();
    let replaced = parts
        .iter()
        .enumerate()
        .map(|(index, part)| if index % 2 == 1 { text } else { *part });
    replaced.collect::<Vec<_>>().join("\"")
}

#[test]
fn good_settings_show_no_secret() {
    let count = std::cell::Cell::new(0);
    let env = |_: &str| {
        count.set(count.get() + 1);
        Some(format!("{SECRET}-{}", count.get()))
    };
    let loaded = parse(&example("full.toml"), Path::new("full.toml"), &env).unwrap();
    assert_silent(&loaded, "full.toml");
    assert_eq!(format!("{:?}", loaded.settings.server.admin_key), "Some(***)");
    assert!(loaded.settings.keys[0].key.expose().starts_with(SECRET));
    assert!(count.get() > 3);
}

#[test]
fn no_problem_shows_what_a_variable_holds() {
    let full = example("full.toml");
    let lines: Vec<&str> = full.lines().filter(|line| !line.starts_with('#')).collect();
    let mut refused = 0;
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.contains('"')) {
        for text in [
            "${SECRET}",
            "${SECRET}/${SECRET}",
            "${SECRET} $x",
            "https://${SECRET}@x",
            "${SECRET}\\n",
        ] {
            let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            lines[index] = with_texts(line, text);
            let result = parse(&lines.join("\n"), Path::new("full.toml"), &|_| {
                Some(SECRET.to_owned())
            });
            refused += usize::from(!assert_result_silent(&result, &format!("{text} in {line}")));
        }
    }
    assert!(refused > 100, "only {refused} files were refused");
}

#[test]
fn no_problem_shows_a_secret_written_into_the_file() {
    let files = [
        "[[keys]]\nname = \"a\"\nkey = \"hunter2 \"\n[[keys]]\nname = \"b\"\nkey = \"hunter2 \"",
        "[server]\nadmin_key = \"hunter2ä\"",
        "[server]\nadmin_key = hunter2",
        "[server]\nadmin_key = \"hunter2",
        "[server]\nadmin_key = \"hunter2\\q\"",
        "[vendors.a]\napi_key = \"hunter2${\"",
        "[vendors.a]\napi_key = \"hun${hunter2}",
        "[vendors.a]\napi_key = [\"hunter2\"]",
        "[vendors.a.credentials]\nx = \" hunter2\"\ny = {z = \"hunter2\"}",
        "[vendors.a]\nbase_url = \"https://me:hunter2@example.com\"",
        "[vendors.a]\nbase_url = \"https://example.com/?key=hunter2\"",
        "[vendors.a]\nbase_url = \"hunter2\"",
    ];
    for file in files {
        let result = parse(file, Path::new("config.toml"), &|_| None);
        assert!(!assert_result_silent(&result, file), "{file} was accepted");
    }
}
