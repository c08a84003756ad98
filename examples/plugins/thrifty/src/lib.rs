//! `thrifty`: the cheapest candidate goes first, among those whose answers come within `budget_ms` 95 times in 100 or
//! whose time is not known. Then those without a price, then the slow ones, the least slow first. One request in 50
//! begins with one of the others, in turn, to find out whether it has become quicker. No candidate is left out.

use patchbay_sdk::strategy::{Candidate, Description, Fact, Facts, Ranking, Request, Strategy, Turns};

#[derive(Debug, serde::Deserialize)]
pub struct Thrifty {
    budget_ms: f64,
}

const SLOW: f64 = 1e9; // above every price; NaN.min(SLOW) is SLOW

impl Strategy for Thrifty {
    type Settings = Self;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION"))
            .settings_schema(include_str!("settings.schema.json"))
            .facts([Fact::LatencyP95Ms, Fact::InputPrice, Fact::OutputPrice])
    }

    fn configure(settings: Self, _: Vec<Candidate>) -> Result<Self, String> {
        Ok(settings)
    }

    fn rank(&mut self, request: &Request, among: &[u32], facts: Facts, _: &[u8]) -> Result<Ranking, String> {
        let turns = Turns::of(request).another_every(50);
        Ok(turns.lowest_first(among, |row| match facts.of(row) {
            [p95, _, _] if p95 > self.budget_ms => (true, SLOW + p95),
            [_, input, output] => (true, (3.0 * input + output).min(SLOW)),
        }))
    }
}

patchbay_sdk::export_strategy!(Thrifty);

#[cfg(test)]
mod tests;
