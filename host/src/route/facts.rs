//! The numbers a strategy may ask for about each candidate. Units and windows are documented in the contract
//! (`strategy.description.facts`).

use super::Candidate;
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
}

/// All of them, in the order in which decisions keep them.
const ALL: [Fact; 15] = [
    Fact::Available,
    Fact::Health,
    Fact::Weight,
    Fact::Priority,
    Fact::InFlight,
    Fact::Requests,
    Fact::ConsecutiveFailures,
    Fact::SuccessRate,
    Fact::LatencyMs,
    Fact::LatencyP95Ms,
    Fact::FirstTokenMs,
    Fact::InputPrice,
    Fact::OutputPrice,
    Fact::QuotaLeft,
    Fact::ContextLength,
];

/// The names of all facts, in the order of [`row`].
pub(super) const NAMES: [&str; 15] = {
    let mut names = [""; 15];
    let mut index = 0;
    while index < ALL.len() {
        names[index] = ALL[index].name();
        index += 1;
    }
    names
};

/// All facts about one candidate. `now`: Unix time in milliseconds.
pub(super) fn row(candidate: &Candidate, now: u64) -> [f64; 15] {
    // One NaN for all that is not known, so that a decision is the same to the bit when it is read again.
    ALL.map(|fact| {
        Some(fact.of(candidate, now))
            .filter(|number| !number.is_nan())
            .unwrap_or(f64::NAN)
    })
}

// === impl Fact ===

impl Fact {
    const fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Health => "health",
            Self::Weight => "weight",
            Self::Priority => "priority",
            Self::InFlight => "in-flight",
            Self::Requests => "requests",
            Self::ConsecutiveFailures => "consecutive-failures",
            Self::SuccessRate => "success-rate",
            Self::LatencyMs => "latency-ms",
            Self::LatencyP95Ms => "latency-p95-ms",
            Self::FirstTokenMs => "first-token-ms",
            Self::InputPrice => "input-price",
            Self::OutputPrice => "output-price",
            Self::QuotaLeft => "quota-left",
            Self::ContextLength => "context-length",
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and priorities stay far below 2^52"
    )]
    fn of(self, candidate: &Candidate, now: u64) -> f64 {
        let state = &candidate.state;
        match self {
            Self::Available => f64::from(u8::from(candidate.can_be_asked())),
            Self::Health => match state.condition(now) {
                Condition::Healthy => 1.0,
                Condition::Degraded => 0.5,
                Condition::Unhealthy => 0.0,
            },
            Self::Weight => candidate.weight,
            Self::Priority => candidate.priority as f64,
            Self::InFlight => state.in_flight() as f64,
            Self::Requests => state.requests() as f64,
            Self::ConsecutiveFailures => f64::from(state.health().consecutive_failures()),
            Self::SuccessRate => state.health().success_rate(now),
            Self::LatencyMs => state.health().latency.average_ms(),
            Self::LatencyP95Ms => state.health().latency.p95_ms(),
            Self::FirstTokenMs => state.health().first_token.average_ms(),
            Self::InputPrice => candidate.price.input.unwrap_or(f64::NAN),
            Self::OutputPrice => candidate.price.output.unwrap_or(f64::NAN),
            Self::QuotaLeft => state.allowed().quota_left(),
            Self::ContextLength => candidate.context_length.map_or(f64::NAN, f64::from),
        }
    }
}
