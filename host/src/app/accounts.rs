//! Gathers what operators are told of accounts, from the current configuration and the live state.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::{Gateway, ProbeError};
use crate::accounts::{
    AccountView, Analysis, EventView, KeyAdvice, KeyView, Keys, ModelView, Status, Totals, Traffic,
    UNAVAILABLE, UNUSED,
};
use crate::clock;
use crate::config::{Account, Vendor, among};
use crate::failure::Kind;
use crate::generation::Generation;
use crate::pool::{Admission, Advice, Key, Recount, Report};
use crate::route::Candidate;
use crate::storage::{KeyEvent, StorageError};

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// There is no vendor, account or model of this name.
    #[error("{0}")]
    Unknown(String),
    /// A vendor could not be asked.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// By upstream model.
type Models<'a> = BTreeMap<&'a str, &'a Candidate>;

/// The candidates of a generation by account.
pub(super) struct Roll<'a> {
    generation: &'a Generation,
    accounts: BTreeMap<(&'a str, &'a str), Models<'a>>,
}

// === impl Gateway ===

impl Gateway {
    /// How everything stands.
    pub fn status(&self) -> Status {
        let generation = self.current();
        let now = clock::unix_millis();
        let accounts = Roll::of(&generation).accounts(None, now);
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now,
            uptime_seconds: self.uptime().as_secs(),
            generation: generation.number,
            totals: Totals::of(&accounts),
            accounts,
        }
    }

    /// Every account, or those of one vendor.
    pub fn keys(&self, vendor: Option<&str>) -> Result<Keys, LookupError> {
        let generation = self.current();
        let now = clock::unix_millis();
        let roll = Roll::of(&generation);
        let vendor = vendor.map(|name| roll.vendor(name)).transpose()?;
        Ok(Keys {
            now,
            accounts: roll.accounts(vendor, now),
        })
    }

    /// Everything about one account, with its newest `history` events.
    pub async fn analysis(
        &self,
        vendor: &str,
        account: &str,
        history: usize,
    ) -> Result<Analysis, LookupError> {
        let generation = self.current();
        let roll = Roll::of(&generation);
        let (of, named) = roll.account(vendor, account)?;
        let storage = self.live.pool.storage().clone();
        // What has just happened is part of it. That it cannot be written, the storage has said.
        let _ = storage.flush().await;
        let key = (vendor.to_owned(), account.to_owned());
        let events = spawn_blocking(move || storage.history(&key.0, &key.1, history)).await;
        let events = events.unwrap_or_else(|_| Ok(Vec::new()))?;
        let now = clock::unix_millis();
        Ok(Analysis {
            now,
            advice: roll.advice(vendor, account),
            account: roll.view(of, named, now),
            history: events.into_iter().map(EventView::from).collect(),
        })
    }

    /// What has become of keys in the last so many days.
    pub async fn key_report(&self, days: u32) -> Result<Report, StorageError> {
        let storage = self.live.pool.storage().clone();
        let _ = storage.flush().await;
        let now = clock::unix_millis();
        let from = now.saturating_sub(u64::from(days) * 86_400_000);
        let counted = spawn_blocking(move || {
            let mut recount = Recount::new(from, now);
            storage.recount(|event| recount.tell(event))?;
            Ok(recount.finish())
        });
        counted.await.unwrap_or_else(|_| Ok(Report::default()))
    }
}

// === impl Roll ===

impl<'a> Roll<'a> {
    pub(super) fn of(generation: &'a Generation) -> Self {
        let mut accounts: BTreeMap<_, Models<'a>> = BTreeMap::new();
        for candidate in generation.routes().flat_map(|route| &route.candidates) {
            let candidate: &'a Candidate = candidate;
            accounts
                .entry((candidate.vendor.as_str(), candidate.account.as_str()))
                .or_default()
                .insert(&candidate.model, candidate);
        }
        Self { generation, accounts }
    }

