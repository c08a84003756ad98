//! `round-robin`: candidates take turns. Request number `s` of a public model begins with candidate `s mod n` of
//! the `n` that can be leased now and goes on with those after it. The turn skips those that cannot, so that the
//! one after a gap does not get their share; they follow in the same rotation. No candidate is left out.

use patchbay_sdk::strategy::{Candidate, Description, Fact, Facts, NoSettings, Ranking, Request, Strategy};

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
        let rows = candidates.iter().copied().enumerate();
        // What is not known to be unavailable takes its turn.
        let (mut away, mut here): (Vec<_>, Vec<_>) = rows.partition(|&(row, _)| facts.get(row, 0) == 0.0);
        rotate(&mut here, request.sequence);
        rotate(&mut away, request.sequence);
        Ok(Ranking::new(
            here.into_iter()
                .chain(away)
                .map(|(_, candidate)| candidate)
                .collect(),
        ))
    }
}

fn rotate<T>(items: &mut [T], turn: u64) {
    if let Some(first) = turn.checked_rem(items.len() as u64) {
        items.rotate_left(first as usize);
    }
}

patchbay_sdk::export_strategy!(RoundRobin);

#[cfg(test)]
mod tests;
