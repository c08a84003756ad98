//! What came of a replay, in shapes for people and machines.

use std::cmp::Ordering;

use serde::Serialize;

/// All of it. Decisions at which the replayed strategy failed are in `decisions`, `models` and `failures` and nowhere else.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What decided now: name@version
    pub strategy: String,
    pub decisions: u64,
    /// By name.
    pub models: Vec<ModelCount>,
    /// With the decisions that strategies made, so without those of the gateway's own order.
    pub agreement: Agreement,
    /// With each of those who decided then, strategies first.
    pub recorded_by: Vec<RecordedBy>,
    /// The first decision whose order is another now, among those that are not made after a failure.
    pub first_difference: Option<Difference>,
    /// Who was asked first, and who would be; most often then comes first.
    pub candidates: Vec<Chosen>,
    /// Nobody could be asked.
    pub nobody: Chosen,
    /// For asking the first choice.
    pub cost_usd: Expected,
    /// What the first choice had taken lately.
    pub latency_ms: Expected,
    /// The most frequent first.
    pub failures: Vec<Failure>,
    pub calls: Calls,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelCount {
    /// The public model's name.
    pub model: String,
    pub decisions: u64,
}

/// How many decisions are the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// That were compared.
    pub decisions: u64,
    /// All candidates come in the same order, also those that could not be asked.
    pub same_order: u64,
    /// Those that could be asked come in the same order.
    pub same_askable: u64,
    /// The first that could be asked is the same.
    pub same_first: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedBy {
    /// name@version, or "built-in".
    pub decider: String,
    /// It took the place of a strategy that had failed.
    pub after_failure: bool,
    #[serde(flatten)]
    pub agreement: Agreement,
}

/// Two orders, by the names of the candidates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Of the recording.
    pub line: usize,
    pub request_id: String,
    pub recorded: Vec<String>,
    pub replayed: Vec<String>,
}

/// How often a candidate was the first that could be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Chosen {
    /// vendor/account/model
    #[serde(skip_serializing_if = "String::is_empty")]
    pub candidate: String,
    pub recorded: u64,
    pub replayed: u64,
}

/// What was to be expected of the first choices, where it is known of both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Expected {
    /// That the sums are made of.
    pub decisions: u64,
    /// Of which it is not known.
    pub unknown: u64,
    pub recorded_sum: f64,
    pub replayed_sum: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Failure {
    pub message: String,
    pub times: u64,
    /// Of the recording.
    pub first_line: usize,
}

/// How long the strategy took, on this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Calls {
    pub count: u64,
    pub mean_us: f64,
    /// 99 of 100 took at most so long.
    pub p99_us: f64,
}

// === impl Report ===

impl Report {
    /// Every order is as it was recorded.
    pub fn is_exact(&self) -> bool {
        let (same, all) = self.same();
        self.failures.is_empty() && all > 0 && same == all
    }

    /// How many orders are the same, and of how many. Where a strategy failed then, nobody's order was recorded.
    pub fn same(&self) -> (u64, u64) {
        let counted = self.recorded_by.iter().filter(|by| !by.after_failure);
        counted.fold((0, 0), |(same, all), by| {
            (same + by.agreement.same_order, all + by.agreement.decisions)
        })
    }

    /// Decisions that were compared.
    pub fn compared(&self) -> u64 {
        self.recorded_by.iter().map(|by| by.agreement.decisions).sum()
    }
}

// === impl Agreement ===

impl Agreement {
    /// Of all strategies.
    pub(super) fn sum(deciders: &[RecordedBy]) -> Self {
        let strategies = deciders.iter().filter(|by| by.is_strategy());
        strategies.fold(Self::default(), |sum, RecordedBy { agreement, .. }| Self {
            decisions: sum.decisions + agreement.decisions,
            same_order: sum.same_order + agreement.same_order,
            same_askable: sum.same_askable + agreement.same_askable,
            same_first: sum.same_first + agreement.same_first,
        })
    }
}

// === impl RecordedBy ===

impl RecordedBy {
    fn is_strategy(&self) -> bool {
        !self.after_failure && self.decider != crate::config::BUILT_IN
    }
}

// === impl Chosen ===

impl Chosen {
    /// Most often then, most often now, by name.
    pub(super) fn before(&self, other: &Self) -> Ordering {
        let often = (other.recorded, other.replayed).cmp(&(self.recorded, self.replayed));
        often.then_with(|| self.candidate.cmp(&other.candidate))
    }
}

// === impl Expected ===

impl Expected {
    pub(super) fn add(&mut self, recorded: Option<f64>, replayed: Option<f64>) {
        match (recorded, replayed) {
            (Some(recorded), Some(replayed)) => {
                self.decisions += 1;
                self.recorded_sum += recorded;
                self.replayed_sum += replayed;
            }
            _ => self.unknown += 1,
        }
    }
}

// === impl Calls ===

impl Calls {
    /// `nanoseconds`: of each call, in any order.
    pub(super) fn of(nanoseconds: &mut [u32]) -> Self {
        if nanoseconds.is_empty() {
            return Self::default();
        }
        nanoseconds.sort_unstable();
        let count = nanoseconds.len();
        let sum: u64 = nanoseconds.iter().copied().map(u64::from).sum();
        let slowest = nanoseconds
            .get((count * 99).div_ceil(100) - 1)
            .copied()
            .unwrap_or_default();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a sum of times stays far below 2^52 ns, which is 52 days"
        )]
        let mean_us = sum as f64 / count as f64 / 1e3;
        Self {
            count: count as u64,
            mean_us,
            p99_us: f64::from(slowest) / 1e3,
        }
    }
}
