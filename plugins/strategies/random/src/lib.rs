//! `random`: every order is as likely as every other. Fisher and Yates's shuffle in Durstenfeld's form (Knuth, "The Art
//! of Computer Programming", volume 2, algorithm P), with the request's `entropy` for all randomness. No candidate is
//! left out; whether one can be leased now changes nothing for the others, so nobody asks.

use patchbay_sdk::strategy::{Candidate, Description, Dice, Facts, NoSettings, Ranking, Request, Strategy};

#[derive(Debug)]
pub struct Random;

impl Strategy for Random {
    type Settings = NoSettings;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION"))
    }

    fn configure(_: NoSettings, _: Vec<Candidate>) -> Result<Self, String> {
        Ok(Self)
    }

    fn rank(
        &mut self,
        request: &Request,
        candidates: &[u32],
        _: Facts<'_>,
        _: &[u8],
    ) -> Result<Ranking, String> {
        let mut dice = Dice::new(request.entropy);
        let mut order = candidates.to_vec();
        for last in (1..order.len()).rev() {
            order.swap(last, dice.below(last + 1));
        }
        Ok(Ranking::new(order))
    }
}

patchbay_sdk::export_strategy!(Random);

#[cfg(test)]
mod tests;