    pub(super) fn vendor(&self, name: &str) -> Result<&'a Vendor, LookupError> {
        let vendors = &self.generation.settings.vendors;
        vendors.get(name).ok_or_else(|| {
            let known: Vec<&str> = vendors.keys().map(String::as_str).collect();
            unknown("vendor", name, &among(name, "vendors", &known))
        })
    }

    pub(super) fn account(&self, vendor: &str, name: &str) -> Result<(&'a Vendor, &'a Account), LookupError> {
        let vendor = self.vendor(vendor)?;
        let found = vendor.accounts.iter().find(|account| account.name == name);
        let account = found.ok_or_else(|| {
            let known: Vec<&str> = vendor
                .accounts
                .iter()
                .map(|account| account.name.as_str())
                .collect();
            let what = format!("account of {}", vendor.name);
            unknown(&what, name, &among(name, "accounts", &known))
        })?;
        Ok((vendor, account))
    }

    /// The keys of an account: its own, if anything is served from it, and those with each model or with this one.
    pub(super) fn keys(
        &self,
        vendor: &str,
        account: &str,
        model: Option<&str>,
    ) -> Result<Vec<Arc<Key>>, LookupError> {
        self.account(vendor, account)?;
        let models = self.accounts.get(&(vendor, account));
        let states = models
            .into_iter()
            .flatten()
            .map(|(_, candidate)| &candidate.state);
        let Some(model) = model else {
            let own = states.clone().take(1).map(|state| state.account_key().clone());
            return Ok(own.chain(states.map(|state| state.model_key().clone())).collect());
        };
        let named = models.and_then(|models| models.get(model));
        let named = named.ok_or_else(|| {
            let known: Vec<&str> = models.into_iter().flatten().map(|(name, _)| *name).collect();
            let what = format!("model served from {vendor}/{account}");
            unknown(&what, model, &among(model, "models", &known))
        })?;
        Ok(vec![named.state.model_key().clone()])
    }

    /// Of all vendors or of one.
    pub(super) fn every_key(&self, vendor: Option<&Vendor>) -> Vec<Arc<Key>> {
        let accounts = self.accounts.keys();
        accounts
            .filter(|(of, _)| vendor.is_none_or(|vendor| vendor.name == *of))
            .flat_map(|(of, account)| self.keys(of, account, None).unwrap_or_default())
            .collect()
    }

    /// Of all vendors or of one.
    fn accounts(&self, vendor: Option<&Vendor>, now: u64) -> Vec<AccountView> {
        let vendors = self.generation.settings.vendors.values();
        vendors
            .filter(|of| vendor.is_none_or(|vendor| vendor.name == of.name))
            .flat_map(|of| of.accounts.iter().map(move |account| (of, account)))
            .map(|(of, account)| self.view(of, account, now))
            .collect()
    }

    fn view(&self, vendor: &Vendor, account: &Account, now: u64) -> AccountView {
        let models = self.accounts.get(&(vendor.name.as_str(), account.name.as_str()));
        let candidates = || models.into_iter().flatten().map(|(_, candidate)| *candidate);
        let views: Vec<ModelView> = candidates().map(|candidate| model(candidate, now)).collect();
        let reason = candidates().map(|candidate| candidate.unavailable.as_deref());
        // There is a way to the account if there is one to any of its models.
        let reason = reason.reduce(Option::and).flatten();
        let key = match candidates().next() {
            Some(candidate) => key_view(candidate.state.account_key(), reason, now),
            None => KeyView::without(UNUSED, "no public model is served from it"),
        };
        AccountView {
            vendor: vendor.name.clone(),
            account: account.name.clone(),
            key,
            traffic: Traffic::sum(&views.iter().map(|model| &model.traffic).collect::<Vec<_>>()),
            limits: candidates()
                .next()
                .map_or_else(Vec::new, |candidate| candidate.state.allowed().account_limits()),
            models: views,
        }
    }

    fn advice(&self, vendor: &str, account: &str) -> Vec<KeyAdvice> {
        let keys = self.keys(vendor, account, None).unwrap_or_default();
        let troubled = |key: &&Arc<Key>| key.name.model.is_none() || !key.standing().is_clear();
        keys.iter().filter(troubled).map(|key| advice(key)).collect()
    }
}

fn unknown(what: &str, name: &str, suggestion: &str) -> LookupError {
    LookupError::Unknown(format!("there is no {what} called {name:?}, {suggestion}"))
}

fn advice(key: &Key) -> KeyAdvice {
    let standing = key.standing();
    let class: Option<&Kind> = standing.failure().map(|failure| &failure.kind);
    KeyAdvice {
        model: key.name.model.clone(),
        advice: Advice::on(&key.name, standing.state(), class),
    }
}

fn model(candidate: &Candidate, now: u64) -> ModelView {
    ModelView {
        model: candidate.model.clone(),
        key: key_view(candidate.state.model_key(), candidate.unavailable.as_deref(), now),
        traffic: Traffic::of(&candidate.state, now),
        limits: candidate.state.allowed().model_limits(),
    }
}

/// `unavailable`: why there is no way to it, which matters where nothing else is in the way.
pub(super) fn key_view(key: &Key, unavailable: Option<&str>, now: u64) -> KeyView {
    let standing = key.standing();
    if let Some(reason) = unavailable.filter(|_| standing.is_clear()) {
        return KeyView::without(UNAVAILABLE, reason);
    }
    let record = standing.record(key.name.clone(), None);
    KeyView {
        state: record.state,
        class: record.class,
        message: record.message,
        since: Some(record.since),
        first_error: record.first_error,
        last_error: record.last_error,
        attempts: record.attempts,
        next_recheck: record.until,
        next_recheck_seconds: record.until.map(|until| until.saturating_sub(now).div_ceil(1000)),
        due: standing.outlook(now) == Admission::Trial,
        health: Some(key.health.condition(now).as_str().to_owned()),
    }
}

// === impl KeyView ===

impl KeyView {
    /// Of a key that cannot be asked for another reason than a failure.
    fn without(state: &str, reason: &str) -> Self {
        Self {
            state: state.to_owned(),
            class: None,
            message: Some(reason.to_owned()),
            since: None,
            first_error: None,
            last_error: None,
            attempts: 0,
            next_recheck: None,
            next_recheck_seconds: None,
            due: false,
            health: None,
        }
    }
}

// === impl EventView ===

impl From<KeyEvent> for EventView {
    fn from(event: KeyEvent) -> Self {
        Self {
            at: event.at,
            model: event.key.model,
            from: event.from,
            to: event.to,
            class: event.class,
            message: event.message,
            vendor_code: event.vendor_code,
            until: event.until,
        }
    }
}
