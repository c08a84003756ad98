//! Changes at run time: judged together with the file, safe on the disk, and then in effect.
//!
//! The rule: what was set at run time wins over the file until it is removed; then the file's value holds again. What
//! does not fit the file any more is set aside and named, and nothing of it is lost. A change that would do harm is
//! refused, and nothing is kept of it.

mod account;
mod kept;

use std::sync::Arc;
use std::thread;

use serde::Serialize;
use tokio::sync::oneshot;

use super::{Gateway, environment};
use crate::config::{self, Laid, SettingPath, Settings};
use crate::generation::{Generation, Live, SWITCHED_OFF};
use crate::route::Shadows;
use crate::seal::SealError;
use crate::storage::{KeyName, Storage, StorageError};
pub use account::{ChangeShown, Configuration};
pub(super) use kept::{Effective, Kept};

/// More would be a configuration that nobody knows any more.
const MOST_CHANGES: usize = 5_000;

/// One wish of the operator.
#[derive(Debug, Clone)]
pub struct Edit {
    pub path: SettingPath,
    pub what: What,
}

#[derive(Clone, PartialEq)]
pub enum What {
    Set(serde_json::Value),
    /// As if the file did not have it.
    Remove,
    /// As the file has it.
    Unset,
}

/// What has become of a change that was made.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// The number of the generation it is in effect with.
    pub generation: u64,
    /// Whether it outlives the process: not without a database.
    pub kept: bool,
    /// What is probably not meant.
    pub warnings: Vec<String>,
    /// What the configuration wants and cannot have now.
    pub notices: Vec<String>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("{}", .0.join("; "))]
    Refused(Vec<String>),
    #[error("{0}")]
    Missing(String),
    #[error("{MOST_CHANGES} settings are changed at run time already; move some of them into the file")]
    TooMany,
    #[error("the credential cannot be encrypted, so it is not kept: {0}")]
    Unsealed(#[from] SealError),
    #[error("the change is not kept: {0}")]
    Unkept(#[from] StorageError),
    #[error("cannot start a thread to make the change: {0}")]
    NoThread(#[from] std::io::Error),
    #[error("making the change was interrupted")]
    Interrupted(#[from] oneshot::error::RecvError),
}

// === impl Gateway ===

impl Gateway {
    /// Makes all of the changes or none. When it returns they are safe on the disk and in effect for every request that
    /// comes from now on; those under way end as they began.
    ///
    /// # Errors
    ///
    /// What hinders it; then everything is as before.
    pub async fn change(self: &Arc<Self>, edits: Vec<Edit>) -> Result<Changed, ChangeError> {
        let gateway = self.clone();
        let (report, reported) = oneshot::channel();
        // It goes on when the one who asked for it leaves: what is kept must be in effect.
        thread::Builder::new()
            .name("change".into())
            .spawn(move || report.send(gateway.change_blocking(&edits)))?;
        reported.await?
    }

    fn change_blocking(&self, edits: &[Edit]) -> Result<Changed, ChangeError> {
        // One after the other, and never while the file is being looked at.
        let mut seen = self.building.blocking_lock();
        let before = self.current();
        let effective = self.effective.load_full();
        let next = seen.kept.after(edits, &effective, &environment)?;
        let laid = self.judge(edits, &next, &effective)?;
        let settings = Arc::new(laid.loaded.settings);
        if edits.iter().any(|edit| matches!(edit.what, What::Set(_))) {
            try_out(&before, &settings)?;
        }
        self.live.pool.storage().change(&next.gone, &next.rows)?;
        seen.kept = next.kept;
        let warnings = laid.loaded.warnings;
        let known = &effective.warnings;
        let new = warnings.iter().filter(|warning| !known.contains(warning));
        let new = new.map(ToString::to_string).collect();
        let effective = seen.kept.beside(effective.text.clone(), laid.aside, &warnings);
        let generation = Generation::build(
            before.number + 1,
            settings,
            before.plugins.clone(),
            before.upstream.clone(),
            &self.live,
        );
        let now = self.put_in_place(&before, generation, effective);
        self.forget_removed(&before.settings, &now.settings);
        Ok(Changed {
            generation: now.number,
            kept: self.live.pool.storage().file().is_some(),
            warnings: new,
            notices: now.notices.clone(),
        })
    }

    /// With the file and everything else that was set: neither the new changes nor any that held before may be left out.
    fn judge(&self, edits: &[Edit], next: &kept::Next, effective: &Effective) -> Result<Laid, ChangeError> {
        let laid = config::lay(
            &effective.text,
            &self.config_path,
            &environment,
            &next.kept.changes,
        );
        let laid = laid.map_err(|problems| {
            let problems = problems.as_slice().iter();
            ChangeError::Refused(problems.map(ToString::to_string).collect())
        })?;
        let was_aside = |path: &SettingPath| effective.aside.iter().any(|aside| aside.path == *path);
        let is_new = |path: &SettingPath| edits.iter().any(|edit| edit.path == *path);
        let harmed: Vec<String> = laid
            .aside
            .iter()
            .filter(|aside| is_new(&aside.path) || !was_aside(&aside.path))
            .map(|aside| aside.why.clone())
            .collect();
        if harmed.is_empty() {
            Ok(laid)
        } else {
            Err(ChangeError::Refused(harmed))
        }
    }

    /// What was known of accounts and models that are there no more is known no more.
    fn forget_removed(&self, before: &Settings, now: &Settings) {
        for vendor in before.vendors.values() {
            let left = now.vendors.get(&vendor.name);
            for account in &vendor.accounts {
                let name = |model: Option<&String>| KeyName {
                    vendor: vendor.name.clone(),
                    account: account.name.clone(),
                    model: model.cloned(),
                };
                let stays =
                    left.is_some_and(|left| left.accounts.iter().any(|other| other.name == account.name));
                if !stays {
                    self.live.pool.forget(&name(None));
                    continue;
                }
                let models = vendor.models.iter().map(|model| &model.name);
                let has = |model: &String| {
                    left.is_some_and(|left| left.models.iter().any(|other| other.name == *model))
                };
                for model in models.filter(|model| !has(model)) {
                    self.live.pool.forget(&name(Some(model)));
                }
            }
        }
    }
}

/// Whether plugins take what they would be told, found out beside everything that lives.
fn try_out(before: &Generation, settings: &Arc<Settings>) -> Result<(), ChangeError> {
    let aside = Live::new(Storage::in_memory(), Shadows::none())?;
    let trial = Generation::build(
        before.number + 1,
        settings.clone(),
        before.plugins.clone(),
        before.upstream.clone(),
        &aside,
    );
    trial.retire();
    let is_new = |notice: &&String| !before.notices.contains(notice) && !notice.ends_with(SWITCHED_OFF);
    let new: Vec<String> = trial.notices.iter().filter(is_new).cloned().collect();
    if new.is_empty() {
        Ok(())
    } else {
        Err(ChangeError::Refused(new))
    }
}

// === impl What ===

impl std::fmt::Debug for What {
    /// Without the value, which may be a credential.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Set(_) => "Set(***)",
            Self::Remove => "Remove",
            Self::Unset => "Unset",
        })
    }
}
