//! What the decisions amount to: sums, made one decision at a time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::report::{
    Agreement, Calls, Chosen, Difference, Expected, Failure, ModelCount, RecordedBy, Report,
};
use crate::config::BUILT_IN;
use crate::decision::recording::{RecordedDecision, RecordedPool};

/// One decision, made twice.
pub(super) struct Case<'a> {
    /// Of the recording.
    pub(super) line: usize,
    pub(super) pool: &'a RecordedPool,
    pub(super) decision: &'a RecordedDecision,
    /// Indices of the pool's candidates, best first; or what went wrong.
    pub(super) replayed: Result<Vec<u32>, String>,
    pub(super) took: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    decisions: u64,
    models: BTreeMap<String, u64>,
    /// By who decided, and whether a strategy had failed before.
    deciders: BTreeMap<(String, bool), Agreement>,
    chosen: HashMap<Name, Chosen>,
    nobody: Chosen,
    cost: Expected,
    latency: Expected,
    failures: BTreeMap<String, Failure>,
    difference: Option<Difference>,
    /// How long each call took, in nanoseconds.
    calls: Vec<u32>,
}

/// Vendor, account and model.
type Name = (String, String, String);

/// A decision in view of one order.
struct Outlook {
    /// Those that could be asked, as they were to be asked.
    askable: Vec<u32>,
    /// Row of the facts of the first of them.
    row: Option<usize>,
}

// === impl Tally ===

impl Tally {
    pub(super) fn decisions(&self) -> u64 {
        self.decisions
    }

    pub(super) fn add(&mut self, case: &Case<'_>) {
        self.decisions += 1;
        *entry(&mut self.models, &case.pool.model) += 1;
        self.calls
            .push(u32::try_from(case.took.as_nanos()).unwrap_or(u32::MAX));
        match &case.replayed {
            Ok(order) => self.compare(case, order),
            Err(why) => {
                let failure = entry(&mut self.failures, why);
                failure.message.clone_from(why);
                failure.times += 1;
                if failure.times == 1 {
                    failure.first_line = case.line;
                }
            }
        }
    }

    fn compare(&mut self, case: &Case<'_>, order: &[u32]) {
        let recorded = Outlook::of(case, &case.decision.order);
        let replayed = Outlook::of(case, order);
        let same_order = case.decision.order == order;
        let agreement = self.deciders.entry(case.decided_by()).or_default();
        agreement.decisions += 1;
        agreement.same_order += u64::from(same_order);
        agreement.same_askable += u64::from(recorded.askable == replayed.askable);
        agreement.same_first += u64::from(recorded.askable.first() == replayed.askable.first());
        if !same_order && case.decision.failed.is_none() && self.difference.is_none() {
            self.difference = Some(Difference {
                line: case.line,
                request_id: case.decision.request_id.clone(),
                recorded: case.names(&case.decision.order),
                replayed: case.names(order),
            });
        }
        self.chosen(case, &recorded).recorded += 1;
        self.chosen(case, &replayed).replayed += 1;
        self.cost.add(case.cost(&recorded), case.cost(&replayed));
        self.latency.add(case.latency(&recorded), case.latency(&replayed));
    }

    /// The line of whoever is asked first.
    fn chosen(&mut self, case: &Case<'_>, outlook: &Outlook) -> &mut Chosen {
        let first = outlook.askable.first();
        let Some(candidate) = first.and_then(|first| case.pool.candidates.get(*first as usize)) else {
            return &mut self.nobody;
        };
        let name = (
            candidate.vendor.clone(),
            candidate.account.clone(),
            candidate.model.clone(),
        );
        self.chosen
            .entry(name)
            .or_insert_with_key(|(vendor, account, model)| Chosen {
                candidate: format!("{vendor}/{account}/{model}"),
                ..Chosen::default()
            })
    }

