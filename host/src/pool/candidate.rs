//! The live state of one candidate, and the right to send an attempt to it.
//!
//! Who is under way, which keys stand behind it, what it may be used for. Gives back everything by being dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::{
    Admission, Allowed, Booked, Condition, Health, Kept, Key, Millis, Need, Pass, Place, Reported, Rules,
    State, Took, Waiter,
};
use crate::chat::Tokens;
use crate::clock;
use crate::failure::{Failure, Kind, Scope};

/// Counters of one candidate. Written by every attempt without a lock.
#[derive(Debug)]
pub struct CandidateState {
    /// Places for attempts, and what they may use.
    allowed: Arc<Allowed>,
    /// Of the account with this model, and of the account as a whole.
    key: Arc<Key>,
    account: Arc<Key>,
    rules: ArcSwap<Rules>,
    requests: AtomicU64,
}

/// What the configuration says of a candidate, until the next reload.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    pub rules: &'a Arc<Rules>,
    /// Of the account's credentials; none while there is no way to it, since nothing can be found out about them.
    pub fingerprint: Option<&'a str>,
    /// What the configuration says of the account, and of its model.
    pub account_enabled: bool,
    pub model_enabled: bool,
    /// Somebody probes the account.
    pub verify: bool,
}

/// The right to send one attempt to a candidate; gives itself back when dropped.
#[derive(Debug)]
pub struct Lease {
    state: Arc<CandidateState>,
    _place: Place,
    booked: Booked,
    key: Pass,
    account: Pass,
}

/// Why there is no lease.
#[derive(Debug, Clone)]
pub enum Denied {
    /// As many attempts are under way as may be; the queue is open.
    Full,
    Held(Held),
}

/// Why a candidate is not to be asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Unix time in milliseconds; none is not until somebody does something.
    pub until: Option<Millis>,
    /// A probe finds out about it just now.
    pub verifying: bool,
    /// What brought it there; `retry_after` is the time that is left.
    pub failure: Box<Failure>,
}

// === impl CandidateState ===

impl CandidateState {
    pub(super) fn new(key: Arc<Key>, account: Arc<Key>, allowed: Arc<Allowed>) -> Self {
        Self {
            allowed,
            key,
            account,
            rules: ArcSwap::default(),
            requests: AtomicU64::new(0),
        }
    }

    /// What holds from now on.
    pub fn configure(&self, terms: Terms<'_>) {
        // Whether it is to be verified when it is back in use, is known as soon as there is a way to it.
        if !terms.account_enabled || terms.fingerprint.is_some() {
            self.account.is_enabled(terms.account_enabled, terms.verify);
        }
        self.key.is_enabled(terms.model_enabled, false);
        if let Some(fingerprint) = terms.fingerprint {
            self.account.has_credentials(fingerprint, terms.verify);
            self.key.has_credentials(fingerprint, false);
        }
        self.rules.store(terms.rules.clone());
    }

