//! What operators are told of accounts: plain data that [`crate::app`] gathers, [`crate::http`] sends as JSON and
//! [`crate::cli`] shows. This is the documented shape of `/admin/status` and `/admin/keys`; members are only ever added.
//!
//! Nothing of a credential is in here. Times are Unix milliseconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::pool::{Advice, CandidateState, LimitView};

/// The state of a key that the configuration, or a plugin, leaves no way to; `message` says why.
pub const UNAVAILABLE: &str = "unavailable";
/// The state of an account that no public model is served from.
pub const UNUSED: &str = "unused";

/// `GET /admin/status`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub now: u64,
    pub uptime_seconds: u64,
    /// Of the configuration and plugins, from 1.
    pub generation: u64,
    pub totals: Totals,
    pub accounts: Vec<AccountView>,
}

/// `GET /admin/keys`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Keys {
    pub now: u64,
    pub accounts: Vec<AccountView>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Accounts by state.
    pub accounts: BTreeMap<String, usize>,
    /// Models of accounts by their own state, whatever that of the account.
    pub models: BTreeMap<String, usize>,
    /// Keys (accounts or models of them) that are ready for their recheck.
    pub due: usize,
    pub in_flight: u64,
}

/// One account, its models, and how both stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountView {
    pub vendor: String,
    pub account: String,
    #[serde(flatten)]
    pub key: KeyView,
    /// Over all models; averages weigh each model by its requests.
    #[serde(flatten)]
    pub traffic: Traffic,
    /// Configured and learned, over all models.
    #[serde(default)]
    pub limits: Vec<LimitView>,
    pub models: Vec<ModelView>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelView {
    /// The vendor's name for it.
    pub model: String,
    #[serde(flatten)]
    pub key: KeyView,
    #[serde(flatten)]
    pub traffic: Traffic,
    /// Of the account with this model alone.
    #[serde(default)]
    pub limits: Vec<LimitView>,
}

/// How a key stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// As [`crate::pool::State::name`] has it, [`UNAVAILABLE`] or [`UNUSED`].
    pub state: String,
    /// Of the failure that led here.
    pub class: Option<String>,
    /// What the vendor said: text from outside.
    pub message: Option<String>,
    /// When the state began.
    pub since: Option<u64>,
    /// Of the trouble that it is in.
    pub first_error: Option<u64>,
    pub last_error: Option<u64>,
    /// Trials or rechecks that have failed.
    pub attempts: u32,
    /// None is never, unless somebody does something.
    pub next_recheck: Option<u64>,
    /// From now, rounded up.
    pub next_recheck_seconds: Option<u64>,
    /// Ready for its recheck: the next request makes it, or the next probe.
    pub due: bool,
    /// How well it serves: "healthy", "degraded" or "unhealthy"; none where there is no way to it.
    pub health: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Attempts under way.
    pub in_flight: u64,
    /// Attempts since the gateway started.
    pub requests: u64,
    /// 0 to 1, over the last five minutes; none without an attempt.
    pub success_rate: Option<f64>,
    /// Moving average over successes.
    pub latency_ms: Option<f64>,
    /// Of the last 128 successes; of an account the worst of its models.
    pub latency_p95_ms: Option<f64>,
    /// Moving average over streams.
    pub first_token_ms: Option<f64>,
    /// Of the last 128 streams; of an account the worst of its models.
    pub first_token_p95_ms: Option<f64>,
}

/// `GET /admin/keys/{vendor}/{account}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    pub now: u64,
    #[serde(flatten)]
    pub account: AccountView,
    /// For the account, and for each of its models that has a trouble of its own.
    pub advice: Vec<KeyAdvice>,
    /// Newest first.
    pub history: Vec<EventView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAdvice {
    /// None is the account as a whole.
    pub model: Option<String>,
    #[serde(flatten)]
    pub advice: Advice,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    pub at: u64,
    /// None is the account as a whole.
    pub model: Option<String>,
    pub from: String,
    pub to: String,
    pub class: Option<String>,
    pub message: Option<String>,
    /// The vendor's own code.
    pub vendor_code: Option<String>,
    pub until: Option<u64>,
}

/// What came of `POST /admin/keys/.../recheck` and `.../reset`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub now: u64,
    /// Those that could not be used before, as they are now.
    pub keys: Vec<KeyChange>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    pub vendor: String,
    pub account: String,
    /// None is the account as a whole.
    pub model: Option<String>,
    /// The state before.
    pub before: String,
    /// What a probe has found: "answered", or what was wrong. None if there was none.
    pub probe: Option<String>,
    #[serde(flatten)]
    pub key: KeyView,
}

