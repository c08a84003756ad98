//! What holds and why, for the operator: every value, where it comes from, and what was set at run time.

use serde::Serialize;
use serde_json::Value as Json;

use super::super::{Gateway, environment};
use crate::config::{self, Change, Picture, SettingPath, To};

/// The whole configuration. Credentials are masked.
#[derive(Debug, Serialize)]
pub struct Configuration {
    pub generation: u64,
    pub file: String,
    #[serde(flatten)]
    pub picture: Picture,
    /// In the order in which they were made.
    pub changes: Vec<ChangeShown>,
}

/// One change made at run time.
#[derive(Debug, Serialize)]
pub struct ChangeShown {
    pub path: SettingPath,
    /// None when it was removed, or cannot be read.
    pub value: Option<Json>,
    pub removed: bool,
    /// Unix milliseconds.
    pub at: u64,
    pub in_effect: bool,
    /// Why it is not in effect.
    pub why: Option<String>,
    /// What the file says instead.
    pub in_file: Option<Json>,
}

// === impl Gateway ===

impl Gateway {
    /// What holds now.
    pub fn configuration(&self) -> Configuration {
        let effective = self.effective.load_full();
        let why = |path: &SettingPath| {
            let aside = effective.aside.iter().find(|aside| aside.path == *path);
            aside.map(|aside| aside.why.clone())
        };
        let mut fitting: Vec<&Change> = effective
            .changes
            .iter()
            .filter(|change| why(&change.path).is_none())
            .collect();
        fitting.sort_by_key(|change| change.path.keys().len());
        let mut picture = config::picture(&effective.text, &environment, &fitting);
        let mut in_file = |path: &SettingPath| {
            let at = fitting.iter().position(|change| change.path == *path)?;
            picture.in_file.get_mut(at)?.take()
        };
        let mut changes: Vec<ChangeShown> = Vec::new();
        for change in &effective.changes {
            let why = why(&change.path);
            changes.push(ChangeShown {
                value: match &change.to {
                    To::Value(value) => Some(config::masked(&change.path, value)),
                    To::Removed => None,
                },
                removed: change.to == To::Removed,
                at: change.at,
                in_effect: why.is_none(),
                why,
                in_file: in_file(&change.path),
                path: change.path.clone(),
            });
        }
        for (aside, at) in effective.unreadable() {
            changes.push(ChangeShown {
                path: aside.path.clone(),
                value: None,
                removed: false,
                at: *at,
                in_effect: false,
                why: Some(aside.why.clone()),
                in_file: None,
            });
        }
        changes.sort_by_key(|change| change.at);
        Configuration {
            generation: self.current().number,
            file: self.config_path.display().to_string(),
            picture,
            changes,
        }
    }
}
