//! The command line: what it prints and how it exits.

use std::fs;
use std::path::Path;
use std::process::Output;

use patchbay_tests::{root, run};
use serde_json::Value;
use tempfile::TempDir;

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Exit code, standard output and standard error. Where `folder` is named it says `DIR`.
pub(crate) fn said(output: &Output, folder: &Path) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.replace(folder.to_str().unwrap(), "DIR")
    };
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

pub(crate) fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every variable that the examples ask for.
const VARIABLES: [(&str, &str); 7] = [
    ("PATCHBAY_KEY", "a-callers-key"),
    ("PATCHBAY_ADMIN_KEY", "the-admins-key"),
    ("PATCHBAY_STORAGE_KEY", "the-key-of-the-storage"),
    ("TEAM_A_KEY", "another-callers-key"),
    ("OPENAI_API_KEY", "sk-x"),
    ("OPENAI_PROJECT", "proj-x"),
    ("LOCAL_API_KEY", "local"),
];

#[test]
fn the_examples_are_right() {
    for example in [
        "examples/demo.toml",
        "examples/full.toml",
        "examples/minimal.toml",
    ] {
        let checked = run(&["check", "--config", example], &VARIABLES);
        assert!(
            checked.status.success(),
            "{example}: {}{}",
            stdout(&checked),
            stderr(&checked)
        );
        assert!(
            stdout(&checked).contains(&format!("{example}: ok, ")),
            "{}",
            stdout(&checked)
        );
    }
    let demo = run(&["check", "--json", "-c", "examples/demo.toml"], &[]);
    let demo: Value = serde_json::from_slice(&demo.stdout).unwrap();
    assert_eq!((&demo["ok"], &demo["models"]), (&true.into(), &5.into()));
    for list in ["problems", "plugins", "notices"] {
        assert_eq!(demo[list], Value::Array(Vec::new()), "{demo}");
    }
}

#[test]
fn every_mistake_is_found_at_once_with_its_line() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("wrong.toml");
    let config = "[server]\nlisten = \"localhost\"\n\n[[keys]]\nname = \"me\"\nkey = \"abc\"\n\n\
                  [vendors.a]\nbase_url = \"not a url\"\ntimeout = 3\n\n[models.m]\ntargets = [\"a/none\"]\n";
    fs::write(&file, config).unwrap();
    let file = file.to_str().unwrap();
    let checked = run(&["check", "-c", file], &[]);
    assert_eq!(checked.status.code(), Some(1));
    let text = stdout(&checked);
    for line in [2, 6, 9, 10, 13] {
        assert!(text.contains(&format!("{file}:{line}:")), "line {line} in {text}");
    }
    assert!(text.contains("cannot be used"), "{text}");

    let json = run(&["check", "-c", file, "--json"], &[]);
    assert_eq!(json.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["ok"], false);
    let lines: Vec<u64> = json["problems"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|problem| problem["line"].as_u64())
        .collect();
    for line in [2, 6, 9, 10, 13] {
        assert!(lines.contains(&line), "line {line} in {json}");
    }
}

#[test]
fn what_would_serve_otherwise_than_it_is_written_fails_where_that_is_wanted() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("wish.toml");
    let plugins = root().join("target/plugins");
    let config = format!(
        "[[keys]]\nname = \"me\"\nkey = \"abcdef\"\n[plugins]\nfolder = \"{}\"\n\
         [vendors.a]\nadapter = \"echo\"\nbase_url = \"http://127.0.0.1:1\"\nmodels = [\"m\"]\n\
         [models.p]\ntargets = [\"a/m\"]\nstrategy = \"cost\"\n",
        plugins.display()
    );
    let checked = |settings: &str, options: &[&str]| {
        fs::write(&file, format!("{config}settings = {settings}\n")).unwrap();
        run(&[&["check", "-c", file.to_str().unwrap()], options].concat(), &[])
    };
    assert!(checked("{ input_share = 0.5 }", &["--strict"]).status.success());
    let wrong = "{ input_share = 2 }";
    let lenient = checked(wrong, &[]);
    assert!(lenient.status.success(), "{lenient:?}");
    assert!(stdout(&lenient).contains("input_share"), "{lenient:?}");
    let strict = checked(wrong, &["--strict"]);
    assert_eq!(strict.status.code(), Some(1), "{strict:?}");
    assert!(
        stdout(&strict).contains("not all of it as it is written"),
        "{strict:?}"
    );
    assert_eq!(checked(wrong, &["--strict", "--json"]).status.code(), Some(1));
}

