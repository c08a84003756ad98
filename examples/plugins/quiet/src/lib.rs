//! `quiet`: the candidate with the fewest attempts under way goes first.

use patchbay_sdk::strategy::{Candidate, Description, Fact, Facts, NoSettings, Ranking, Request, Strategy};

struct Quiet;

impl Strategy for Quiet {
    type Settings = NoSettings;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION")).facts([Fact::InFlight])
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

patchbay_sdk::export_strategy!(Quiet);
