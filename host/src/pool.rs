//! The live state of candidates: what is under way, how the last attempts went, who is left alone for now.
//!
//! Keyed by vendor, account and model, and kept outside of generations, so that a reload resets nothing. Decides
//! nothing: who is asked next is up to [`crate::route`].

mod gate;
mod key;
mod rules;
mod standing;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;

pub use gate::{Gate, Place, Waiter};
pub use key::{Kept, Key, Pass};
pub use rules::{Rules, Schedule};
pub use standing::{Admission, Change, Millis, Standing, State};

use crate::clock;
use crate::failure::{Failure, Scope};
use crate::lock::lock;
use crate::storage::{KeyName, KeyRecord, Storage, StorageError};

/// How much the newest observation weighs in a moving average.
const NEWEST: f64 = 0.2;

/// Every candidate there has been since the gateway started.
#[derive(Debug)]
pub struct Pool {
    storage: Storage,
    /// What was kept of keys when the gateway started, until they are asked for.
    kept: Mutex<HashMap<KeyName, KeyRecord>>,
    states: Mutex<BTreeMap<CandidateKey, Arc<CandidateState>>>,
    /// By vendor and account.
    accounts: Mutex<BTreeMap<(String, String), Arc<Key>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CandidateKey {
    pub vendor: String,
    pub account: String,
    /// The upstream model's name.
    pub model: String,
}

/// Counters of one candidate. Written by every attempt without a lock.
#[derive(Debug)]
pub struct CandidateState {
    /// As many places as attempts may be under way at once.
    gate: Arc<Gate>,
    /// Of the account with this model, and of the account as a whole.
    key: Arc<Key>,
    account: Arc<Key>,
    rules: ArcSwap<Rules>,
    requests: AtomicU64,
    consecutive_failures: AtomicU32,
    success_rate: Average,
    latency_ms: Average,
    first_token_ms: Average,
}

/// The right to send one attempt to a candidate; gives itself back when dropped.
#[derive(Debug)]
pub struct Lease {
    state: Arc<CandidateState>,
    _place: Place,
    key: Pass,
    account: Pass,
}

/// Why a candidate is not to be asked now.
#[derive(Debug, Clone)]
pub struct Held {
    /// Unix time in milliseconds; none is not until somebody does something.
    pub until: Option<Millis>,
    /// What brought it there; `retry_after` is the time that is left.
    pub failure: Option<Failure>,
}

/// A moving average; NaN until the first observation.
#[derive(Debug)]
struct Average(AtomicU64);

// === impl Pool ===

impl Pool {
    /// The state of a candidate, the same one each time. For building generations, not for the hot path.
    pub fn state(&self, key: CandidateKey, rules: &Rules) -> Arc<CandidateState> {
        let mut states = lock(&self.states);
        let new = |key: &CandidateKey| {
            let named = KeyName {
                vendor: key.vendor.clone(),
                account: key.account.clone(),
                model: Some(key.model.clone()),
            };
            Arc::new(CandidateState::new(
                self.key(named, rules),
                self.account(key, rules),
            ))
        };
        states.entry(key.clone()).or_insert_with(|| new(&key)).clone()
    }

    /// What is kept of every key is taken up again.
    ///
    /// # Errors
    ///
    /// What hinders reading it.
    pub fn new(storage: Storage) -> Result<Self, StorageError> {
        let kept = storage.keys()?.into_iter();
        Ok(Self {
            kept: Mutex::new(kept.map(|record| (record.key.clone(), record)).collect()),
            storage,
            states: Mutex::default(),
            accounts: Mutex::default(),
        })
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
            self.key(named, rules)
        };
        named.or_insert_with(new).clone()
    }

    fn key(&self, name: KeyName, rules: &Rules) -> Arc<Key> {
        let kept = lock(&self.kept).remove(&name);
        let kept = kept.map(|record| (Standing::restored(&record, rules), record.credential));
        Arc::new(Key::new(name, kept, self.storage.clone()))
    }

    /// Every candidate there has been, by name.
    pub fn candidates(&self) -> Vec<(CandidateKey, Arc<CandidateState>)> {
        let states = lock(&self.states);
        states
            .iter()
            .map(|(key, state)| (key.clone(), state.clone()))
            .collect()
    }

    /// Attempts under way, over all candidates.
    pub fn in_flight(&self) -> u64 {
        let states = lock(&self.states);
        states.values().map(|state| state.in_flight() as u64).sum()
    }
}

// === impl CandidateState ===

impl CandidateState {
    fn new(key: Arc<Key>, account: Arc<Key>) -> Self {
        Self {
            gate: Gate::new(usize::MAX),
            key,
            account,
            rules: ArcSwap::default(),
            requests: AtomicU64::new(0),
            consecutive_failures: AtomicU32::new(0),
            success_rate: Average::unknown(),
            latency_ms: Average::unknown(),
            first_token_ms: Average::unknown(),
        }
    }

    /// What holds from now on: attempts that may be under way at once, and what failures do.
    /// `fingerprint`: of the account's credentials.
    pub fn configure(&self, concurrency: Option<u32>, rules: &Arc<Rules>, fingerprint: &str) {
        self.key.has_credentials(fingerprint);
        self.account.has_credentials(fingerprint);
        let places = concurrency.map_or(usize::MAX, |most| most as usize);
        self.gate.resize(places);
        self.rules.store(rules.clone());
    }

