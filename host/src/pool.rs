//! The live state of candidates: what is under way, how the last attempts went, who is left alone for now.
//!
//! Keyed by vendor, account and model, and kept outside of generations, so that a reload resets nothing. Decides
//! nothing: who is asked next is up to [`crate::route`].

mod advice;
mod allowance;
mod average;
mod candidate;
mod gate;
mod health;
mod journal;
mod key;
mod report;
mod rules;
mod standing;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

pub use advice::Advice;
use allowance::Allowances;
pub use allowance::{Allowance, Allowed, Booked, Bounds, LimitView, Need, Reported};
pub use candidate::{CandidateState, Denied, Held, Lease, Terms};
pub use gate::{Gate, Place, Waiter};
pub use health::{Condition, Health, Percentiles, Timing};
pub use journal::Journal;
pub use key::{Kept, Key, Pass, Took, number_of};
pub use report::{Absence, Counts, Day, Recount, Report};
pub use rules::{Rules, Schedule};
pub use standing::{Admission, Change, Millis, Standing, State};

use crate::lock::lock;
use crate::storage::{KeyName, KeyRecord, Storage, StorageError};
use crate::telemetry::METRICS;

/// Every candidate there has been since the gateway started.
#[derive(Debug)]
pub struct Pool {
    pub journal: Arc<Journal>,
    /// What was kept of keys when the gateway started, until they are asked for.
    kept: Mutex<HashMap<KeyName, KeyRecord>>,
    states: Mutex<BTreeMap<CandidateKey, Arc<CandidateState>>>,
    /// By vendor and account.
    accounts: Mutex<BTreeMap<(String, String), Arc<Key>>>,
    allowances: Allowances,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CandidateKey {
    pub vendor: String,
    pub account: String,
    /// The upstream model's name.
    pub model: String,
}

// === impl Pool ===

impl Pool {
    /// The state of a candidate, the same one each time. For building generations, not for the hot path.
    pub fn state(&self, key: &CandidateKey, rules: &Rules) -> Arc<CandidateState> {
        let mut states = lock(&self.states);
        let new = |key: &CandidateKey| {
            let named = KeyName {
                vendor: key.vendor.clone(),
                account: key.account.clone(),
                model: Some(key.model.clone()),
            };
            Arc::new(CandidateState::new(
                self.key_of(named, rules),
                self.account(key, rules),
                self.allowances.of(key),
            ))
        };
        states.entry(key.clone()).or_insert_with(|| new(key)).clone()
    }

    /// What is kept of every key is taken up again.
    ///
    /// # Errors
    ///
    /// What hinders reading it.
    pub fn new(storage: Storage) -> Result<Self, StorageError> {
        let kept = storage.keys()?.into_iter();
        Ok(Self {
            allowances: Allowances::new(storage.clone(), storage.quotas()?),
            kept: Mutex::new(kept.map(|record| (record.key.clone(), record)).collect()),
            journal: Arc::new(Journal::new(storage)),
            states: Mutex::default(),
            accounts: Mutex::default(),
        })
    }

    /// Where the standing and the history of keys are kept.
    pub fn storage(&self) -> &Storage {
        &self.journal.storage
    }

    fn account(&self, key: &CandidateKey, rules: &Rules) -> Arc<Key> {
        let (vendor, account) = (key.vendor.clone(), key.account.clone());
        let mut accounts = lock(&self.accounts);
        let named = accounts.entry((vendor.clone(), account.clone()));
        let new = || {
            let named = KeyName {
                vendor,
                account,
                model: None,
            };
            self.key_of(named, rules)
        };
        named.or_insert_with(new).clone()
    }

    fn key_of(&self, name: KeyName, rules: &Rules) -> Arc<Key> {
        let kept = lock(&self.kept).remove(&name);
        let kept = kept.map(|record| (Standing::restored(&record, rules), record.credential));
        Arc::new(Key::new(name, kept, self.journal.clone()))
    }

    /// Every account there has been, by name.
    pub fn accounts(&self) -> Vec<Arc<Key>> {
        lock(&self.accounts).values().cloned().collect()
    }

    /// Restores whatever stands where it stands because this version of a plugin has said so.
    pub fn undo(&self, plugin: u64) {
        self.journal.disown(plugin);
        let mut keys = self.accounts();
        keys.extend(lock(&self.states).values().map(|state| state.model_key().clone()));
        for key in keys {
            key.undo(plugin);
        }
    }

    /// Nothing is known any more of an account, or of one of its models: the operator has removed it. Attempts under
    /// way end as they would have, and leave no trace.
    pub fn forget(&self, name: &KeyName) {
        let is_gone = |vendor: &str, account: &str, model: Option<&str>| {
            vendor == name.vendor
                && account == name.account
                && (name.model.is_none() || name.model.as_deref() == model)
        };
        lock(&self.kept).retain(|key, _| !is_gone(&key.vendor, &key.account, key.model.as_deref()));
        lock(&self.states).retain(|key, state| {
            let gone = is_gone(&key.vendor, &key.account, Some(&key.model));
            if gone {
                state.model_key().forget();
            }
            !gone
        });
        lock(&self.accounts).retain(|(vendor, account), key| {
            let gone = is_gone(vendor, account, None);
            if gone {
                key.forget();
            }
            !gone
        });
        self.storage().forget(name);
    }

    /// Every candidate there has been, by name.
    pub fn candidates(&self) -> Vec<(CandidateKey, Arc<CandidateState>)> {
        let states = lock(&self.states);
        states
            .iter()
            .map(|(key, state)| (key.clone(), state.clone()))
            .collect()
    }

    /// The limits of every account and of its models, by name.
    pub fn allowances(&self) -> Vec<Arc<Allowance>> {
        self.allowances.all()
    }

    /// Sets the metrics of limits.
    pub fn measure(&self) {
        METRICS.limit_used.reset();
        self.allowances().iter().for_each(|allowance| allowance.measure());
    }

    /// Attempts under way, over all candidates.
    pub fn in_flight(&self) -> u64 {
        let states = lock(&self.states);
        states.values().map(|state| state.in_flight() as u64).sum()
    }
}

#[cfg(test)]
mod tests;
