//! Every credential in these tests bears a mark, and nothing that a gateway says or writes may.
//!
//! Answers, logs and files are looked through wherever a test meets them, so each test is one for secrets too.

use std::fs;
use std::path::Path;

/// What credentials end with. The simulator's name for an account is what stands before the dot.
pub const MARK: &str = "unspeakable";

/// Whoever holds this has been told a secret.
#[track_caller]
pub(crate) fn unmarked(what: &str, bytes: &[u8]) {
    let mark = MARK.as_bytes();
    if let Some(at) = bytes.windows(mark.len()).position(|window| window == mark) {
        let around = &bytes[at.saturating_sub(100)..(at + 100).min(bytes.len())];
        panic!("{what} holds a secret: {}", String::from_utf8_lossy(around));
    }
}

/// The same for every file below a folder, but for those that people write.
pub(crate) fn unmarked_files(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let written = path
            .extension()
            .is_some_and(|kind| kind == "toml" || kind == "part" || kind == "wasm" || kind == "txt");
        if path.is_dir() {
            unmarked_files(&path);
        } else if !written && let Ok(bytes) = fs::read(&path) {
            unmarked(&path.display().to_string(), &bytes);
        }
    }
}
