//! Reading fields by name and collecting what is wrong with them. A field that is wrong is reported and then
//! treated as absent, so reading always goes on to the end.

mod field;
mod section;

pub(super) use field::{Field, Text};
pub(super) use section::Section;

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use super::node::{Fault, Origin};
use super::problem::{Problem, Problems, Severity};

/// Stands for the file in problems with what was set at run time.
pub(super) const RUN_TIME: &str = "set at run time";

/// Where problems go, and where variables come from.
pub(super) struct Report<'a> {
    file: String,
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    problems: RefCell<Vec<Problem>>,
    /// Lines that are not TOML. What was guessed of them is not worth another problem.
    broken: RefCell<Vec<usize>>,
}

/// A field of the file, whether it is there or not.
#[derive(Clone)]
pub(super) struct Place {
    path: String,
    /// Of the field or, when it is absent, of the table that lacks it; `None` when that is absent too.
    at: Option<Origin>,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &Path, env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            file: file.display().to_string(),
            env,
            problems: RefCell::default(),
            broken: RefCell::default(),
        }
    }

    /// An error. `suggestion` may be empty. Neither may hold a secret or what a variable is set to.
    pub(super) fn error(&self, place: &Place, message: impl Into<String>, suggestion: impl Into<String>) {
        self.add(Severity::Error, place, message.into(), suggestion.into());
    }

    /// A warning, otherwise like [`Self::error`].
    pub(super) fn warn(&self, place: &Place, message: impl Into<String>, suggestion: impl Into<String>) {
        self.add(Severity::Warning, place, message.into(), suggestion.into());
    }

    pub(super) fn syntax(&self, fault: &Fault) {
        let place = Place {
            path: String::new(),
            at: Some(Origin::Line(fault.line)),
        };
        self.error(&place, &fault.message, fault.suggestion);
        self.broken.borrow_mut().push(fault.line);
    }

    pub(super) fn finish(self) -> Problems {
        Problems::new(self.problems.into_inner())
    }

    fn add(&self, severity: Severity, place: &Place, message: String, suggestion: String) {
        let (file, line) = match &place.at {
            Some(Origin::Line(line)) if self.broken.borrow().contains(line) => return,
            Some(Origin::Line(line)) => (self.file.clone(), Some(*line)),
            Some(Origin::Change(_)) => (RUN_TIME.to_owned(), None),
            None => (self.file.clone(), None),
        };
        self.problems.borrow_mut().push(Problem {
            file,
            line,
            field: place.path.clone(),
            message,
            suggestion: Some(suggestion).filter(|suggestion| !suggestion.is_empty()),
            severity,
        });
    }
}

impl Place {
    /// The file itself.
    fn root() -> Self {
        Self {
            path: String::new(),
            at: None,
        }
    }

    /// The setting at this path, when it was set at run time.
    pub(super) fn changed(path: Arc<str>) -> Self {
        Self {
            path: path.to_string(),
            at: Some(Origin::Change(path)),
        }
    }

    /// The field `name` of the table here, on the table's own line until [`Self::on`] says better.
    fn child(&self, name: &str) -> Self {
        let name = if is_bare(name) {
            name.to_owned()
        } else {
            quoted(name)
        };
        let path = if self.path.is_empty() {
            name
        } else {
            format!("{}.{name}", self.path)
        };
        Self {
            path,
            at: self.at.clone(),
        }
    }

    /// The item `index` of the list here.
    fn item(&self, index: usize) -> Self {
        Self {
            path: format!("{}[{index}]", self.path),
            at: self.at.clone(),
        }
    }

    /// What was set at run time is called by the path it was set with, whatever place in a list it has.
    fn on(self, at: &Origin) -> Self {
        match at {
            Origin::Line(_) => Self {
                at: Some(at.clone()),
                ..self
            },
            Origin::Change(path) => Self::changed(path.clone()),
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// For pointing at it from elsewhere: `line 12`.
    pub(super) fn mention(&self) -> String {
        match &self.at {
            Some(Origin::Line(line)) => format!("line {line}"),
            Some(Origin::Change(path)) => format!("what was set at run time as {path}"),
            None => "another line".to_owned(),
        }
    }
}

/// Whether TOML takes it for a key without quotes.
pub(super) fn is_bare(key: &str) -> bool {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !key.is_empty() && key.bytes().all(is_bare)
}

/// `text` in quotes, its end cut off when it is long.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("\"{}...\"", text[..end].escape_debug()),
        None => format!("{text:?}"),
    }
}