    pub fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }

    /// What it may be used for.
    pub fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// A lease, if there is room for another attempt, its keys may be asked, and no limit stands against it.
    pub fn lease(self: &Arc<Self>, need: &Need) -> Result<Lease, Denied> {
        let place = self.allowed.gate().enter().ok_or(Denied::Full)?;
        self.leased(place, need).map_err(Denied::Held)
    }

    /// A position in the queue for a lease, to be turned into one by [`Self::leased`].
    pub fn queue(&self, caller: &str, most: usize) -> Option<Waiter> {
        self.allowed.gate().queue(caller, most)
    }

    /// A place becomes a lease, unless meanwhile its keys may not be asked any more, or a limit is reached.
    pub fn leased(self: &Arc<Self>, place: Place, need: &Need) -> Result<Lease, Held> {
        let booked = self.allowed.book(need)?;
        // Whatever stood against it may be over by now.
        let held = |until| self.keys_held().unwrap_or_else(|| Held::passing(until));
        let account = self.account.pass(need.credentials).map_err(held)?;
        let key = self.key.pass(need.credentials).map_err(held)?;
        self.requests.fetch_add(1, Relaxed);
        Ok(Lease {
            state: self.clone(),
            _place: place,
            booked,
            key,
            account,
        })
    }

    /// Of its account as a whole.
    pub fn account_key(&self) -> &Arc<Key> {
        &self.account
    }

    /// Of its account with its model.
    pub fn model_key(&self) -> &Arc<Key> {
        &self.key
    }

    pub fn has_room(&self) -> bool {
        self.allowed.gate().has_room()
    }

    /// Why it is left alone, and until when: because of a key, or of a limit.
    pub fn held(&self) -> Option<Held> {
        let reasons = [self.keys_held(), self.allowed.held()].into_iter().flatten();
        reasons.max_by_key(|held| held.until.unwrap_or(Millis::MAX))
    }

    /// Whether it is left alone.
    pub fn is_held(&self) -> bool {
        let keys = [&self.account, &self.key].into_iter();
        let mut outlooks = keys.map(|key| key.outlook());
        outlooks.any(|outlook| matches!(outlook, Admission::No(_))) || self.allowed.held().is_some()
    }

    fn keys_held(&self) -> Option<Held> {
        let keys = [&self.account, &self.key].into_iter();
        let blocked = keys.filter_map(|key| match key.outlook() {
            Admission::Yes | Admission::Trial => None,
            Admission::No(until) => Some((until, key)),
        });
        // Of two reasons the one that lasts longer.
        let (until, key) = blocked.max_by_key(|(until, _)| until.unwrap_or(Millis::MAX))?;
        let left = until.map(|until| Duration::from_millis(until.saturating_sub(clock::unix_millis())));
        let standing = key.standing();
        let failure = standing.failure().cloned().unwrap_or_else(|| {
            let message = format!("the account is {}", standing.state().name());
            Failure::new(Kind::ServiceUnavailable, Scope::Account, message)
        });
        Some(Held {
            until,
            verifying: matches!(standing.state(), State::Verifying { .. }),
            failure: Box::new(Failure {
                retry_after: left,
                ..failure
            }),
        })
    }

    /// Attempts under way.
    pub fn in_flight(&self) -> usize {
        self.allowed.gate().taken()
    }

    /// Attempts since the gateway started.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Of the account with this model, and of the account where that is worse. `now`: Unix time in milliseconds.
    pub fn condition(&self, now: Millis) -> Condition {
        let own = self.key.health.condition(now);
        own.min(self.account.health.condition(now))
    }

    /// What has been observed of the account with this model.
    pub fn health(&self) -> &Health {
        &self.key.health
    }
}

// === impl Held ===

impl Held {
    /// Somebody else was finding out about a key.
    fn passing(until: Option<Millis>) -> Self {
        let message = "the account is being tried by another request";
        Self {
            until,
            verifying: false,
            failure: Box::new(Failure {
                retry_after: Some(Duration::ZERO),
                ..Failure::new(Kind::ServiceUnavailable, Scope::Account, message)
            }),
        }
    }

    /// Keeps whichever ends first.
    pub fn sooner(first: &mut Option<Self>, other: Option<Self>) {
        let until = |held: &Self| held.until.unwrap_or(Millis::MAX);
        if let Some(other) = other
            && first.as_ref().is_none_or(|first| until(&other) < until(first))
        {
            *first = Some(other);
        }
    }
}

// === impl Lease ===

impl Lease {
    /// The vendor is asked. Until more is said, it has read the input (in tokens, by estimate) and written nothing.
    pub fn asked(&mut self, input: u32) {
        self.booked.asked(u64::from(input));
    }

    /// What the attempt has used so far. What is not said is not counted, whichever way the attempt ends.
    pub fn uses(&mut self, tokens: Tokens) {
        self.booked.uses(tokens);
    }

    /// The vendor says what is left of its limits.
    pub fn learn(&mut self, reported: &Reported) {
        self.booked.learn(reported);
    }

    /// The vendor is going to be asked once more.
    ///
    /// # Errors
    ///
    /// A limit stands against it.
    pub fn again(&mut self, need: &Need) -> Result<(), Held> {
        self.booked.renew(need)
    }

    /// The stream has come so far that nobody has to wait for its end to ask its keys.
    pub fn proved(&self) {
        self.key.proved();
        self.account.proved();
    }

    /// The attempt brought a complete answer, or a stream to its end.
    pub fn succeeded(&self, took: Took) {
        self.key.succeeded(took);
        self.account.succeeded(took);
    }

    /// The attempt failed in a way that speaks of the candidate, in the words of `plugin`. What is returned is there if
    /// a key has changed, and resolves when that is as safe on the disk as it must be before anybody is asked again.
    pub fn failed(&self, failure: &Failure, plugin: u64) -> Option<Kept> {
        self.key.missed();
        self.account.missed();
        let rules = self.state.rules.load();
        match failure.scope {
            Scope::Request => None,
            Scope::Account => self.account.failed(failure, &rules, plugin),
            Scope::Candidate | Scope::Model | Scope::Endpoint => self.key.failed(failure, &rules, plugin),
        }
    }
}
