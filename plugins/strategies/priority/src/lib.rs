//! `priority`: the candidate with the lowest configured priority value goes first. Among equals the order of the
//! pool stands; a candidate without a priority goes last. No candidate is left out.

use patchbay_sdk::strategy::{Candidate, Description, Fact, Facts, NoSettings, Ranking, Request, Strategy};

#[derive(Debug)]
pub struct Priority;

impl Strategy for Priority {
    type Settings = NoSettings;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION")).facts([Fact::Priority])
    }

    fn configure(_: NoSettings, _: Vec<Candidate>) -> Result<Self, String> {
        Ok(Self)
    }

    fn rank(
        &mut self,
        _: &Request,
        candidates: &[u32],
        facts: Facts<'_>,
        _: &[u8],
    ) -> Result<Ranking, String> {
        Ok(Ranking::lowest_first(candidates, |row| facts.get(row, 0)))
    }
}

patchbay_sdk::export_strategy!(Priority);

#[cfg(test)]
mod tests;
