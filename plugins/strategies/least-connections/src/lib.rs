//! `least-connections`: the candidate with the least to do for its weight goes first.
//!
//! ```text
//! load = attempts under way / weight        the lowest goes first
//! ```
//!
//! As "weighted least-connection" of the Linux Virtual Server and `least_conn` of nginx do it. Equals take turns, and
//! whoever has nothing to do is equal to all others of whom that is true, whatever the weights. A weight of zero goes
//! last; one that is not known counts as 1. Those that cannot be leased now follow, and have no turn. No candidate is
//! left out.

use patchbay_sdk::strategy::{
    Candidate, Description, Fact, Facts, NoSettings, Ranking, Request, Strategy, Turns, or,
};

#[derive(Debug)]
pub struct LeastConnections;

impl Strategy for LeastConnections {
    type Settings = NoSettings;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION")).facts([Fact::Available, Fact::InFlight, Fact::Weight])
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
        Ok(Turns::of(request).lowest_first(candidates, |row| {
            let [available, in_flight, weight] = facts.of(row);
            let weight = or(weight, 1.0);
            let load = if weight > 0.0 {
                in_flight / weight
            } else {
                f64::INFINITY
            };
            (available != 0.0, load)
        }))
    }
}

patchbay_sdk::export_strategy!(LeastConnections);

#[cfg(test)]
mod tests;
