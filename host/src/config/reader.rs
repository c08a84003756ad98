//! Reading fields by name and collecting what is wrong with them. A field that is wrong is reported and then
//! treated as absent, so reading always goes on to the end.

mod field;
mod section;

pub(super) use field::{Field, Text};
pub(super) use section::Section;

use std::cell::RefCell;
use std::path::Path;

use super::node::Fault;
use super::problem::{Problem, Problems, Severity};

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
    line: Option<usize>,
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
            line: Some(fault.line),
        };
        self.error(&place, &fault.message, fault.suggestion);
        self.broken.borrow_mut().push(fault.line);
    }

    pub(super) fn finish(self) -> Problems {
        Problems::new(self.problems.into_inner())
    }

    fn add(&self, severity: Severity, place: &Place, message: String, suggestion: String) {
        if place
            .line
            .is_some_and(|line| self.broken.borrow().contains(&line))
        {
            return;
        }
        self.problems.borrow_mut().push(Problem {
            file: self.file.clone(),
            line: place.line,
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
            line: None,
        }
    }

    /// The field `name` of the table here, on the table's own line until [`Self::on`] says better.
    fn child(&self, name: &str) -> Self {
        let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let name = if !name.is_empty() && name.bytes().all(is_bare) {
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
            line: self.line,
        }
    }

    /// The item `index` of the list here.
    fn item(&self, index: usize) -> Self {
        Self {
            path: format!("{}[{index}]", self.path),
            line: self.line,
        }
    }

    fn on(self, line: usize) -> Self {
        Self {
            line: Some(line),
            ..self
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// For pointing at it from elsewhere: `line 12`.
    pub(super) fn mention(&self) -> String {
        self.line
            .map_or_else(|| "another line".to_owned(), |line| format!("line {line}"))
    }
}

/// `text` in quotes, its end cut off when it is long.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("\"{}...\"", text[..end].escape_debug()),
        None => format!("{text:?}"),
    }
}
