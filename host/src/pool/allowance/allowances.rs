//! Every allowance there is, by name, with what was kept of it when the gateway started.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use super::{Allowance, Allowed};
use crate::lock::lock;
use crate::pool::{CandidateKey, Gate};
use crate::storage::{KeyName, QuotaRecord, Storage};

/// Every allowance there has been since the gateway started.
#[derive(Debug)]
pub(in crate::pool) struct Allowances {
    storage: Storage,
    /// What was kept of quotas when the gateway started, until they are asked for.
    kept: Mutex<HashMap<Arc<KeyName>, QuotaRecord>>,
    all: Mutex<BTreeMap<Arc<KeyName>, Arc<Allowance>>>,
}

// === impl Allowances ===

impl Allowances {
    pub(in crate::pool) fn new(storage: Storage, kept: Vec<QuotaRecord>) -> Self {
        Self {
            kept: Mutex::new(
                kept.into_iter()
                    .map(|record| (record.key.clone(), record))
                    .collect(),
            ),
            storage,
            all: Mutex::default(),
        }
    }

    /// What a candidate is allowed. Its account's part is the same one for all models.
    pub(in crate::pool) fn of(&self, key: &CandidateKey) -> Arc<Allowed> {
        let account = self.one(key, None, || Gate::new(usize::MAX));
        let model = self.one(key, Some(&key.model), || Gate::within(&account.gate, usize::MAX));
        Arc::new(Allowed::new(account, model))
    }

    /// By name.
    pub(in crate::pool) fn all(&self) -> Vec<Arc<Allowance>> {
        lock(&self.all).values().cloned().collect()
    }

    fn one(
        &self,
        key: &CandidateKey,
        model: Option<&String>,
        gate: impl FnOnce() -> Arc<Gate>,
    ) -> Arc<Allowance> {
        let name = Arc::new(KeyName {
            vendor: key.vendor.clone(),
            account: key.account.clone(),
            model: model.cloned(),
        });
        let new = || {
            let kept = lock(&self.kept).remove(&name);
            Allowance::new(name.clone(), gate(), kept.as_ref(), self.storage.clone())
        };
        let mut all = lock(&self.all);
        all.entry(name.clone()).or_insert_with(|| Arc::new(new())).clone()
    }
}