/// `POST /admin/keys/check`: what a vendor says of credentials that belong to no account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    pub vendor: String,
    pub verdict: Verdict,
    /// Of the failure, if there was one.
    pub class: Option<String>,
    /// What the vendor said: text from outside.
    pub message: Option<String>,
    /// What the class says.
    pub meaning: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Accepted,
    /// They are not what the vendor accepts, or nothing can be had for them.
    Refused,
    /// The vendor could not be asked, or its answer proves nothing.
    Unknown,
}

// === impl Checked ===

impl Checked {
    /// By what a probe with them has found.
    pub fn of(vendor: &str, failure: Option<&Failure>) -> Self {
        Self {
            vendor: vendor.to_owned(),
            verdict: failure.map_or(Verdict::Accepted, |failure| Verdict::on(&failure.kind)),
            class: failure.map(|failure| failure.kind.as_str().to_owned()),
            message: failure.map(|failure| failure.message.clone()),
            meaning: failure.map(|failure| Advice::meaning_of(&failure.kind)),
        }
    }
}

// === impl Verdict ===

impl Verdict {
    fn on(class: &Kind) -> Self {
        match class {
            Kind::Authentication
            | Kind::PermissionDenied
            | Kind::InsufficientQuota
            | Kind::ResourceExhausted => Self::Refused,
            Kind::RateLimit
            | Kind::ServiceUnavailable
            | Kind::Internal
            | Kind::Unknown
            | Kind::ModelNotFound
            | Kind::InvalidRequest
            | Kind::ContextLength
            | Kind::ContentFilter
            | Kind::Timeout
            | Kind::Network
            | Kind::MalformedReply
            | Kind::NotSupported
            | Kind::Plugin
            | Kind::Overloaded
            | Kind::Custom(_) => Self::Unknown,
        }
    }
}

// === impl Totals ===

impl Totals {
    pub fn of(accounts: &[AccountView]) -> Self {
        let mut totals = Self::default();
        for account in accounts {
            *totals.accounts.entry(account.key.state.clone()).or_default() += 1;
            totals.due += usize::from(account.key.due);
            totals.in_flight += account.traffic.in_flight;
            for model in &account.models {
                *totals.models.entry(model.key.state.clone()).or_default() += 1;
                totals.due += usize::from(model.key.due);
            }
        }
        totals
    }
}

// === impl Traffic ===

impl Traffic {
    /// `now`: Unix time in milliseconds.
    pub fn of(state: &CandidateState, now: u64) -> Self {
        let health = state.health();
        let known = |value: f64| value.is_finite().then_some(value);
        Self {
            in_flight: state.in_flight() as u64,
            requests: state.requests(),
            success_rate: known(health.success_rate(now)),
            latency_ms: known(health.latency.average_ms()),
            latency_p95_ms: known(health.latency.percentiles().p95),
            first_token_ms: known(health.first_token.average_ms()),
            first_token_p95_ms: known(health.first_token.percentiles().p95),
        }
    }

    /// All of them together.
    pub fn sum(parts: &[&Self]) -> Self {
        let mean = |value: fn(&Self) -> Option<f64>| {
            let known = parts.iter().filter_map(|part| Some((value(part)?, weight(part))));
            let (sum, weights) = known.fold((0.0, 0.0), |(sum, weights), (value, weight)| {
                (sum + value * weight, weights + weight)
            });
            (weights > 0.0).then(|| sum / weights)
        };
        let worst = |value: fn(&Self) -> Option<f64>| {
            let known = parts.iter().filter_map(|part| value(part));
            known.max_by(f64::total_cmp)
        };
        Self {
            latency_p95_ms: worst(|part| part.latency_p95_ms),
            first_token_p95_ms: worst(|part| part.first_token_p95_ms),
            in_flight: parts.iter().map(|part| part.in_flight).sum(),
            requests: parts.iter().map(|part| part.requests).sum(),
            success_rate: mean(|part| part.success_rate),
            latency_ms: mean(|part| part.latency_ms),
            first_token_ms: mean(|part| part.first_token_ms),
        }
    }
}

fn weight(part: &Traffic) -> f64 {
    u32::try_from(part.requests).unwrap_or(u32::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_weigh_by_requests_and_leave_out_what_is_unknown() {
        let part = |requests, success_rate| Traffic {
            in_flight: 1,
            requests,
            success_rate,
            ..Traffic::default()
        };
        let sum = Traffic::sum(&[&part(30, Some(1.0)), &part(10, Some(0.0)), &part(0, None)]);
        assert_eq!((sum.in_flight, sum.requests), (3, 40));
        assert_eq!((sum.success_rate, sum.latency_ms), (Some(0.75), None));
    }
}
