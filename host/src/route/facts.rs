//! The numbers a strategy may ask for about each candidate. Units and windows are documented in the contract
//! (`strategy.description.facts`).

use super::Candidate;
use crate::clock;
use crate::pool::Condition;

/// A fact the host knows how to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    Available,
    Health,
    Weight,
    Priority,
    InFlight,
    Requests,
    ConsecutiveFailures,
    SuccessRate,
    LatencyMs,
    LatencyP95Ms,
    FirstTokenMs,
    InputPrice,
    OutputPrice,
    QuotaLeft,
    ContextLength,
    /// Not known to this host: NaN throughout.
    Unknown,
}

// === impl Fact ===

impl Fact {
    pub(super) fn parse(name: &str) -> Self {
        match name {
            "available" => Self::Available,
            "health" => Self::Health,
            "weight" => Self::Weight,
            "priority" => Self::Priority,
            "in-flight" => Self::InFlight,
            "requests" => Self::Requests,
            "consecutive-failures" => Self::ConsecutiveFailures,
            "success-rate" => Self::SuccessRate,
            "latency-ms" => Self::LatencyMs,
            "latency-p95-ms" => Self::LatencyP95Ms,
            "first-token-ms" => Self::FirstTokenMs,
            "input-price" => Self::InputPrice,
            "output-price" => Self::OutputPrice,
            "quota-left" => Self::QuotaLeft,
            "context-length" => Self::ContextLength,
            _ => Self::Unknown,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and priorities stay far below 2^52"
    )]
    pub(super) fn of(self, candidate: &Candidate) -> f64 {
        let state = &candidate.state;
        match self {
            Self::Available => f64::from(u8::from(candidate.can_be_asked())),
            Self::Health => match state.condition() {
                Condition::Healthy => 1.0,
                Condition::Degraded => 0.5,
                Condition::Unhealthy => 0.0,
            },
            Self::Weight => candidate.weight,
            Self::Priority => candidate.priority as f64,
            Self::InFlight => state.in_flight() as f64,
            Self::Requests => state.requests() as f64,
            Self::ConsecutiveFailures => f64::from(state.health().consecutive_failures()),
            Self::SuccessRate => state.health().success_rate(clock::unix_millis()),
            Self::LatencyMs => state.health().latency.average_ms(),
            Self::LatencyP95Ms => state.health().latency.p95_ms(),
            Self::FirstTokenMs => state.health().first_token.average_ms(),
            Self::InputPrice => candidate.price.input.unwrap_or(f64::NAN),
            Self::OutputPrice => candidate.price.output.unwrap_or(f64::NAN),
            Self::QuotaLeft => state.allowed().quota_left(),
            Self::ContextLength => candidate.context_length.map_or(f64::NAN, f64::from),
            Self::Unknown => f64::NAN,
        }
    }
}
