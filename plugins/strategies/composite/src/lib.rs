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

use patchbay_sdk::strategy::{Candidate, Description, Fact, Facts, Ranking, Request, Strategy};
use serde::Deserialize;

/// A share beyond this is a mistake, and infinity would make all scores the same.
const MOST: f64 = 1e6;
/// What is left of the reliability after each failure in a row.
const KEPT: f64 = 0.8;
/// After so many in a row nothing worth mentioning is left: 0.8^64 is below a millionth.
const FAILURES: f64 = 64.0;

#[derive(Debug)]
pub struct Composite {
    shares: Shares,
    pool: Vec<Candidate>,
}

/// What each part of the score counts.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shares {
    weight: f64,
    health: f64,
    performance: f64,
    reliability: f64,
    cost: f64,
    load: f64,
}

/// Among the candidates of the call.
struct Highest {
    weight: f64,
    price: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            weight: 0.30,
            health: 0.25,
            performance: 0.20,
            reliability: 0.15,
            cost: 0.10,
            load: 0.0,
        }
    }
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
        let Shares {
            weight,
            health,
            performance,
            reliability,
            cost,
            load,
        } = shares;
        let all = [weight, health, performance, reliability, cost, load];
        if let Some(share) = all.iter().find(|share| !(0.0..=MOST).contains(*share)) {
            return Err(format!("{share} is no share; give a number from 0 to {MOST}"));
        }
        if all.iter().sum::<f64>() == 0.0 {
            return Err("all shares are 0, so nothing would be compared; make one of them larger".to_owned());
        }
        Ok(Self { shares, pool })
    }

    fn rank(
        &mut self,
        _: &Request,
        candidates: &[u32],
        facts: Facts<'_>,
        _: &[u8],
    ) -> Result<Ranking, String> {
        let rows = facts.rows::<8>();
        let mut highest = Highest {
            weight: 0.0,
            price: 0.0,
        };
        for &[weight, .., input, output, _] in rows {
            highest.weight = highest.weight.max(or(weight, 1.0));
            highest.price = highest.price.max(price(input, output));
        }
        let scores: Vec<f64> = rows.iter().map(|row| self.shares.score(row, &highest)).collect();
        let ranking = Ranking::highest_first(candidates, |row| scores[row]);
        Ok(
            match (ranking.order.first(), scores.iter().copied().reduce(f64::max)) {
                (Some(&first), Some(score)) => {
                    let Candidate {
                        vendor,
                        account,
                        model,
                        ..
                    } = &self.pool[first as usize];
                    ranking.note(format!("{vendor}/{account}/{model} scores {score:.4}"))
                }
                _ => ranking,
            },
        )
    }
}

impl Shares {
    fn score(&self, row: &[f64; 8], highest: &Highest) -> f64 {
        let &[
            weight,
            health,
            latency,
            success,
            failures,
            input,
            output,
            in_flight,
        ] = row;
        self.weight * part(or(weight, 1.0), highest.weight)
            + self.health * or(health, 1.0)
            + self.performance * or(1.0 / (1.0 + latency / 1000.0), 0.5)
            + self.reliability * or(success, 1.0) * after(failures)
            + self.cost * or(1.0 - part(price(input, output), highest.price), 0.5)
            + self.load / (1.0 + or(in_flight, 0.0))
    }
}

/// US dollars per million tokens of a chat.
fn price(input: f64, output: f64) -> f64 {
    (3.0 * or(input, output) + or(output, input)) / 4.0
}

/// What failures in a row leave. Multiplied out, because what `powi` gives differs between machines.
fn after(failures: f64) -> f64 {
    let failures = or(failures, 0.0).min(FAILURES) as u32;
    (0..failures).fold(1.0, |left, _| left * KEPT)
}

/// Where the highest is 0, all are 0.
fn part(number: f64, highest: f64) -> f64 {
    if number == 0.0 { 0.0 } else { number / highest }
}

fn or(number: f64, unknown: f64) -> f64 {
    if number.is_nan() { unknown } else { number }
}

patchbay_sdk::export_strategy!(Composite);

#[cfg(test)]
mod tests;
