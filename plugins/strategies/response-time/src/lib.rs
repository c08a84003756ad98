//! `response-time`: the fastest candidate goes first, by the moving average of its latency, or for a stream by that of
//! the time to its first token, which is what a reader waits for.
//!
//! Averages only change by requests, so there are two ways to be asked without being fast:
//!
//! - A candidate whose time is not known goes before all others, once: as long as nothing is under way there, or a
//!   crowd would go to somebody of whom nothing is known, and unless it failed last. Else it goes after all others.
//! - The last of every 20 requests (a setting) begins with one that is not on top, in turn, whatever its time, so that
//!   one that has become faster can show it.
//!
//! Equals take turns. Those that cannot be leased now follow, and have no turn. No candidate is left out. The
//! gateway's own requirement.

use patchbay_sdk::strategy::{Candidate, Description, Fact, Facts, Ranking, Request, Strategy, Turns, or};
use serde::Deserialize;

/// Its settings; the schema says what each member means.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResponseTime {
    others_every: u64,
}

impl Default for ResponseTime {
    fn default() -> Self {
        Self { others_every: 20 }
    }
}

impl Strategy for ResponseTime {
    type Settings = Self;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION"))
            .settings_schema(include_str!("settings.schema.json"))
            .facts([
                Fact::Available,
                Fact::LatencyMs,
                Fact::FirstTokenMs,
                Fact::InFlight,
                Fact::ConsecutiveFailures,
            ])
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
        Ok(turns.lowest_first(candidates, |row| {
            let [available, latency, first_token, in_flight, failures] = facts.of(row);
            let time = if request.streaming { first_token } else { latency };
            let last = in_flight > 0.0 || failures > 0.0;
            (
                available != 0.0,
                or(time, if last { f64::INFINITY } else { f64::NEG_INFINITY }),
            )
        }))
    }
}

patchbay_sdk::export_strategy!(ResponseTime);

#[cfg(test)]
mod tests;
