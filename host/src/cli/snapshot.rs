//! What commands print, compared with files that a person has read and liked.
//!
//! `PATCHBAY_SNAPSHOTS=write cargo test` writes what is printed now; read the difference before it is committed.

use std::fs;
use std::path::Path;

use super::text::{WIDTH, width};

/// Compares a coloured text with the files `NAME.txt`, without its colours, and `NAME.color.txt`, in which an escape
/// stands as `^[`.
pub(super) fn matches(name: &str, text: &str) {
    let plain = anstream::adapter::strip_str(text).to_string();
    for line in plain.lines() {
        assert!(width(line) <= WIDTH, "more than {WIDTH} columns: {line}");
        assert_eq!(line, line.trim_end(), "white space at the end");
    }
    compare(&format!("{name}.txt"), &plain);
    compare(&format!("{name}.color.txt"), &text.replace('\u{1b}', "^["));
}

fn compare(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/cli/snapshots")
        .join(file);
    if std::env::var("PATCHBAY_SNAPSHOTS").is_ok_and(|mode| mode == "write") {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{} differs:\n{text}", path.display());
}
