//! The live state of candidates: what is under way, how the last attempts went, who is left alone for now.
//!
//! Keyed by vendor, account and model, and kept outside of generations, so that a reload resets nothing. Decides
//! nothing: who is asked next is up to [`crate::route`].

mod gate;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::time::Instant;

pub use gate::{Gate, Place, Waiter};

use crate::failure::Failure;
use crate::lock::lock;

/// How much the newest observation weighs in a moving average.
const NEWEST: f64 = 0.2;

/// Every candidate there has been since the gateway started.
#[derive(Debug, Default)]
pub struct Pool {
    states: Mutex<HashMap<CandidateKey, Arc<CandidateState>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    held: ArcSwapOption<Held>,
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
}

/// A candidate is not to be asked until then, and why.
#[derive(Debug, Clone)]
pub struct Held {
    pub until: Instant,
    pub failure: Failure,
}

/// A moving average; NaN until the first observation.
#[derive(Debug)]
struct Average(AtomicU64);

// === impl Pool ===

impl Pool {
    /// The state of a candidate, the same one each time. For building generations, not for the hot path.
    pub fn state(&self, key: CandidateKey) -> Arc<CandidateState> {
        let mut states = lock(&self.states);
        states
            .entry(key)
            .or_insert_with(|| Arc::new(CandidateState::new()))
            .clone()
    }

    /// Attempts under way, over all candidates.
    pub fn in_flight(&self) -> u64 {
        let states = lock(&self.states);
        states.values().map(|state| state.in_flight() as u64).sum()
    }
}

// === impl CandidateState ===

impl CandidateState {
    fn new() -> Self {
        Self {
            gate: Gate::new(usize::MAX),
            held: ArcSwapOption::empty(),
            requests: AtomicU64::new(0),
            consecutive_failures: AtomicU32::new(0),
            success_rate: Average::unknown(),
            latency_ms: Average::unknown(),
            first_token_ms: Average::unknown(),
        }
    }

    /// Attempts that may be under way at once.
    pub fn limit(&self, concurrency: Option<u32>) {
        let places = concurrency.map_or(usize::MAX, |most| most as usize);
        self.gate.resize(places);
    }

    /// A lease, if there is room for another attempt.
    pub fn lease(self: &Arc<Self>) -> Option<Lease> {
        Some(self.leased(self.gate.enter()?))
    }

    /// A position in the queue for a lease, to be turned into one by [`Self::leased`].
    pub fn queue(&self, caller: &str, most: usize) -> Option<Waiter> {
        self.gate.queue(caller, most)
    }

    pub fn leased(self: &Arc<Self>, place: Place) -> Lease {
        self.requests.fetch_add(1, Relaxed);
        Lease {
            state: self.clone(),
            _place: place,
        }
    }

    pub fn has_room(&self) -> bool {
        self.gate.has_room()
    }

    /// Leaves the candidate alone for a while. Of two times the later stands.
    pub fn hold(&self, failure: &Failure, time: Duration) {
        let until = Instant::now() + time;
        let later = |held: &Option<Arc<Held>>| held.as_ref().is_some_and(|held| held.until >= until);
        if !later(&self.held.load()) {
            let failure = failure.clone();
            self.held.store(Some(Arc::new(Held { until, failure })));
        }
    }

    /// Why it is left alone, and until when.
    pub fn held(&self) -> Option<Arc<Held>> {
        let held = self.held.load();
        let held = held.as_ref()?;
        (held.until > Instant::now()).then(|| held.clone())
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

// === impl Held ===

impl Held {
    /// The failure, with the time that is left.
    pub fn until_then(&self) -> Failure {
        Failure {
            retry_after: Some(self.until.saturating_duration_since(Instant::now())),
            ..self.failure.clone()
        }
    }
}

// === impl Lease ===

impl Lease {
    /// The attempt brought a complete answer, or a stream to its end.
    pub fn succeeded(&self, latency: Duration, first_token: Option<Duration>) {
        self.state.consecutive_failures.store(0, Relaxed);
        self.state.success_rate.observe(1.0);
        self.state.latency_ms.observe(latency.as_secs_f64() * 1e3);
        if let Some(first_token) = first_token {
            self.state.first_token_ms.observe(first_token.as_secs_f64() * 1e3);
        }
    }

    /// The attempt failed in a way that speaks of the candidate.
    pub fn failed(&self) {
        self.state.consecutive_failures.fetch_add(1, Relaxed);
        self.state.success_rate.observe(0.0);
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
        let pool = Pool::default();
        let state = pool.state(key.clone());
        assert!(state.latency_ms().is_nan() && state.success_rate().is_nan());
        let (first, second) = (state.lease().unwrap(), state.lease().unwrap());
        assert_eq!((state.in_flight(), pool.in_flight()), (2, 2));
        first.succeeded(Duration::from_millis(100), Some(Duration::from_millis(10)));
        second.failed();
        drop((first, second));
        let again = pool.state(key);
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
