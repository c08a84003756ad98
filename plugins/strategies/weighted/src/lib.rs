//! `weighted`: the order is drawn at random, and candidates of twice the weight come first twice as often.
//!
//! ```text
//! time = -ln(u) / weight        u random between 0 and 1, for each candidate its own; the lowest time goes first
//! ```
//!
//! Of waiting times with these rates the shortest is a candidate's with the probability weight / sum of weights, and
//! among the rest, whoever has been skipped, it is again: the whole order is drawn without replacement. Efraimidis and
//! Spirakis, "Weighted random sampling with a reservoir", Information Processing Letters 97 (2006), whose key
//! u^(1 / weight) is this time's exponential, negated.
//!
//! A weight of zero goes after all others, and among its like by chance. A weight that is not known counts as 1. All
//! randomness is the request's `entropy`. No candidate is left out; whether one can be leased now changes nothing for
//! the others, so nobody asks.

use patchbay_sdk::strategy::{
    Candidate, Description, Dice, Fact, Facts, NoSettings, Ranking, Request, Strategy, or,
};

/// What a weight of zero counts as. Times are between 10^-16 and 37 for a weight of 1, so one of those comes after all
/// of weights above 1e-280.
const ZERO: f64 = 1e-300;

#[derive(Debug)]
pub struct Weighted;

impl Strategy for Weighted {
    type Settings = NoSettings;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION")).facts([Fact::Weight])
    }

    fn configure(_: NoSettings, _: Vec<Candidate>) -> Result<Self, String> {
        Ok(Self)
    }

    fn rank(
        &mut self,
        request: &Request,
        candidates: &[u32],
        facts: Facts<'_>,
        _: &[u8],
    ) -> Result<Ranking, String> {
        let mut dice = Dice::new(request.entropy);
        let time = |row| dice.waiting_time() / or(facts.get(row, 0), 1.0).max(ZERO);
        Ok(Ranking::lowest_first(candidates, time))
    }
}

patchbay_sdk::export_strategy!(Weighted);

#[cfg(test)]
mod tests;
