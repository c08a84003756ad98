//! Probes: of new keys at once, of all accounts at times, of those out of service when they are due, and of any when
//! somebody wants to know. One at a time for each account.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

use super::Gateway;
use crate::clock;
use crate::config::{Account, Secret};
use crate::failure::{Failure, Kind, Scope};
use crate::generation::Generation;
use crate::pipeline::Probe;
use crate::plugin::Target;
use crate::pool::{Admission, Key, State, Took};
use crate::route::{Candidate, Way};
use crate::storage::KeyName;
use crate::telemetry::Probed;

/// Probes under way at once, over all accounts.
const AT_ONCE: usize = 16;
/// The longest time without a look at the accounts: what becomes due is noticed that late at worst.
const LOOK: Duration = Duration::from_secs(1);

/// Why there was no probe.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("there is no account {account} at a vendor {vendor} that serves a model")]
    Unknown { vendor: String, account: String },
    #[error("there is no vendor {0} in the configuration")]
    UnknownVendor(String),
    #[error("{vendor}/{account} is disabled by hand; enable it first")]
    Disabled { vendor: String, account: String },
    #[error("{0}")]
    Unavailable(String),
    #[error("a request or another probe is finding out about it just now; look again in a moment")]
    UnderWay,
    #[error("{0}")]
    Unfit(String),
}

/// What is to be probed, and by way of which of its models.
struct Subject {
    candidate: Arc<Candidate>,
    generation: Arc<Generation>,
}

// === impl Gateway ===

impl Gateway {
    /// Probes whoever is due, until the task is dropped.
    pub async fn keep_probing(self: Arc<Self>) {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut next: HashMap<KeyName, Instant> = HashMap::new();
        loop {
            let changed = self.live.pool.journal.changed.notified();
            for subject in subjects(&self.current()) {
                if !subject.is_due(&mut next) {
                    continue;
                }
                let Ok(place) = room.clone().acquire_owned().await else {
                    return;
                };
                tokio::spawn(async move {
                    let _ = subject.probe(false).await;
                    drop(place);
                });
            }
            tokio::select! {
                () = changed => {}
                () = sleep_until(Instant::now() + LOOK) => {}
            }
        }
    }

    /// Probes an account now, due or not: whether its vendor answered, and if not, why.
    ///
    /// # Errors
    ///
    /// There was nothing that could be probed.
    pub async fn probe(&self, vendor: &str, account: &str) -> Result<Result<(), Failure>, ProbeError> {
        let named = || (vendor.to_owned(), account.to_owned());
        let generation = self.current();
        let mut candidates = generation.routes().flat_map(|route| &route.candidates);
        let mine = |candidate: &&Arc<Candidate>| candidate.vendor == vendor && candidate.account == account;
        let known = candidates.find(mine).ok_or_else(|| {
            let (vendor, account) = named();
            ProbeError::Unknown { vendor, account }
        })?;
        if known.state.account_key().standing().state() == State::DisabledByHand {
            let (vendor, account) = named();
            return Err(ProbeError::Disabled { vendor, account });
        }
        let mut usable = std::iter::once(known).chain(candidates.filter(mine));
        let Some(candidate) = usable.find(|candidate| candidate.way.is_some()) else {
            let why = known.unavailable.clone();
            return Err(ProbeError::Unavailable(why.unwrap_or_default()));
        };
        let subject = Subject {
            candidate: candidate.clone(),
            generation: generation.clone(),
        };
        subject.probe(true).await.ok_or(ProbeError::UnderWay)
    }

    /// Finds out about credentials that belong to no account. Nothing is kept of them.
    ///
    /// # Errors
    ///
    /// There was nothing that could be probed.
    pub async fn check_key(
        &self,
        vendor: &str,
        credentials: std::collections::BTreeMap<String, Secret>,
    ) -> Result<Result<(), Failure>, ProbeError> {
        let generation = self.current();
        let settings = &generation.settings;
        let unknown = || ProbeError::UnknownVendor(vendor.to_owned());
        let vendor = settings.vendors.get(vendor).ok_or_else(unknown)?;
        let adapter = generation.plugins.adapter(&vendor.adapter);
        let adapter = adapter.map_err(ProbeError::Unavailable)?;
        let model = vendor.models.first().ok_or_else(|| {
            ProbeError::Unavailable(format!("vendors.{} has no model to probe with", vendor.name))
        })?;
        let account = Account::unnamed(credentials);
        let grants = settings.plugins.grants_of(&vendor.adapter);
        let target = Target::new(adapter, grants, vendor, &account, model)
            .map_err(|error| ProbeError::Unfit(error.to_string()))?;
        let probe = Probe {
            way: &Way {
                adapter: adapter.clone(),
                target: Arc::new(target),
            },
            model: &model.name,
            credentials: &account.credentials,
            upstream: &generation.upstream,
            longest: settings.health.timeout,
        };
        Ok(probe.make().await)
    }
}

