//! Words for people and JSON for machines, on standard output.

use std::io::Write;

use serde::Serialize;

/// One line. A reader that has gone away (`| head`) is no error.
pub(super) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// One JSON document.
pub(super) fn say_json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => say(text),
        Err(error) => tracing::error!("cannot write JSON: {error}"),
    }
}
