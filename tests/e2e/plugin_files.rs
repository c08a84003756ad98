//! `patchbay plugin inspect` and `test`: every word they say of a file, and how they exit.

use std::fs;

use patchbay_tests::{SERVER, component, other_version, run};
use serde_json::json;
use tempfile::TempDir;

use crate::cli::{json_of, said};

/// Without what differs from build to build and from run to run.
fn masked(text: &str) -> String {
    let line = |line: &str| {
        let varies = ["  size  ", "  compiled in  ", "  sha256  "];
        match varies.iter().find(|name| line.starts_with(**name)) {
            Some(_) => format!("{}...\n", &line[..17]),
            None if line.ends_with(" \u{b5}s") => format!("{}: ...\n", line.rsplit_once(": ").unwrap().0),
            None => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}

const ADAPTER: &str = "\
DIR/relay.wasm: adapter relay@version-placeholder-of-fixed-length-relay
  contract       patchbay:plugin@0.1.0
  size           ...
  compiled in    ...
  sha256         ...
  imports        patchbay:plugin/calls@0.1.0
                 patchbay:plugin/log@0.1.0
                 patchbay:plugin/types@0.1.0
  vendor         relay
  operations     chat
  endpoint       api: set base_url, the plugin suggests none
  credential     api_key (optional, secret): any
  reply headers  retry-after, retry-after-ms, x-ratelimit-limit-requests, x-ratelimit-limit-tokens, \
x-ratelimit-remaining-requests, x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, \
x-ratelimit-reset-tokens
  features       {}
  settings       {\"type\": \"object\", \"additionalProperties\": false}
";
const STRATEGY: &str = "\
DIR/round-robin.wasm: strategy round-robin@0.1.0
  contract       patchbay:plugin@0.1.0
  size           ...
  compiled in    ...
  sha256         ...
  imports        patchbay:plugin/log@0.1.0
                 patchbay:plugin/types@0.1.0
  wants to know  available
  by hand        none
  settings       {\"type\": \"object\", \"additionalProperties\": false}
";
const ADAPTER_TESTED: &str = "\
ok      loads as adapter relay@version-placeholder-of-fixed-length-relay
ok      an exchange for a whole answer: the same answer twice
ok      an exchange for a stream: the same answer twice
ok      an exchange: instance, start, a failed reply: ...
DIR/relay.wasm: ok
";
const STRATEGY_TESTED: &str = "\
ok      loads as strategy round-robin@0.1.0
ok      a decision over 3 candidates: the same answer twice
ok      a decision over 4 candidates: ...
ok      a decision over 36 candidates: ...
ok      a decision over 500 candidates: ...
DIR/round-robin.wasm: ok
";

#[test]
fn a_good_plugin_is_shown_and_tried() {
    let folder = TempDir::new().unwrap();
    for (name, shown, tried) in [
        ("relay", ADAPTER, ADAPTER_TESTED),
        ("round-robin", STRATEGY, STRATEGY_TESTED),
    ] {
        let file = folder.path().join(format!("{name}.wasm"));
        fs::write(&file, component(name)).unwrap();
        for (command, expected) in [("inspect", shown), ("test", tried)] {
            let output = run(&["plugin", command, file.to_str().unwrap()], &[]);
            let (code, out, error) = said(&output, folder.path());
            assert_eq!(
                (code, masked(&out), error),
                (Some(0), expected.to_owned(), String::new())
            );
        }
    }
}

#[test]
fn a_good_plugin_is_shown_and_tried_for_machines() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("relay.wasm");
    fs::write(&file, component("relay")).unwrap();
    let file = file.to_str().unwrap();
    let mut shown = json_of(&run(&["plugin", "inspect", "--json", file], &[]));
    assert_eq!(shown["bytes"], component("relay").len());
    assert!(shown["compile_seconds"].is_number());
    assert_eq!(shown["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(shown["reply_headers"].as_array().unwrap().len(), 8);
    for varies in ["bytes", "compile_seconds", "sha256", "reply_headers"] {
        shown.as_object_mut().unwrap().remove(varies);
    }
    let version = "version-placeholder-of-fixed-length-relay";
    let expected = json!({
        "file": file, "ok": true, "kind": "adapter", "name": "relay", "identity": format!("relay@{version}"),
        "contract": "0.1.0", "wasi": false, "vendor": "relay", "operations": ["chat"], "features": {},
        "imports": ["patchbay:plugin/calls@0.1.0", "patchbay:plugin/log@0.1.0", "patchbay:plugin/types@0.1.0"],
        "endpoints": [{"name": "api", "suggested_url": null}],
        "credentials": [{"name": "api_key", "secret": true, "required": false, "help": "any"}],
        "settings_schema": {"type": "object", "additionalProperties": false},
    });
    assert_eq!(shown, expected);
    let tried = json_of(&run(&["plugin", "test", "--json", file], &[]));
    let findings = tried["findings"].as_array().unwrap();
    assert_eq!(
        (&tried["file"], &tried["ok"], findings.len()),
        (&json!(file), &json!(true), 4)
    );
    let twice = json!({
        "what": "an exchange for a stream", "ok": true, "detail": "the same answer twice"
    });
    assert_eq!(findings[2], twice);
}

/// Components that are no plugins, and what is said of them.
fn strangers() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let wat = |text: &str| wat::parse_str(text).unwrap();
    let exports = |name: &str| {
        wat(&format!(
            "(component (instance $it) (export \"{name}\" (instance $it)))"
        ))
    };
    let imports = "(component (import \"acme:secrets/vault@1.0.0\" (instance)) (instance $it)
        (export \"patchbay:plugin/strategy@0.1.0\" (instance $it)))";
    vec![
        ("garbage", b"no plugin".to_vec(), "not WebAssembly at all"),
        ("empty", Vec::new(), "an empty file"),
        (
            "module",
            wat("(module)"),
            "a core module, not a component; `patchbay plugin build` makes the component",
        ),
        (
            "cut",
            b"\0asm\x0d\0\x01\0\x07".to_vec(),
            "not a WebAssembly component: failed to parse WebAssembly module: unexpected end-of-file (at offset 0x9)",
        ),
        (
            "world",
            exports("wasi:cli/run@0.2.0"),
            "expected a component that exports patchbay:plugin/adapter@0.1.0 or patchbay:plugin/strategy@0.1.0, found \
             one that exports wasi:cli/run@0.2.0; is it a plugin for patchbay at all? See wit/0.1.0/worlds.wit",
        ),
        (
            "version",
            exports("patchbay:plugin/adapter@9.0.0"),
            "expected a component that exports patchbay:plugin/adapter@0.1.0 or patchbay:plugin/strategy@0.1.0, found \
             one that exports patchbay:plugin/adapter@9.0.0; it was built for version 9.0.0 of the WIT package, and \
             this gateway serves 0.1.0 and 0.0.1: build it against one of those, or use a gateway that serves its \
             version",
        ),
        (
            "import",
            wat(imports),
            "imports acme:secrets/vault@1.0.0, which a plugin is not given; remove it: a plugin may import \
             patchbay:plugin's calls and log, and nothing else",
        ),
    ]
}

#[test]
fn what_is_no_plugin_is_told_why_not() {
    let folder = TempDir::new().unwrap();
    for (name, bytes, why) in strangers() {
        let file = folder.path().join(format!("{name}.wasm"));
        fs::write(&file, bytes).unwrap();
        let file = file.to_str().unwrap();
        let plugin = |command: &str, more: &[&str]| run(&[&["plugin", command, file], more].concat(), &[]);
        assert_eq!(
            said(&plugin("inspect", &[]), folder.path()),
            (Some(1), String::new(), format!("error: DIR/{name}.wasm: {why}\n"))
        );
        let tested = format!("FAILED  loads: {why}\nDIR/{name}.wasm: not ready to serve\n");
        assert_eq!(
            said(&plugin("test", &[]), folder.path()),
            (Some(1), tested, String::new())
        );
        let inspected = plugin("inspect", &["--json"]);
        assert_eq!(inspected.status.code(), Some(1));
        assert_eq!(
            json_of(&inspected),
            json!({"file": file, "ok": false, "error": why})
        );
        let tested = plugin("test", &["--json"]);
        assert_eq!(tested.status.code(), Some(1));
        let findings = json!([{"what": "loads", "ok": false, "detail": why}]);
        assert_eq!(
            json_of(&tested),
            json!({"file": file, "ok": false, "findings": findings})
        );
    }
}

#[test]
fn what_is_bad_or_not_there_is_told_as_well() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("relay.wasm");
    let relay = |version: &str| fs::write(&file, other_version("relay", version).0).unwrap();
    let command = |arguments: &[&str]| {
        let output = run(&[&["plugin"], arguments, &[file.to_str().unwrap()]].concat(), &[]);
        said(&output, folder.path())
    };
    for name in ["inspect", "test"] {
        let missing = "error: cannot read DIR/relay.wasm: No such file or directory (os error 2)\n";
        assert_eq!(command(&[name]), (Some(1), String::new(), missing.to_owned()));
        assert_eq!(run(&["plugin", name], &[]).status.code(), Some(2));
    }
    relay("bad-trial");
    let (code, out, _) = command(&["test"]);
    let trial = "its trial went wrong: plugin relay@bad-trial";
    assert!(out.contains(trial) && out.contains("no exchange at all"), "{out}");
    assert_eq!(code, Some(1));
    // It needs a setting, and says which.
    relay("bad-settings");
    let (code, out, _) = command(&["test"]);
    assert!(out.contains("FAILED  settings fit the schema: "), "{out}");
    assert!(
        out.contains("region") && out.contains("give some with --settings"),
        "{out}"
    );
    assert_eq!(code, Some(1));
    let (code, out, _) = command(&["test", "--settings", "{\"region\": \"north\"}"]);
    assert_eq!((code, out.contains("not ready")), (Some(0), false), "{out}");
    // On terms of a configuration.
    let config = folder.path().join("patchbay.toml");
    fs::write(
        &config,
        format!("{SERVER}[plugins.grants.relay]\nlimits = {{ component = \"1KiB\" }}\n"),
    )
    .unwrap();
    let (code, _, error) = command(&["inspect", "-c", config.to_str().unwrap()]);
    assert!(
        error.contains("more than the limit of 1024 (plugins.limits.component)"),
        "{error}"
    );
    assert_eq!(code, Some(1));
}
