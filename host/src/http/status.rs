//! `/api/v1/status`: how the gateway is, for those who call it. Tells of public models only, and names no account.

mod performance;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;

pub(super) use performance::performance;

use super::error::ApiError;
use super::inference::bearer;
use crate::accounts::UNAVAILABLE;
use crate::app::Gateway;
use crate::generation::Generation;
use crate::pipeline::Refusal;
use crate::pool::State as KeyState;
use crate::route::{Candidate, Route};

/// Whether requests can be served: by all that there is for them, by some of it, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Condition {
    Healthy,
    Degraded,
    Unhealthy,
}

#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: Condition,
    version: &'static str,
    uptime_seconds: u64,
    /// Those that the caller may use.
    models: Vec<ModelHealth>,
}

#[derive(Debug, Serialize)]
struct ModelHealth {
    model: String,
    status: Condition,
    /// How many can serve it, by state.
    candidates: BTreeMap<&'static str, usize>,
}

/// Always 200, whatever it says: the gateway itself answers. `/readyz` is for load balancers.
pub(super) async fn health(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
) -> Result<Json<Health>, ApiError> {
    let generation = gateway.current();
    let models: Vec<ModelHealth> = visible(&generation, &headers)?.map(of).collect();
    Ok(Json(Health {
        status: Condition::together(&models.iter().map(|model| model.status).collect::<Vec<_>>()),
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: gateway.uptime().as_secs(),
        models,
    }))
}

/// The public models that the caller may use.
fn visible<'a>(
    generation: &'a Generation,
    headers: &HeaderMap,
) -> Result<impl Iterator<Item = &'a Route>, ApiError> {
    let caller = generation
        .authenticate(bearer(headers))
        .ok_or(&Refusal::Unauthenticated)?;
    Ok(generation
        .routes()
        .filter(move |route| caller.may_use(&route.name)))
}

fn of(route: &Route) -> ModelHealth {
    let mut candidates = BTreeMap::new();
    for candidate in &route.candidates {
        *candidates.entry(state(candidate)).or_default() += 1;
    }
    let each = route.candidates.iter().map(|candidate| {
        if candidate.is_available() && candidate.state.held().is_none() {
            Condition::Healthy
        } else {
            Condition::Unhealthy
        }
    });
    ModelHealth {
        model: route.name.clone(),
        status: Condition::together(&each.collect::<Vec<_>>()),
        candidates,
    }
}

/// Of its account and of the account with its model, the one that stands in the way.
fn state(candidate: &Candidate) -> &'static str {
    if !candidate.is_available() {
        return UNAVAILABLE;
    }
    match candidate.state.account_key().standing().state() {
        KeyState::Available { .. } => candidate.state.model_key().standing().state().name(),
        other => other.name(),
    }
}

// === impl Condition ===

impl Condition {
    /// Healthy if all are, unhealthy if none can serve.
    fn together(all: &[Self]) -> Self {
        let any = |condition| all.contains(&condition);
        match (any(Self::Healthy), any(Self::Degraded), any(Self::Unhealthy)) {
            (true, false, false) => Self::Healthy,
            (false, false, _) => Self::Unhealthy,
            _ => Self::Degraded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Condition::{self, Degraded, Healthy, Unhealthy};

    #[test]
    fn as_long_as_anything_serves_it_is_not_unhealthy() {
        for (all, expected) in [
            (&[Healthy, Healthy][..], Healthy),
            (&[Healthy, Unhealthy], Degraded),
            (&[Healthy, Degraded], Degraded),
            (&[Degraded, Unhealthy], Degraded),
            (&[Unhealthy, Unhealthy], Unhealthy),
            (&[], Unhealthy),
        ] {
            assert_eq!(Condition::together(all), expected, "{all:?}");
        }
    }
}
