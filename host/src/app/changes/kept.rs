//! What was set at run time, as it lies in the database, and what comes of it by further edits.

use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use super::{ChangeError, Edit, MOST_CHANGES, What};
use crate::clock;
use crate::config::{self, Aside, Change, Problem, Secret, SettingPath, To};
use crate::seal::Sealer;
use crate::storage::{KeptChange, KeptValue, Storage, StorageError};

/// Everything that is kept.
#[derive(Debug, Clone)]
pub(in crate::app) struct Kept {
    sealer: Arc<Sealer>,
    /// In the order in which they were made.
    pub(super) changes: Vec<Change>,
    /// Those that cannot be read, and when they were made.
    unreadable: Vec<(Aside, u64)>,
}

/// What holds now: a good file and how everything that is kept fits it.
pub(in crate::app) struct Effective {
    pub(in crate::app) text: Arc<str>,
    pub(super) changes: Vec<Change>,
    /// With what cannot be read.
    pub(super) aside: Vec<Aside>,
    /// What is probably not meant.
    pub(super) warnings: Vec<Problem>,
    unreadable: Vec<(Aside, u64)>,
}

/// What would be kept, and what has to be written for it.
pub(super) struct Next {
    pub(super) kept: Kept,
    pub(super) gone: Vec<String>,
    pub(super) rows: Vec<KeptChange>,
    new: Vec<SettingPath>,
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

// === impl Kept ===

impl Kept {
    /// Reads what is kept. `key`: `storage.key`.
    pub(in crate::app) fn read(storage: &Storage, key: Option<&Secret>) -> Result<Self, StorageError> {
        let mut kept = Self {
            sealer: Arc::new(Sealer::new(storage.file(), key, &storage.salt()?)),
            changes: Vec::new(),
            unreadable: Vec::new(),
        };
        for row in storage.changes()? {
            match kept.change(&row) {
                Ok(change) => kept.changes.push(change),
                Err(why) => {
                    let path = row.path.parse();
                    let path = path.unwrap_or_else(|_| SettingPath::of([row.path.as_str()]));
                    let why = format!("{path}: {why}");
                    kept.unreadable.push((Aside { path, why }, row.at));
                }
            }
        }
        Ok(kept)
    }

    fn change(&self, row: &KeptChange) -> Result<Change, String> {
        let path: SettingPath = row.path.parse().map_err(|error| format!("{error}"))?;
        let read = |json: &str| serde_json::from_str::<Json>(json).map(To::Value);
        let to = match &row.value {
            KeptValue::Removed => Ok(To::Removed),
            KeptValue::Open(json) => read(json),
            KeptValue::Sealed(sealed) => {
                let opened = self.sealer.open(&row.path, sealed);
                read(&opened.map_err(|error| error.to_string())?)
            }
        };
        let to = to.map_err(|_| "what is kept of it is no JSON; set it anew".to_owned())?;
        Ok(Change { path, to, at: row.at })
    }

    /// Everything, laid out for whoever asks what holds. `aside`: what does not fit the file.
    pub(in crate::app) fn beside(
        &self,
        text: Arc<str>,
        mut aside: Vec<Aside>,
        warnings: &[Problem],
    ) -> Effective {
        aside.extend(self.unreadable.iter().map(|(aside, _)| aside.clone()));
        Effective {
            text,
            changes: self.changes.clone(),
            aside,
            warnings: warnings.to_vec(),
            unreadable: self.unreadable.clone(),
        }
    }