#[test]
fn a_key_that_is_missing_in_the_environment_is_named() {
    let checked = run(&["check", "-c", "examples/minimal.toml"], &[]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(stdout(&checked).contains("PATCHBAY_KEY"), "{}", stdout(&checked));
}

#[test]
fn a_gateway_that_cannot_start_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    let file = folder.path().join("patchbay.toml");
    let server = format!("[server]\nlisten = \"{}\"\n", taken.local_addr().unwrap());
    fs::write(
        &file,
        format!("{server}[[keys]]\nname = \"me\"\nkey = \"a-key\"\n"),
    )
    .unwrap();
    let file = file.to_str().unwrap();
    for (config, why) in [
        (file, "is something else running there?"),
        ("/no/such/file.toml", "/no/such/file.toml"),
    ] {
        let served = run(&["serve", "-c", config], &[]);
        assert_eq!(served.status.code(), Some(1), "{config}");
        assert!(stderr(&served).contains(why), "{}", stderr(&served));
    }
}

#[test]
fn what_cannot_be_built_is_said_with_what_to_do() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let build = |crate_folder: &str| {
        let path = folder.path().join(crate_folder);
        run(
            &[
                "plugin",
                "build",
                path.to_str().unwrap(),
                "--out",
                out.to_str().unwrap(),
            ],
            &[],
        )
    };
    let write = |name: &str, lib: &str| {
        fs::create_dir_all(folder.path().join(name).join("src")).unwrap();
        let manifest = format!("[workspace]\n[package]\nname = \"{name}\"\nedition = \"2024\"\n{lib}");
        fs::write(folder.path().join(name).join("Cargo.toml"), manifest).unwrap();
        fs::write(folder.path().join(name).join("src/lib.rs"), "//! Nothing.\n").unwrap();
    };
    fs::create_dir(folder.path().join("empty")).unwrap();
    write("library", "");
    write("nothing", "[lib]\ncrate-type = [\"cdylib\"]\n");
    for (name, why) in [
        ("empty", "no Cargo.toml"),
        ("no-such-folder", "no Cargo.toml"),
        ("library", "crate-type = [\"cdylib\"]"),
        ("nothing", "is not a patchbay plugin"),
    ] {
        let built = build(name);
        assert_eq!(built.status.code(), Some(1), "{name}");
        assert!(stderr(&built).contains(why), "{name}: {}", stderr(&built));
    }
    assert!(!out.exists(), "something was written");
}

#[test]
fn help_shows_examples_and_a_wrong_call_is_told() {
    for command in [
        &["--help"][..],
        &["serve", "--help"],
        &["check", "--help"],
        &["plugin", "build", "--help"],
        &["status", "--help"],
        &["keys", "list", "--help"],
        &["keys", "analyze", "--help"],
        &["keys", "recheck", "--help"],
        &["keys", "reset", "--help"],
        &["keys", "check", "--help"],
        &["keys", "report", "--help"],
    ] {
        let help = run(command, &[]);
        assert!(help.status.success());
        let text = stdout(&help);
        assert!(
            text.contains("Examples:\n  ") && text.contains("  patchbay "),
            "{text}"
        );
    }
    for wrong in [
        &[][..],
        &["server"],
        &["check", "--confg", "a"],
        &["plugin", "build"],
    ] {
        let output = run(wrong, &[]);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(stderr(&output).contains("Usage:"), "{}", stderr(&output));
    }
    assert!(stdout(&run(&["--version"], &[])).starts_with("patchbay "));
}
