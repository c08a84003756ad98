//! `ladder`: stays with one model of one account while that serves. After so many failures in a row (`failures`) it
//! goes on to the account's next model, after the last of them to the next account's first, and after the last account
//! to the first again. Its steps are the pool's in this order: account by account as the pool names them first, and
//! each account's models as the pool names them; accounts need not have the same ones. No candidate is left out: the
//! order is the current step, then those that follow it, round to the one before it.
//!
//! - It moves when the current step has had `failures` more failures in a row than it arrived with. A count below that
//!   of the arrival means that it has served meanwhile, and counting begins at zero. So requests that fail all at once
//!   move it by one step, not by one each; it never moves by more than one in a decision.
//! - A step that cannot be asked now keeps its place. Whoever follows stands in, because the host skips it: one rate
//!   limit, or an account that is full for a second, must not move the ladder for good.
//! - The same where this request cannot use the step (it needs tools, say): the order begins at the next one that can.
//! - A step that left the pool is succeeded by the one that followed it, and if its whole account left, by the next
//!   account's first; if that left as well, by the first of all.
//!
//! By hand: `reset` goes to the first step, `next-model` to where failures would lead, and `next-account` to the next
//! account's first model, as failures would at the end of an account: models of an account are tried from the top.

mod memory;
mod steps;

use std::num::NonZeroU32;

use patchbay_sdk::strategy::{Candidate, Description, Fact, Facts, Ranking, Request, Steered, Strategy};
use serde::Deserialize;
use steps::Steps;

#[derive(Debug)]
pub struct Ladder {
    failures: u32,
    steps: Steps,
    /// The state that was written last, because reading it at every request would cost more than ranking.
    settled: Option<(Vec<u8>, Place)>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    failures: NonZeroU32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Place {
    step: usize,
    /// Failures in a row that it had on arrival, none while that has not been seen.
    arrived_with: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            failures: NonZeroU32::MIN.saturating_add(1),
        }
    }
}

impl Strategy for Ladder {
    type Settings = Settings;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION"))
            .settings_schema(include_str!("settings.schema.json"))
            .facts([Fact::ConsecutiveFailures, Fact::Available])
    }

    fn configure(settings: Settings, pool: Vec<Candidate>) -> Result<Self, String> {
        Ok(Self {
            failures: settings.failures.get(),
            steps: Steps::new(pool),
            settled: None,
        })
    }

    fn rank(
        &mut self,
        _: &Request,
        candidates: &[u32],
        facts: Facts<'_>,
        state: &[u8],
    ) -> Result<Ranking, String> {
        if candidates.is_empty() {
            return Ok(Ranking::new(Vec::new()));
        }
        let mut rows = vec![None; self.steps.len()];
        for (row, &candidate) in candidates.iter().enumerate() {
            rows[self.steps.of(candidate)] = Some(row);
        }
        let before = self.read(state);
        let failures = |step: usize| {
            let count = facts.get(rows[step]?, 0);
            (!count.is_nan()).then_some(count as u32)
        };
        let place = self.decide(before, failures);
        let order = self.steps.round(place.step).filter(|&step| rows[step].is_some());
        let ranking = Ranking::new(order.map(|step| self.steps.candidate(step)).collect());
        let (from, to) = (self.steps.at(before.step), self.steps.at(place.step));
        let note = match rows[place.step] {
            _ if place.step != before.step => {
                let times = failures(before.step).unwrap_or_default();
                format!("moved to {to} after {times} failures in a row of {from}")
            }
            None => format!("at {to}, which cannot serve this request"),
            Some(row) if facts.get(row, 1) == 0.0 => format!("at {to}, which cannot be asked now"),
            Some(_) => format!("at {to}"),
        };
        let ranking = ranking.note(note);
        Ok(match self.write(place, state) {
            Some(state) => ranking.state(state),
            None => ranking,
        })
    }
}

impl Steered for Ladder {
    const ACTIONS: &[&str] = &["reset", "next-model", "next-account"];

    fn act(&mut self, action: &str, state: &[u8]) -> Result<Vec<u8>, String> {
        if self.steps.len() == 0 {
            return Err("the pool is empty: there is nowhere to go".to_owned());
        }
        let Place { step, .. } = self.read(state);
        let step = match action {
            "next-model" => self.steps.next(step),
            "next-account" => self.steps.next_account(step),
            _ => 0,
        };
        Ok(self.state(Place {
            step,
            arrived_with: None,
        }))
    }
}

impl Ladder {
    /// `failures`: of a step in a row, if that is known in this call.
    fn decide(&self, Place { step, arrived_with }: Place, failures: impl Fn(usize) -> Option<u32>) -> Place {
        let Some(now) = failures(step) else {
            return Place { step, arrived_with };
        };
        let base = match arrived_with {
            Some(base) if now < base => 0,
            Some(base) => base,
            None => now,
        };
        if now - base < self.failures {
            return Place {
                step,
                arrived_with: Some(base),
            };
        }
        let step = self.steps.next(step);
        Place {
            step,
            arrived_with: failures(step),
        }
    }
}

patchbay_sdk::export_strategy!(Ladder: Steered);

#[cfg(test)]
mod tests;