/// One for each account that can be reached.
fn subjects(generation: &Arc<Generation>) -> Vec<Subject> {
    let mut found: HashMap<&KeyName, Subject> = HashMap::new();
    if !generation.settings.health.probe {
        return Vec::new();
    }
    for candidate in generation.routes().flat_map(|route| &route.candidates) {
        if candidate.way.is_some() {
            found
                .entry(&candidate.state.account_key().name)
                .or_insert_with(|| Subject {
                    candidate: candidate.clone(),
                    generation: generation.clone(),
                });
        }
    }
    found.into_values().collect()
}

// === impl Subject ===

impl Subject {
    fn key(&self) -> &Arc<Key> {
        self.candidate.state.account_key()
    }

    /// Whether it is to be probed now. `next`: when each account is, if nothing happens to it.
    fn is_due(&self, next: &mut HashMap<KeyName, Instant>) -> bool {
        let key = self.key();
        if key.probing.try_lock().is_err() {
            return false;
        }
        let standing = key.standing();
        let interval = self.generation.settings.health.interval;
        let (now, soon) = (Instant::now(), jittered(interval));
        let at = *next.entry(key.name.clone()).or_insert(now + soon);
        let due = match standing.state() {
            State::Verifying { .. } => true,
            State::OutOfService { .. } | State::DisabledByFailure { .. } => {
                standing.can_be_probed() && standing.outlook(clock::unix_millis()) == Admission::Trial
            }
            State::Available { .. } => at <= now,
            // What has begun with requests ends with them.
            State::CoolingDown { .. }
            | State::HalfOpen { .. }
            | State::Rechecking { .. }
            | State::DisabledByHand => false,
        };
        if due {
            next.insert(key.name.clone(), now + soon);
        }
        due
    }

    /// None if somebody else is finding out.
    async fn probe(&self, by_hand: bool) -> Option<Result<(), Failure>> {
        let key = self.key();
        let _one = key.probing.lock().await;
        let pass = key.pass_probe(self.candidate.fingerprint, by_hand).ok()?;
        let way = self.candidate.way.as_ref()?;
        let probe = Probe {
            way,
            model: &self.candidate.model,
            credentials: &self.candidate.credentials,
            upstream: &self.generation.upstream,
            longest: self.generation.settings.health.timeout,
        };
        let began = Instant::now();
        let found = probe.make().await;
        Probed {
            key: &key.name,
            failure: found.as_ref().err(),
            by_hand,
        }
        .emit();
        match &found {
            Ok(()) => pass.answered(Took {
                latency: began.elapsed(),
                first_token: None,
            }),
            // Dropped, the pass leaves a new key to the requests.
            Err(failure) if !speaks_of_account(failure) => {}
            Err(failure) => {
                pass.missed();
                let rules = self.candidate.state.rules();
                if let Some(kept) = pass.failed(failure, &rules, way.adapter.number()) {
                    // That it cannot be kept, the storage has said.
                    let _ = kept.await;
                }
            }
        }
        Some(found)
    }
}

/// Not where the server has no list of models, or the gateway's plugin is at fault.
fn speaks_of_account(failure: &Failure) -> bool {
    failure.counts_against_candidate()
        && failure.scope != Scope::Request
        && failure.kind != Kind::ModelNotFound
}

/// Between nine tenths and all of it, so that accounts that began together are not probed together for ever.
fn jittered(interval: Duration) -> Duration {
    let share = f64::from(u16::try_from(clock::entropy() & 0xffff).unwrap_or(0)) / 65_535.0;
    interval.mul_f64(0.9 + 0.1 * share)
}
