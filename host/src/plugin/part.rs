//! One plugin file and what became of it: which version serves, which one there is to go back to, and why the newest
//! one is not used.

use std::sync::Arc;

use super::load::Plugin;
use super::log::readable;
use crate::config::Grants;

/// Immutable; a scan makes the next one.
#[derive(Debug)]
pub struct Part {
    pub name: String,
    /// SHA-256 of the newest content that was looked at, in hex.
    pub seen: String,
    /// What serves: the newest content that loaded and was not taken back.
    pub plugin: Option<Plugin>,
    /// Why the newest content does not serve.
    pub problem: Option<String>,
    /// The newest content was taken back because of how it behaved.
    pub taken_back: bool,
    /// Nothing serves yet, because its first content is being compiled.
    pub compiling: bool,
    /// What it was loaded under.
    pub(super) grants: Grants,
    /// What served before.
    previous: Option<Plugin>,
}

// === impl Part ===

impl Part {
    /// A version that has just been loaded serves.
    pub(super) fn serving(name: &str, grants: &Grants, plugin: Plugin, before: Option<&Arc<Self>>) -> Self {
        let same = |known: &&Plugin| known.origin.sha256 == plugin.origin.sha256;
        let served = before.and_then(|part| part.plugin.as_ref());
        let previous = match served {
            // The same version on other terms.
            Some(_) if served.as_ref().is_some_and(same) => before.and_then(|part| part.previous.clone()),
            // One that should not serve any more is nothing to go back to.
            Some(bad) if bad.verdict().is_some() => before.and_then(|part| part.previous.clone()),
            served => served.cloned(),
        };
        if let Some(previous) = &previous {
            plugin.follows(previous);
        }
        Self {
            name: name.to_owned(),
            seen: plugin.origin.sha256.clone(),
            plugin: Some(plugin),
            problem: None,
            taken_back: false,
            compiling: false,
            grants: grants.clone(),
            previous,
        }
    }

    /// A file that was not there before, and whose content takes long to compile.
    pub(super) fn compiling(name: &str, grants: &Grants) -> Self {
        Self {
            compiling: true,
            ..Self::failed(name, grants, "", "it is being compiled", None)
        }
    }

    /// The newest content cannot be used. What served goes on serving.
    pub(super) fn failed(
        name: &str,
        grants: &Grants,
        seen: &str,
        problem: &str,
        before: Option<&Arc<Self>>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            seen: seen.to_owned(),
            plugin: before.and_then(|part| part.plugin.clone()),
            // It may hold names that the file has made up.
            problem: Some(readable(problem)),
            taken_back: false,
            compiling: false,
            grants: grants.clone(),
            previous: before.and_then(|part| part.previous.clone()),
        }
    }

    /// The file is gone.
    pub(super) fn without_file(&self) -> Self {
        Self {
            name: self.name.clone(),
            seen: String::new(),
            plugin: self.plugin.clone(),
            problem: Some("its file is gone; the configuration still names it, so it is kept".to_owned()),
            taken_back: false,
            compiling: false,
            grants: self.grants.clone(),
            previous: self.previous.clone(),
        }
    }

    /// The part with its previous version, if the one that serves should not.
    pub(super) fn rolled_back(&self) -> Option<Self> {
        let serving = self.plugin.as_ref()?;
        let why = serving.verdict()?;
        let previous = self.previous.as_ref()?;
        previous.wake();
        Some(Self {
            name: self.name.clone(),
            seen: self.seen.clone(),
            plugin: Some(previous.clone()),
            problem: Some(format!(
                "{} was taken back, {} serves again: {why}; change the file to try again",
                serving.identity(),
                previous.identity()
            )),
            taken_back: true,
            compiling: false,
            grants: self.grants.clone(),
            previous: None,
        })
    }
}
