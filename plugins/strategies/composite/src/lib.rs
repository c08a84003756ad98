//! `composite`: the highest score goes first; among equals the order of the pool stands. No candidate is left out.
//!
//! ```text
//! score = 0.30 w + 0.25 h + 0.20 p + 0.15 r + 0.10 c + 0 l        the shares are settings
//!
//! w  weight / highest weight; an unknown weight is 1
//! h  health: 1 healthy, 0.5 degraded, 0 unhealthy; 1 while unknown, since nothing speaks against it
//! p  performance: 1 / (1 + latency in seconds); 0.5 while unknown, as if it were one second
//! r  reliability: success rate × 0.8^(failures in a row); 1 while unknown
//! c  cost: 1 - price / highest price, price = (3 × input + output) / 4; 1 where all are free;
//!    0.5 while unknown, since what is not known is neither free nor dear
//! l  load: 1 / (1 + attempts under way)
//! ```
//!
//! "Highest" means among the candidates of the call. Three parts of input to one of output is what chats read and
//! write on average; where only one of the two prices is known, as with embeddings, it stands for both.
//!
//! Source: the weighted sum model of decision analysis; terms and shares are patchbay's own.

mod shares;

use patchbay_sdk::strategy::{Candidate, Description, Fact, Facts, Ranking, Request, Strategy, or};
use shares::{Shares, price};

#[derive(Debug)]
pub struct Composite {
    shares: Shares,
    /// For notes.
    names: Vec<String>,
}

impl Strategy for Composite {
    type Settings = Shares;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION"))
            .settings_schema(include_str!("settings.schema.json"))
            .facts([
                Fact::Weight,
                Fact::Health,
                Fact::LatencyMs,
                Fact::SuccessRate,
                Fact::ConsecutiveFailures,
                Fact::InputPrice,
                Fact::OutputPrice,
                Fact::InFlight,
            ])
    }

    fn configure(shares: Shares, pool: Vec<Candidate>) -> Result<Self, String> {
        shares.check()?;
        let names = pool.iter().map(Candidate::to_string).collect();
        Ok(Self { shares, names })
    }

    fn rank(
        &mut self,
        _: &Request,
        candidates: &[u32],
        facts: Facts<'_>,
        _: &[u8],
    ) -> Result<Ranking, String> {
        let rows = facts.rows::<8>();
        let (mut dearest, mut heaviest) = (0.0, 0.0);
        for &[weight, .., input, output, _] in rows {
            heaviest = higher(heaviest, or(weight, 1.0));
            dearest = higher(dearest, price(input, output));
        }
        let score = |row| self.shares.score(row, heaviest, dearest);
        let scores: Vec<f64> = rows.iter().map(score).collect();
        let ranking = Ranking::highest_first(candidates, |row| scores[row]);
        let Some(&first) = ranking.order.first() else {
            return Ok(ranking);
        };
        let score = scores.iter().copied().fold(0.0, higher);
        Ok(ranking.note(format!("{} scores {score:.4}", self.names[first as usize])))
    }
}

/// `f64::max` would be a call: no instruction does what it promises.
fn higher(known: f64, number: f64) -> f64 {
    if number > known { number } else { known }
}

patchbay_sdk::export_strategy!(Composite);

#[cfg(test)]
mod tests;