    /// All of it. `strategy`: name@version
    pub(super) fn report(mut self, strategy: &str) -> Report {
        let mut candidates: Vec<Chosen> = self.chosen.into_values().collect();
        candidates.sort_by(Chosen::before);
        let mut failures: Vec<Failure> = self.failures.into_values().collect();
        failures.sort_by_key(|failure| (u64::MAX - failure.times, failure.first_line));
        let recorded_by = self
            .deciders
            .into_iter()
            .map(|((decider, after_failure), agreement)| RecordedBy {
                decider,
                after_failure,
                agreement,
            });
        let mut recorded_by: Vec<RecordedBy> = recorded_by.collect();
        recorded_by.sort_by_key(|by| {
            (
                by.after_failure,
                by.decider == BUILT_IN,
                u64::MAX - by.agreement.decisions,
            )
        });
        let models = self.models.into_iter();
        Report {
            strategy: strategy.to_owned(),
            decisions: self.decisions,
            models: models
                .map(|(model, decisions)| ModelCount { model, decisions })
                .collect(),
            agreement: Agreement::sum(&recorded_by),
            recorded_by,
            first_difference: self.difference,
            candidates,
            nobody: self.nobody,
            cost_usd: self.cost,
            latency_ms: self.latency,
            failures,
            calls: Calls::of(&mut self.calls),
        }
    }
}

fn entry<'a, T: Default>(map: &'a mut BTreeMap<String, T>, key: &str) -> &'a mut T {
    // Without making a string for each decision.
    if !map.contains_key(key) {
        map.insert(key.to_owned(), T::default());
    }
    map.entry(key.to_owned()).or_default()
}

// === impl Case ===

impl Case<'_> {
    /// Who decided, and whether a strategy had failed before.
    fn decided_by(&self) -> (String, bool) {
        let strategies = &self.pool.strategies;
        let decider = self.decision.strategy.and_then(|index| strategies.get(index));
        let decider = decider.map_or(BUILT_IN, |strategy| &strategy.identity);
        (decider.to_owned(), self.decision.failed.is_some())
    }

    fn fact(&self, row: usize, name: &str) -> Option<f64> {
        let column = self.pool.facts.iter().position(|fact| fact == name)?;
        self.decision.facts.0.get(row)?.get(column).copied()
    }

    /// US dollars for asking whoever is first with this request. None where a price is not known that it takes.
    fn cost(&self, outlook: &Outlook) -> Option<f64> {
        let (input, output) = match &self.decision.end {
            Some(end) => (end.input_tokens, end.output_tokens),
            None => (u64::from(self.decision.input_tokens), 0),
        };
        let price = |name: &str, tokens: u64| match tokens {
            0 => Some(0.0),
            tokens => self
                .fact(outlook.row?, name)
                .filter(|price| price.is_finite())
                .map(|price| price * as_number(tokens) / 1e6),
        };
        outlook.row?;
        Some(price("input-price", input)? + price("output-price", output)?)
    }

    /// Milliseconds that whoever is first has taken lately. None where it is not known.
    fn latency(&self, outlook: &Outlook) -> Option<f64> {
        self.fact(outlook.row?, "latency-ms")
            .filter(|latency| latency.is_finite())
    }

    fn names(&self, order: &[u32]) -> Vec<String> {
        let candidates = order
            .iter()
            .filter_map(|index| self.pool.candidates.get(*index as usize));
        candidates
            .map(|candidate| format!("{}/{}/{}", candidate.vendor, candidate.account, candidate.model))
            .collect()
    }
}

/// For tokens, of which no request has 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn as_number(count: u64) -> f64 {
    count as f64
}

// === impl Outlook ===

impl Outlook {
    fn of(case: &Case<'_>, order: &[u32]) -> Self {
        let decision = case.decision;
        let row = |candidate: &u32| decision.offered.iter().position(|offered| offered == candidate);
        let could_be_asked = |candidate: &u32| {
            // Without the fact nobody was known to be unavailable.
            row(candidate).is_some_and(|row| case.fact(row, "available") != Some(0.0))
        };
        let mut askable: Vec<u32> = order.iter().copied().filter(could_be_asked).collect();
        askable.sort_by_key(|candidate| !decision.preferred.contains(candidate));
        Self {
            row: askable.first().and_then(row),
            askable,
        }
    }
}
