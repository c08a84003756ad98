//! The configuration: one TOML file read into [`Settings`], or everything that is wrong with it at once.
//!
//! The way of a file: text → `node` (values with their lines) → `overlay` (what was set at run time laid over it) →
//! `reader` (fields by name, `${NAME}` from the environment) → `resolve` (defaults, names and references checked) →
//! [`Settings`]. Problems are collected on the way and do not stop it. No problem shows a secret or what an environment variable holds.

mod environment;
mod kinds;
mod node;
mod overlay;
mod problem;
mod reader;
mod resolve;
mod secret;
mod settings;
mod suggest;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use overlay::{
    Aside, Change, Laid, PathError, Picture, SettingPath, Shown, To, from_text, holds_secret, lay, masked,
    missing, picture, to_text,
};
pub use problem::{Problem, Problems, Severity};
pub use secret::Secret;
pub use settings::{
    Account, Admission, BUILT_IN, CallerKey, Capabilities, Chooses, Decisions, Failover, Grants,
    LARGEST_MEMORY, LARGEST_TABLE, Limits, Model, Plugins, Price, PublicModel, Recording, Rollback, Rule,
    Server, Settings, Storage, Strategy, Target, Timeouts, Vendor,
};

pub(crate) use kinds::is_name;
pub(crate) use suggest::among;

use node::Document;
use reader::{Report, Section};

/// A configuration that can be used.
#[derive(Debug)]
pub struct Loaded {
    pub settings: Settings,
    /// What is probably not meant, ordered by line.
    pub warnings: Vec<Problem>,
}

/// Reads and checks the file at `path`. `env` answers for an environment variable: its value, or `None` when
/// it is not set.
///
/// # Errors
///
/// Every problem found, warnings included, when at least one is an error; a file that cannot be read is one.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Problems> {
    parse(&read(path)?, path, env)
}

/// The text of the file at `path`.
///
/// # Errors
///
/// One problem: why it cannot be read.
pub fn read(path: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(path).map_err(|error| Problems::unreadable(path, &error))
}

/// Reads `[server]` alone, for whoever wants to reach the gateway that runs with this file: what else stands there, and
/// the variables that it needs, may be wrong or missing here.
///
/// # Errors
///
/// What hinders reading that table.
pub fn load_server(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Server, Problems> {
    let text = read(path)?;
    let document = Document::from_toml(&text);
    let report = Report::new(path, env);
    for fault in &document.faults {
        report.syntax(fault);
    }
    let server = resolve::server(&Section::root(&report, &document.entries));
    let problems = report.finish();
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(server)
}

/// Checks the text of a configuration. `file` stands in problems, and its folder is what a relative
/// `plugins.folder` starts from; it is not opened.
///
/// # Errors
///
/// Every problem found, warnings included, when at least one is an error.
pub fn parse(text: &str, file: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Problems> {
    overlay::parse(text, file, env, &[])
}
