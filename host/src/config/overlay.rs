//! What was set at run time, laid over the file.
//!
//! A change is a path in the configuration and a value, or that what stands there is removed. Changes are laid over
//! the parsed file before anything of it is checked, so every check of the file holds for them too; what does not fit
//! (any more) is set aside and named, and never in the way of the rest. Knows neither database nor network.

mod lay;
mod path;
mod permit;
mod show;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;
use std::path::Path;

use serde_json::Value as Json;

pub use path::{PathError, SettingPath};
pub use show::{Picture, Shown, masked, picture};
pub use value::{from_text, holds_secret, to_text};

use super::node::{Document, Entry};
use super::problem::{Problem, Problems, Severity};
use super::reader::{Place, RUN_TIME, Report, Section};
use super::{Loaded, resolve};

/// A setting changed at run time.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub path: SettingPath,
    pub to: To,
    /// When it was made, in Unix milliseconds.
    pub at: u64,
}

/// What a setting was changed to.
#[derive(Clone, PartialEq)]
pub enum To {
    /// Texts in it are taken as they are; variables are the file's alone.
    Value(Json),
    /// As if the file did not have it.
    Removed,
}

/// A file with what was set at run time laid over it.
#[derive(Debug)]
pub struct Laid {
    pub loaded: Loaded,
    /// Changes that do not fit, and why. Without them everything is as it should be.
    pub aside: Vec<Aside>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Aside {
    pub path: SettingPath,
    /// In words, with the place.
    pub why: String,
}

/// Checks the text of a file together with what was set at run time.
///
/// # Errors
///
/// What is wrong with the file alone. Nothing that was set at run time can make a good file fail.
pub fn lay(
    text: &str,
    file: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    changes: &[Change],
) -> Result<Laid, Problems> {
    let mut fitting: Vec<&Change> = changes.iter().collect();
    // A whole before its parts.
    fitting.sort_by_key(|change| change.path.depth());
    let alone = parse(text, file, env, &[])?;
    let mut aside = Vec::new();
    while !fitting.is_empty() {
        let problems = match parse(text, file, env, &fitting) {
            Ok(loaded) => return Ok(Laid { loaded, aside }),
            Err(problems) => problems,
        };
        let before = fitting.len();
        fitting.retain(|change| match blame(&problems, change) {
            Some(problem) => {
                aside.push(Aside::new(change, problem));
                false
            }
            None => true,
        });
        if fitting.len() == before {
            // It shows elsewhere, as when what a target names was removed.
            let (found, others) = one_by_one(&fitting, |changes| parse(text, file, env, changes));
            fitting = found;
            aside.extend(others);
        }
    }
    Ok(Laid { loaded: alone, aside })
}

/// The same without setting anything aside.
///
/// # Errors
///
/// Every problem found, warnings included, when at least one is an error.
pub(super) fn parse(
    text: &str,
    file: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    changes: &[&Change],
) -> Result<Loaded, Problems> {
    let mut document = Document::from_toml(text);
    let report = Report::new(file, env);
    for fault in &document.faults {
        report.syntax(fault);
    }
    let settings = document.usable.then(|| {
        lay_over(&mut document.entries, changes, &report);
        let folder = file.parent().unwrap_or(Path::new(""));
        resolve::settings(Section::root(&report, &document.entries), folder)
    });
    let problems = report.finish();
    match settings {
        Some(settings) if !problems.has_errors() => Ok(Loaded {
            settings,
            warnings: problems.into_vec(),
        }),
        _ => Err(problems),
    }
}

/// Why nothing stands at the path, in words that begin with it; none if something does.
pub fn missing(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
    changes: &[&Change],
    path: &SettingPath,
) -> Option<String> {
    let mut entries = Document::from_toml(text).entries;
    lay_over(&mut entries, changes, &Report::new(Path::new(""), env));
    let misfit = lay::missing(&mut entries, path, env)?;
    let advice = if misfit.suggestion.is_empty() {
        String::new()
    } else {
        format!(", {}", misfit.suggestion)
    };
    Some(format!("{path}: {}{advice}", misfit.message))
}

/// Lays one change over the other; what has no place is reported.
fn lay_over(entries: &mut Vec<Entry>, changes: &[&Change], report: &Report<'_>) {
    for change in changes {
        if let Err(misfit) = lay::put(entries, change, report.env) {
            let place = Place::changed(change.path.to_string().into());
            report.error(&place, misfit.message, misfit.suggestion);
        }
    }
}

/// As many as fit together, and the others.
fn one_by_one<'a>(
    changes: &[&'a Change],
    parse: impl Fn(&[&Change]) -> Result<Loaded, Problems>,
) -> (Vec<&'a Change>, Vec<Aside>) {
    let mut fitting: Vec<&Change> = Vec::new();
    let mut waiting = changes.to_vec();
    loop {
        let mut aside = Vec::new();
        let before = waiting.len();
        waiting.retain(|change| {
            fitting.push(change);
            fitting.sort_by_key(|change| change.path.depth());
            let Err(problems) = parse(&fitting) else {
                return false;
            };
            fitting.retain(|fits| fits.path != change.path);
            let errors = |problem: &&Problem| problem.severity == Severity::Error;
            let problem = problems.as_slice().iter().find(errors);
            aside.extend(problem.map(|problem| Aside::new(change, problem)));
            true
        });
        // One that did not fit may fit beside one that came after it.
        if waiting.is_empty() || waiting.len() == before {
            return (fitting, aside);
        }
    }
}

/// The first error that is about what the change has set.
fn blame<'a>(problems: &'a Problems, change: &Change) -> Option<&'a Problem> {
    let path = change.path.to_string();
    let is_about = |problem: &&Problem| {
        let below = problem.field.strip_prefix(&path);
        problem.severity == Severity::Error
            && problem.file == RUN_TIME
            && below.is_some_and(|below| below.is_empty() || below.starts_with(['.', '[']))
    };
    problems.as_slice().iter().find(is_about)
}

// === impl Aside ===

impl Aside {
    fn new(change: &Change, problem: &Problem) -> Self {
        let why = problem.to_string();
        let own = why.strip_prefix(RUN_TIME).and_then(|why| why.strip_prefix(": "));
        Self {
            path: change.path.clone(),
            why: own.map(str::to_owned).unwrap_or(why),
        }
    }
}

// === impl To ===

impl fmt::Debug for To {
    /// Without the value, which may be a credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(_) => "Value(***)",
            Self::Removed => "Removed",
        })
    }
}
