//! What is wrong with a configuration, for people (one line each) and for programs (JSON). Holds only text
//! that may be shown: callers must never put a secret or the value of an environment variable in.

use std::fmt;
use std::io;
use std::path::Path;

use serde::Serialize;

/// One thing that is wrong, and where. Shown as
/// `config.toml:12: vendors.main.acounts: unknown field, did you mean "accounts"?`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// As given when loading.
    pub file: String,
    /// From 1. `None` when it concerns the file as a whole, such as a table that is not there.
    pub line: Option<usize>,
    /// Path of the field, such as `vendors.main.accounts[0].api_key`; empty for the file as a whole.
    pub field: String,
    /// What is wrong: lower case, without a full stop.
    pub message: String,
    /// What to do about it, worded to follow the message after a comma.
    pub suggestion: Option<String>,
    pub severity: Severity,
}

/// Whether the configuration can be used all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// All problems of one file, ordered by line. Serialises as a list of [`Problem`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.line);
        Self(problems)
    }

    /// The file could not be read at all.
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        let (message, suggestion) = match error.kind() {
            io::ErrorKind::NotFound => (
                "no such file".to_owned(),
                Some("copy examples/minimal.toml to start with"),
            ),
            io::ErrorKind::InvalidData => ("is not UTF-8 text".to_owned(), Some("save it as UTF-8")),
            _ => (format!("cannot be read: {error}"), None),
        };
        Self(vec![Problem {
            file: path.display().to_string(),
            line: None,
            field: String::new(),
            message,
            suggestion: suggestion.map(str::to_owned),
            severity: Severity::Error,
        }])
    }

    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }

    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }

    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    fn count(&self, severity: Severity) -> usize {
        self.0
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        let counts = [
            (self.count(Severity::Error), "error"),
            (self.count(Severity::Warning), "warning"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, noun)| format!("{count} {noun}{}", if *count == 1 { "" } else { "s" }))
            .collect();
        f.write_str(&counts.join(", "))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, ", {suggestion}"),
            None => Ok(()),
        }
    }
}
