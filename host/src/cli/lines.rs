//! What is known of one thing, line by line: a name, and a value beside it.

use super::text::{WIDTH, wrap};

/// Where values begin.
pub(super) const INDENT: usize = 15;

pub(super) fn line(name: &str, value: &str) -> String {
    format!("  {name:<width$}{value}\n", width = INDENT - 2)
}

/// A text that may be longer than a line.
pub(super) fn fact(name: &str, value: &str) -> String {
    let lines = wrap(value, WIDTH - INDENT);
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    lines
        .iter()
        .zip(names)
        .map(|(value, name)| line(name, value))
        .collect()
}