    /// A lease, if there is room for another attempt and its keys may be asked.
    pub fn lease(self: &Arc<Self>) -> Option<Lease> {
        self.leased(self.gate.enter()?)
    }

    /// A position in the queue for a lease, to be turned into one by [`Self::leased`].
    pub fn queue(&self, caller: &str, most: usize) -> Option<Waiter> {
        self.gate.queue(caller, most)
    }

    /// None if meanwhile its keys may not be asked any more.
    pub fn leased(self: &Arc<Self>, place: Place) -> Option<Lease> {
        let account = self.account.pass().ok()?;
        let key = self.key.pass().ok()?;
        self.requests.fetch_add(1, Relaxed);
        Some(Lease {
            state: self.clone(),
            _place: place,
            key,
            account,
        })
    }

    pub fn has_room(&self) -> bool {
        self.gate.has_room()
    }

    /// Why it is left alone, and until when.
    pub fn held(&self) -> Option<Held> {
        let keys = [&self.account, &self.key].into_iter();
        let blocked = keys.filter_map(|key| match key.outlook() {
            Admission::Yes | Admission::Trial => None,
            Admission::No(until) => Some((until, key)),
        });
        // Of two reasons the one that lasts longer.
        let (until, key) = blocked.max_by_key(|(until, _)| until.unwrap_or(Millis::MAX))?;
        let left = until.map(|until| Duration::from_millis(until.saturating_sub(clock::unix_millis())));
        let failure = key.standing().failure().cloned().map(|failure| Failure {
            retry_after: left,
            ..failure
        });
        Some(Held { until, failure })
    }

    /// Attempts under way.
    pub fn in_flight(&self) -> usize {
        self.gate.taken()
    }

    /// Attempts since the gateway started.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Since the last success.
    pub fn consecutive_failures(&self) -> u32 {
        self.consecutive_failures.load(Relaxed)
    }

    /// 0 to 1, over the recent attempts; NaN before the first.
    pub fn success_rate(&self) -> f64 {
        self.success_rate.get()
    }

    /// Moving average over the recent successes; NaN before the first.
    pub fn latency_ms(&self) -> f64 {
        self.latency_ms.get()
    }

    /// Moving average over the recent streams; NaN before the first.
    pub fn first_token_ms(&self) -> f64 {
        self.first_token_ms.get()
    }
}

// === impl Lease ===

impl Lease {
    /// The attempt brought a complete answer, or a stream to its end.
    pub fn succeeded(&self, latency: Duration, first_token: Option<Duration>) {
        self.key.succeeded();
        self.account.succeeded();
        self.state.consecutive_failures.store(0, Relaxed);
        self.state.success_rate.observe(1.0);
        self.state.latency_ms.observe(latency.as_secs_f64() * 1e3);
        if let Some(first_token) = first_token {
            self.state.first_token_ms.observe(first_token.as_secs_f64() * 1e3);
        }
    }

    /// The attempt failed in a way that speaks of the candidate.
    /// What is returned is there if a key is out of service now, and resolves when that is safe on the disk.
    pub fn failed(&self, failure: &Failure) -> Option<Kept> {
        self.state.consecutive_failures.fetch_add(1, Relaxed);
        self.state.success_rate.observe(0.0);
        let rules = self.state.rules.load();
        match failure.scope {
            Scope::Request => None,
            Scope::Account => self.account.failed(failure, &rules),
            Scope::Candidate | Scope::Model | Scope::Endpoint => self.key.failed(failure, &rules),
        }
    }
}

// === impl Average ===

impl Average {
    fn unknown() -> Self {
        Self(AtomicU64::new(f64::NAN.to_bits()))
    }

    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }

    fn observe(&self, value: f64) {
        let step = |bits: u64| {
            let before = f64::from_bits(bits);
            let after = if before.is_nan() {
                value
            } else {
                before + NEWEST * (value - before)
            };
            Some(after.to_bits())
        };
        // The closure always returns Some, so this cannot fail.
        let _ = self.0.fetch_update(Relaxed, Relaxed, step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_give_themselves_back_and_state_outlives_them() {
        let key = CandidateKey {
            vendor: "v".into(),
            account: "a".into(),
            model: "m".into(),
        };
        let pool = Pool::new(Storage::in_memory()).unwrap();
        let state = pool.state(key.clone(), &Rules::default());
        assert!(state.latency_ms().is_nan() && state.success_rate().is_nan());
        let (first, second) = (state.lease().unwrap(), state.lease().unwrap());
        assert_eq!((state.in_flight(), pool.in_flight()), (2, 2));
        first.succeeded(Duration::from_millis(100), Some(Duration::from_millis(10)));
        second.failed(&Failure::malformed(""));
        drop((first, second));
        let again = pool.state(key, &Rules::default());
        assert!(Arc::ptr_eq(&state, &again));
        assert_eq!(
            (again.in_flight(), again.requests(), again.consecutive_failures()),
            (0, 2, 1)
        );
        assert!((again.success_rate() - 0.8).abs() < 1e-9);
        assert!((again.latency_ms() - 100.0).abs() < 1e-9);
        assert!((again.first_token_ms() - 10.0).abs() < 1e-9);
    }
}
