//! `round-robin`: candidates take turns. Request number `s` of a public model begins with candidate `s mod n` of
//! the `n` that can be leased now and goes on with those after it. The turn skips those that cannot, so that the
//! one after a gap does not get their share; they follow in the same rotation. No candidate is left out.

use patchbay_sdk::strategy::{
    Candidate, Description, Fact, Facts, NoSettings, Ranking, Request, Strategy, Turns,
};

#[derive(Debug)]
pub struct RoundRobin;

impl Strategy for RoundRobin {
    type Settings = NoSettings;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION")).facts([Fact::Available])
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
        // What is not known to be unavailable takes its turn.
        Ok(Turns::of(request).lowest_first(candidates, |row| (facts.get(row, 0) != 0.0, 0.0)))
    }
}

patchbay_sdk::export_strategy!(RoundRobin);

#[cfg(test)]
mod tests;