    /// For [`config::lay`].
    pub(in crate::app) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// One edit after the other. Whatever is set or removed replaces what was set for a part of it.
    pub(super) fn after(
        &self,
        edits: &[Edit],
        effective: &Effective,
        env: Env<'_>,
    ) -> Result<Next, ChangeError> {
        let mut next = Next {
            kept: self.clone(),
            gone: Vec::new(),
            rows: Vec::new(),
            new: Vec::new(),
        };
        for edit in edits {
            let dropped = next.drop_below(&edit.path);
            match &edit.what {
                What::Set(value) => next.put(&edit.path, To::Value(value.clone())),
                What::Remove => {
                    let fitting = next.kept.fitting(effective);
                    match config::missing(&effective.text, env, &fitting, &edit.path) {
                        None => next.put(&edit.path, To::Removed),
                        Some(why) if dropped == 0 => return Err(ChangeError::Missing(why)),
                        // It was there by being set, and the file does not have it.
                        Some(_) => {}
                    }
                }
                What::Unset if dropped == 0 => {
                    return Err(ChangeError::Missing(self.nothing_set(&edit.path)));
                }
                What::Unset => {}
            }
        }
        if next.kept.changes.len() > MOST_CHANGES {
            return Err(ChangeError::TooMany);
        }
        next.rows = next.rows()?;
        Ok(next)
    }

    fn fitting(&self, effective: &Effective) -> Vec<&Change> {
        let is_aside = |path: &SettingPath| effective.aside.iter().any(|aside| aside.path == *path);
        let mut fitting: Vec<&Change> = self
            .changes
            .iter()
            .filter(|change| !is_aside(&change.path))
            .collect();
        fitting.sort_by_key(|change| change.path.keys().len());
        fitting
    }

    fn nothing_set(&self, path: &SettingPath) -> String {
        let known: Vec<String> = self
            .changes
            .iter()
            .map(|change| change.path.to_string())
            .collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let advice = config::among(&path.to_string(), "changes", &known);
        format!("{path}: nothing was set here at run time, {advice}")
    }
}

// === impl Next ===

impl Next {
    /// How many there were.
    fn drop_below(&mut self, path: &SettingPath) -> usize {
        let before = self.kept.changes.len() + self.kept.unreadable.len();
        let gone = &mut self.gone;
        let mut stays = |own: &SettingPath| {
            let covered = path.covers(own);
            if covered {
                gone.push(own.to_string());
            }
            !covered
        };
        self.kept.changes.retain(|change| stays(&change.path));
        self.kept.unreadable.retain(|(aside, _)| stays(&aside.path));
        before - self.kept.changes.len() - self.kept.unreadable.len()
    }

    fn put(&mut self, path: &SettingPath, to: To) {
        self.new.push(path.clone());
        self.kept.changes.push(Change {
            path: path.clone(),
            to,
            at: clock::unix_millis(),
        });
    }

    /// What of it is new, for the database. Credentials are sealed.
    fn rows(&self) -> Result<Vec<KeptChange>, ChangeError> {
        let new = self
            .kept
            .changes
            .iter()
            .filter(|change| self.new.contains(&change.path));
        new.map(|change| {
            let path = change.path.to_string();
            let value = match &change.to {
                To::Removed => KeptValue::Removed,
                To::Value(json) if config::holds_secret(&change.path, json) => {
                    KeptValue::Sealed(self.kept.sealer.seal(&path, &json.to_string())?)
                }
                To::Value(json) => KeptValue::Open(json.to_string()),
            };
            Ok(KeptChange {
                path,
                at: change.at,
                value,
            })
        })
        .collect()
    }
}

// === impl Effective ===

impl Effective {
    /// Of a file that nothing is laid over.
    pub(in crate::app) fn of(text: Arc<str>) -> Self {
        Self {
            text,
            changes: Vec::new(),
            aside: Vec::new(),
            warnings: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    /// For whoever has to know what was set and does not hold.
    pub(in crate::app) fn notices(&self) -> impl Iterator<Item = String> {
        let told = |aside: &Aside| format!("set at run time and set aside: {}", aside.why);
        self.aside.iter().map(told)
    }

    pub(super) fn unreadable(&self) -> &[(Aside, u64)] {
        &self.unreadable
    }
}

impl fmt::Debug for Effective {
    /// Without the file's text, in which there may be credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effective")
            .field("changes", &self.changes)
            .field("aside", &self.aside)
            .finish_non_exhaustive()
    }
}
