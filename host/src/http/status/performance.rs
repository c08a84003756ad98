//! `GET /api/v1/status/performance`: how quickly and how well models are served, for those who call them.
//!
//! Candidates are numbered in the order of the configuration and not named. An account with its model counts all that it
//! does, whichever public model that was for.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;

use super::visible;
use crate::accounts::Traffic;
use crate::app::Gateway;
use crate::clock;
use crate::http::error::ApiError;
use crate::pool::{Percentiles, Timing};
use crate::route::{Candidate, Route};

#[derive(Debug, Serialize)]
pub(in crate::http) struct Performance {
    /// Those that the caller may use.
    models: Vec<ModelPerformance>,
}

#[derive(Debug, Serialize)]
struct ModelPerformance {
    model: String,
    /// name@version of whoever decides, or "built-in".
    strategy: String,
    #[serde(flatten)]
    all: Numbers,
    candidates: Vec<CandidatePerformance>,
}

#[derive(Debug, Serialize)]
struct CandidatePerformance {
    /// From 1.
    candidate: usize,
    #[serde(flatten)]
    numbers: Numbers,
}

#[derive(Debug, Serialize)]
struct Numbers {
    /// Attempts since the gateway started, and those under way.
    requests: u64,
    in_flight: u64,
    /// 0 to 1, over the last five minutes; null without an attempt.
    success_rate: Option<f64>,
    /// Of successes.
    latency_ms: Times,
    /// Of streams.
    first_token_ms: Times,
}

/// Milliseconds; null without an observation.
#[derive(Debug, Serialize)]
struct Times {
    /// Moving average.
    average: Option<f64>,
    /// Of the last 128 of each candidate.
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

pub(in crate::http) async fn performance(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
) -> Result<Json<Performance>, ApiError> {
    let generation = gateway.current();
    let now = clock::unix_millis();
    let models = visible(&generation, &headers)?.map(|route| of(route, now));
    Ok(Json(Performance {
        models: models.collect(),
    }))
}

fn of(route: &Route, now: u64) -> ModelPerformance {
    let all: Vec<&Candidate> = route.candidates.iter().map(|candidate| &**candidate).collect();
    let each = all.chunks(1).map(|one| Numbers::of(one, now));
    ModelPerformance {
        model: route.name.clone(),
        strategy: route.strategy().to_owned(),
        all: Numbers::of(&all, now),
        candidates: (1..)
            .zip(each)
            .map(|(candidate, numbers)| CandidatePerformance { candidate, numbers })
            .collect(),
    }
}

// === impl Numbers ===

impl Numbers {
    /// Of all these candidates together.
    fn of(candidates: &[&Candidate], now: u64) -> Self {
        let parts: Vec<Traffic> = candidates
            .iter()
            .map(|candidate| Traffic::of(&candidate.state, now))
            .collect();
        let sum = Traffic::sum(&parts.iter().collect::<Vec<_>>());
        let health = || candidates.iter().map(|candidate| candidate.state.health());
        Self {
            requests: sum.requests,
            in_flight: sum.in_flight,
            success_rate: sum.success_rate,
            latency_ms: Times::of(sum.latency_ms, health().map(|health| &health.latency)),
            first_token_ms: Times::of(sum.first_token_ms, health().map(|health| &health.first_token)),
        }
    }
}

// === impl Times ===

impl Times {
    fn of<'a>(average: Option<f64>, timings: impl Iterator<Item = &'a Timing>) -> Self {
        let mut times: Vec<f32> = timings.flat_map(Timing::recent).collect();
        let Percentiles { p50, p95, p99 } = Percentiles::of(&mut times);
        let known = |value: f64| Some(value).filter(|value| value.is_finite());
        Self {
            average,
            p50: known(p50),
            p95: known(p95),
            p99: known(p99),
        }
    }
}
