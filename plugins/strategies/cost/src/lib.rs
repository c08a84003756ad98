//! `cost`: the cheapest candidate goes first.
//!
//! ```text
//! price = 0.75 × input + 0.25 × output        US dollars per million tokens; the share of input is a setting
//! ```
//!
//! The gateway's own requirement, (3 × input + output) / 4: chats read about three times what they write. What is
//! free goes first, what has no price last, since it may be anything. Where only one of the two prices is known, as
//! with embeddings, it stands for both. Equals take turns: keys to the same model cost the same, and a turn makes use
//! of all their limits. Those that cannot be leased now follow, and have no turn. No candidate is left out.

use patchbay_sdk::strategy::{Candidate, Description, Fact, Facts, Ranking, Request, Strategy, Turns, or};
use serde::Deserialize;

/// Its settings; the schema says what each member means.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cost {
    input_share: f64,
}

impl Default for Cost {
    fn default() -> Self {
        Self { input_share: 0.75 }
    }
}

impl Strategy for Cost {
    type Settings = Self;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION"))
            .settings_schema(include_str!("settings.schema.json"))
            .facts([Fact::Available, Fact::InputPrice, Fact::OutputPrice])
    }

    fn configure(settings: Self, _: Vec<Candidate>) -> Result<Self, String> {
        Ok(settings)
    }

    fn rank(
        &mut self,
        request: &Request,
        candidates: &[u32],
        facts: Facts<'_>,
        _: &[u8],
    ) -> Result<Ranking, String> {
        Ok(Turns::of(request).lowest_first(candidates, |row| {
            let [available, input, output] = facts.of(row);
            let price = self.input_share * or(input, output) + (1.0 - self.input_share) * or(output, input);
            (available != 0.0, price)
        }))
    }
}

patchbay_sdk::export_strategy!(Cost);

#[cfg(test)]
mod tests;
