//! Where a setting stands: `vendors.openai.models."gpt-4.1".weight`, quoted as TOML quotes keys.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::reader::is_bare;

/// Longest path, in bytes.
const LONGEST: usize = 1_000;

/// The keys that lead to a setting; never empty. What is set for all of an account or model is called by its name,
/// though the file lists them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingPath(Vec<String>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("a path is missing; write for example vendors.NAME.accounts.NAME.weight")]
    Empty,
    #[error("a path of {0} bytes is too long")]
    Long(usize),
    #[error("the path {0} has nothing between two dots, or at its end")]
    Gap(String),
    #[error("the path {0} has a quote that is not closed, or something behind one")]
    Quote(String),
    #[error("{found:?} in the path {path} must be quoted, as in vendors.NAME.models.\"gpt-4.1\".weight")]
    Bare { path: String, found: char },
}

// === impl SettingPath ===

impl SettingPath {
    /// Made of these keys, of which there must be one at least.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(canonical(keys.into_iter().map(str::to_owned).collect()))
    }

    pub fn keys(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    /// The keys that the program has chosen: without the names of vendors, accounts, models.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let names: &[usize] = match self.keys()[..] {
            ["vendors", _, "accounts" | "models", ..] => &[1, 3],
            ["vendors" | "models", ..] => &[1],
            _ => &[],
        };
        let keys = self.0.iter().enumerate();
        keys.filter(move |(index, _)| !names.contains(index))
            .map(|(_, key)| key.as_str())
    }

    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    /// Whether it is `other`, or above it.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

/// `api_key` is short for `credentials.api_key`, so both are one path.
fn canonical(mut keys: Vec<String>) -> Vec<String> {
    let ends = |keys: &[String], with: [&str; 2]| keys.iter().rev().take(2).rev().eq(with.iter());
    if keys.len() > 2 && ends(&keys, ["credentials", "api_key"]) {
        keys.remove(keys.len() - 2);
    }
    keys
}

impl FromStr for SettingPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > LONGEST {
            return Err(PathError::Long(text.len()));
        }
        let mut keys = Vec::new();
        let mut rest = text;
        loop {
            let (key, after) = first_key(rest, text)?;
            keys.push(key);
            rest = match after.strip_prefix('.') {
                Some(after) => after,
                None if after.is_empty() => return Ok(Self(canonical(keys))),
                None => return Err(PathError::Quote(text.to_owned())),
            };
        }
    }
}

/// The key that `rest` begins with, and what follows it.
fn first_key<'a>(rest: &'a str, path: &str) -> Result<(String, &'a str), PathError> {
    let unclosed = || PathError::Quote(path.to_owned());
    if let Some(inside) = rest.strip_prefix('\'') {
        let (key, after) = inside.split_once('\'').ok_or_else(unclosed)?;
        return Ok((key.to_owned(), after));
    }
    if rest.starts_with('"') {
        let end = closing_quote(rest).ok_or_else(unclosed)?;
        let (quoted, after) = rest.split_at(end + 1);
        let key = serde_json::from_str(quoted).map_err(|_| unclosed())?;
        return Ok((key, after));
    }
    let end = rest.find('.').unwrap_or(rest.len());
    let (key, after) = rest.split_at(end);
    if key.is_empty() {
        return Err(PathError::Gap(path.to_owned()));
    }
    if !is_bare(key) {
        let odd = |letter: &char| !letter.is_ascii_alphanumeric() && !"-_".contains(*letter);
        let found = key.chars().find(odd).unwrap_or(' ');
        return Err(PathError::Bare {
            path: path.to_owned(),
            found,
        });
    }
    Ok((key.to_owned(), after))
}

/// A key as it stands in a path: quoted as JSON, which TOML reads as well, where it must be.
pub(super) fn written(key: &str) -> Cow<'_, str> {
    if is_bare(key) {
        Cow::Borrowed(key)
    } else {
        Cow::Owned(serde_json::Value::from(key).to_string())
    }
}

/// Where the quote that opens `text` is closed.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().enumerate().skip(1).find_map(|(at, byte)| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes.then_some(at)
    })
}

impl fmt::Display for SettingPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            f.write_str(&written(key))?;
        }
        Ok(())
    }
}

impl Serialize for SettingPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SettingPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_and_written_as_toml_keys() {
        let cases: [(&str, &[&str], &str); 8] = [
            ("default_model", &["default_model"], "default_model"),
            (" routing.strategy ", &["routing", "strategy"], "routing.strategy"),
            ("a.\"b.c\".d", &["a", "b.c", "d"], "a.\"b.c\".d"),
            ("a.'b.c'", &["a", "b.c"], "a.\"b.c\""),
            ("\"plain\".x", &["plain", "x"], "plain.x"),
            ("a.\"q\\\"\\\\\".x", &["a", "q\"\\", "x"], "a.\"q\\\"\\\\\".x"),
            ("a.\"org/model:1\"", &["a", "org/model:1"], "a.\"org/model:1\""),
            (
                "vendors.v.accounts.a.credentials.api_key",
                &["vendors", "v", "accounts", "a", "api_key"],
                "vendors.v.accounts.a.api_key",
            ),
        ];
        for (text, keys, written) in cases {
            let path: SettingPath = text.parse().unwrap();
            assert_eq!(path.keys(), keys);
            assert_eq!(path.to_string(), written);
            assert_eq!(written.parse(), Ok(path));
        }
    }

    #[test]
    fn what_is_no_path_is_told() {
        let said = |text: &str| text.parse::<SettingPath>().unwrap_err().to_string();
        assert!(said("  ").starts_with("a path is missing"));
        for gap in [".a", "a.", "a..b"] {
            assert!(said(gap).contains("nothing between two dots"), "{gap}");
        }
        for quote in ["a.\"b", "a.\"b\"c", "a.'b", "\"\\q\"", "a.\"b\\\""] {
            assert!(said(quote).contains("has a quote"), "{quote}");
        }
        for bare in ["a.gpt/4", "a.b c", "a.ü", "a=1", "a[0]"] {
            assert!(said(bare).contains("must be quoted"), "{bare}");
        }
        assert!(said(&"a".repeat(2_000)).contains("2000 bytes"));
    }

    #[test]
    fn a_path_covers_what_is_below_it() {
        let path = |text: &str| text.parse::<SettingPath>().unwrap();
        assert!(path("a.b").covers(&path("a.b")));
        assert!(path("a.b").covers(&path("a.b.c")));
        assert!(!path("a.b").covers(&path("a.bc")));
        assert!(!path("a.b.c").covers(&path("a.b")));
    }
}
