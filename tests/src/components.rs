//! The plugins that are tested with: those that are shipped, and the guests of these tests.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use crate::program::{patchbay, root};

/// What `VERSION` begins with in guests whose version can be replaced.
const PLACEHOLDER: &[u8] = b"version-placeholder-of-fixed-length-";

/// Built once per run, by the program under test; cargo knows if there is anything to do.
static GUESTS: LazyLock<PathBuf> = LazyLock::new(|| {
    let out = root().join("target/test-plugins");
    let guests =
        ["hostile", "relay", "steered", "wayward"].map(|name| root().join("tests/guests").join(name));
    let built = Command::new(patchbay())
        .args(["plugin", "build", "--out"])
        .arg(&out)
        .args(guests)
        .output();
    let built = built.expect("patchbay runs");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    out
});

/// The bytes of a plugin, shipped or a guest of these tests.
pub fn component(name: &str) -> Vec<u8> {
    let shipped = root().join(format!("target/plugins/{name}.wasm"));
    let path = if shipped.is_file() {
        shipped
    } else {
        GUESTS.join(format!("{name}.wasm"))
    };
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `make plugins` first", path.display()))
}

/// The guest with another version, and that version as the guest tells it: `version` filled up with underscores.
pub fn other_version(name: &str, version: &str) -> (Vec<u8>, String) {
    let placeholder = [PLACEHOLDER, name.as_bytes()].concat();
    let version = format!("{version:_<width$}", width = placeholder.len());
    assert_eq!(version.len(), placeholder.len(), "{version} is too long");
    let mut bytes = component(name);
    let mut found = 0;
    while let Some(at) = bytes
        .windows(placeholder.len())
        .position(|window| window == placeholder)
    {
        bytes[at..at + placeholder.len()].copy_from_slice(version.as_bytes());
        found += 1;
    }
    assert!(found > 0, "{name} has no version to replace");
    (bytes, version)
}
