//! What an operator does to keys: has them tried now, or puts them back to service, and tries one that is
//! no account's.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;

use super::accounts::{LookupError, Roll, key_view};
use super::{Gateway, ProbeError};
use crate::accounts::{Changed, Checked, KeyChange};
use crate::clock;
use crate::config::Secret;
use crate::pool::{Key, Standing, State};

/// Which keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    All,
    Vendor(&'a str),
    /// With all of its models, or with one alone.
    Account {
        vendor: &'a str,
        account: &'a str,
        model: Option<&'a str>,
    },
}

// === impl Gateway ===

impl Gateway {
    /// Puts keys back to service, whatever stood against them.
    ///
    /// # Errors
    ///
    /// There is nothing of these names.
    pub fn reset(&self, which: Which<'_>) -> Result<Changed, LookupError> {
        let keys = self.named(which)?.into_iter().filter(is_troubled);
        let changed = keys.map(|key| {
            let before = key.standing();
            key.reset();
            change(&key, &before, None)
        });
        Ok(Changed {
            keys: changed.collect(),
            now: clock::unix_millis(),
        })
    }

    /// Has keys tried: accounts by a probe, as far as that can prove anything; anything else is due from now on, so
    /// that the next request finds out. Of many, those that are not in order; one that is named, in any case.
    ///
    /// # Errors
    ///
    /// There is nothing of these names.
    pub async fn recheck(&self, which: Which<'_>) -> Result<Changed, LookupError> {
        let one = matches!(which, Which::Account { .. });
        let keys = self.named(which)?.into_iter();
        let tried = keys.filter(|key| is_troubled(key) || (one && key.name.model.is_none()));
        let tried = join_all(tried.map(|key| self.try_now(key))).await;
        Ok(Changed {
            keys: tried,
            now: clock::unix_millis(),
        })
    }

    /// What a vendor says of credentials that belong to no account. Nothing is kept of them.
    ///
    /// # Errors
    ///
    /// There is no such vendor, or no way to ask it.
    pub async fn check(
        &self,
        vendor: &str,
        credentials: BTreeMap<String, Secret>,
    ) -> Result<Checked, LookupError> {
        Roll::of(&self.current()).vendor(vendor)?;
        let found = self.check_key(vendor, credentials).await?;
        Ok(Checked::of(vendor, found.as_ref().err()))
    }

    async fn try_now(&self, key: Arc<Key>) -> KeyChange {
        let before = key.standing();
        if key.name.model.is_some() {
            key.hasten();
            return change(&key, &before, None);
        }
        let said = match self.probe(&key.name.vendor, &key.name.account).await {
            Ok(Ok(())) => "answered".to_owned(),
            Ok(Err(failure)) => failure.to_string(),
            Err(error @ (ProbeError::Disabled { .. } | ProbeError::UnderWay)) => error.to_string(),
            Err(error) => {
                key.hasten();
                error.to_string()
            }
        };
        change(&key, &before, Some(said))
    }

    fn named(&self, which: Which<'_>) -> Result<Vec<Arc<Key>>, LookupError> {
        let generation = self.current();
        let roll = Roll::of(&generation);
        match which {
            Which::All => Ok(roll.every_key(None)),
            Which::Vendor(name) => Ok(roll.every_key(Some(roll.vendor(name)?))),
            Which::Account {
                vendor,
                account,
                model,
            } => roll.keys(vendor, account, model),
        }
    }
}

fn is_troubled(key: &Arc<Key>) -> bool {
    !matches!(key.standing().state(), State::Available { .. })
}

fn change(key: &Key, before: &Standing, probe: Option<String>) -> KeyChange {
    KeyChange {
        vendor: key.name.vendor.clone(),
        account: key.name.account.clone(),
        model: key.name.model.clone(),
        before: before.state().name().to_owned(),
        probe,
        key: key_view(key, None, clock::unix_millis()),
    }
}
