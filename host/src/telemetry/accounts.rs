//! What happens to accounts and to what they may be used for.

use crate::failure::Failure;
use crate::pool::{Change, Condition, State};
use crate::storage::KeyName;
use crate::telemetry::METRICS;

/// A key may be asked again, or no longer.
#[derive(Debug)]
pub struct KeyChanged<'a> {
    pub key: &'a KeyName,
    pub change: &'a Change,
}

/// A key serves better or worse than before.
#[derive(Debug)]
pub struct HealthTurned<'a> {
    pub key: &'a KeyName,
    pub from: Condition,
    pub to: Condition,
}

/// A probe has ended.
#[derive(Debug)]
pub struct Probed<'a> {
    pub key: &'a KeyName,
    pub failure: Option<&'a Failure>,
    pub by_hand: bool,
}

/// So much of a quota is used that it is worth a warning, or all of it. Told once in each period.
#[derive(Debug)]
pub struct LimitPassed<'a> {
    pub key: &'a KeyName,
    /// As in the configuration.
    pub limit: &'static str,
    /// Tokens or US dollars.
    pub used: f64,
    pub most: f64,
    pub used_up: bool,
}

// === impl KeyChanged ===

impl KeyChanged<'_> {
    pub fn emit(&self) {
        let (key, change) = (self.key, self.change);
        let (from, to) = (change.from.name(), change.to.name());
        let model = key.model.as_deref().unwrap_or_default();
        METRICS
            .key_changes
            .with_label_values(&[key.vendor.as_str(), key.account.as_str(), model, to])
            .inc();
        let class = change.failure.as_ref().map(|failure| failure.kind.as_str());
        if let (State::Rechecking { .. }, Some(class)) = (change.from, class) {
            let came_back = matches!(change.to, State::Available { .. });
            let outcome = if came_back { "came_back" } else { "failed" };
            METRICS.rechecks.with_label_values(&[class, outcome]).inc();
        }
        match change.to {
            State::Available { .. } if from == to => {}
            State::Available { .. } | State::Verifying { .. } => {
                tracing::info!(
                    vendor = key.vendor,
                    account = key.account,
                    upstream_model = key.model,
                    from,
                    to,
                    class,
                    "key"
                );
            }
            _ => tracing::warn!(
                vendor = key.vendor,
                account = key.account,
                upstream_model = key.model,
                from,
                to,
                class,
                until = change.to.until(),
                "key"
            ),
        }
    }
}

// === impl HealthTurned ===

impl HealthTurned<'_> {
    pub fn emit(&self) {
        let (key, from, to) = (self.key, self.from.as_str(), self.to.as_str());
        let (vendor, account, upstream_model) = (&key.vendor, &key.account, &key.model);
        if self.to > self.from {
            tracing::info!(vendor, account, upstream_model, from, to, "health");
        } else {
            tracing::warn!(vendor, account, upstream_model, from, to, "health");
        }
    }
}

// === impl Probed ===

impl Probed<'_> {
    pub fn emit(&self) {
        let key = self.key;
        let outcome = self.failure.map_or("ok", |failure| failure.kind.as_str());
        METRICS
            .probes
            .with_label_values(&[key.vendor.as_str(), key.account.as_str(), outcome])
            .inc();
        let (vendor, account, by_hand) = (&key.vendor, &key.account, self.by_hand);
        match self.failure {
            None => tracing::debug!(vendor, account, by_hand, "probe answered"),
            Some(failure) => tracing::warn!(vendor, account, by_hand, "probe failed: {failure}"),
        }
    }
}

// === impl LimitPassed ===

impl LimitPassed<'_> {
    pub fn emit(&self) {
        let key = self.key;
        let model = key.model.as_deref().unwrap_or_default();
        let passed = if self.used_up { "used up" } else { "warning" };
        let labels = [
            key.vendor.as_str(),
            key.account.as_str(),
            model,
            self.limit,
            passed,
        ];
        METRICS.limits_passed.with_label_values(&labels).inc();
        tracing::warn!(
            vendor = key.vendor,
            account = key.account,
            upstream_model = key.model,
            limit = self.limit,
            passed,
            used = self.used,
            most = self.most,
            "limit"
        );
    }
}
