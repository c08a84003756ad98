//! `health`: the healthiest candidate goes first.
//!
//! ```text
//! score = 4 × health + success rate        health: 1 healthy, 0.5 degraded, 0 unhealthy
//! ```
//!
//! So the word decides, and among those of the same word the share of attempts that succeeded lately. Both count as 1
//! while they are not known: nothing speaks against a candidate that was not asked. Equals take turns. Those that
//! cannot be leased now follow, and have no turn. No candidate is left out.
//!
//! The last of every 20 requests (a setting) begins with one of the others, in turn: a success rate only changes by
//! attempts, so a candidate that has recovered would otherwise not be asked before the bad ones are forgotten. Should
//! it fail still, the request goes on to the healthiest. The gateway's own requirement.

use patchbay_sdk::strategy::{Candidate, Description, Fact, Facts, Ranking, Request, Strategy, Turns, or};
use serde::Deserialize;

/// Its settings; the schema says what each member means.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    others_every: u64,
}

impl Default for Health {
    fn default() -> Self {
        Self { others_every: 20 }
    }
}

impl Strategy for Health {
    type Settings = Self;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION"))
            .settings_schema(include_str!("settings.schema.json"))
            .facts([Fact::Available, Fact::Health, Fact::SuccessRate])
    }

    fn configure(settings: Self, _: Vec<Candidate>) -> Result<Self, String> {
        Ok(settings)
    }

    fn rank(
        &mut self,
        request: &Request,
        candidates: &[u32],
        facts: Facts<'_>,
        _: &[u8],
    ) -> Result<Ranking, String> {
        let turns = Turns::of(request).another_every(self.others_every);
        Ok(turns.highest_first(candidates, |row| {
            let [available, health, success_rate] = facts.of(row);
            (available != 0.0, 4.0 * or(health, 1.0) + or(success_rate, 1.0))
        }))
    }
}

patchbay_sdk::export_strategy!(Health);

#[cfg(test)]
mod tests;
