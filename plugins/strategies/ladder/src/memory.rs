//! What the ladder remembers from request to request: names, never indices, because the pool changes under it.

use patchbay_sdk::canonical::to_json;
use serde::{Deserialize, Serialize};

use super::{Ladder, Place};

/// Vendor, account and model of a step.
type Name = (String, String, String);

/// The state, as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Memory {
    at: Name,
    /// Who takes its place if it leaves the pool, the first of them that is there: the step that follows, and the next
    /// account's first.
    heirs: [Name; 2],
    arrived_with: Option<u32>,
}

impl Ladder {
    /// Where it stands. State that cannot be read, or that speaks of steps which are all gone, is the beginning.
    pub(crate) fn read(&self, state: &[u8]) -> Place {
        match &self.settled {
            Some((known, place)) if known == state => *place,
            _ => self.find(state).unwrap_or_default(),
        }
    }

    fn find(&self, state: &[u8]) -> Option<Place> {
        let Memory {
            at,
            heirs,
            arrived_with,
        } = serde_json::from_slice(state).ok()?;
        let is = |step: usize, (vendor, account, model): &Name| {
            let candidate = self.steps.at(step);
            (&candidate.vendor, &candidate.account, &candidate.model) == (vendor, account, model)
        };
        let step_of = |name: &Name| (0..self.steps.len()).find(|&step| is(step, name));
        if let Some(step) = step_of(&at) {
            return Some(Place { step, arrived_with });
        }
        let step = heirs.iter().find_map(step_of)?;
        Some(Place {
            step,
            arrived_with: None,
        })
    }

    /// The new state, if it is not the old one: also where the heirs have changed with the pool.
    pub(crate) fn write(&mut self, place: Place, old: &[u8]) -> Option<Vec<u8>> {
        let is_settled = |(known, at): &(Vec<u8>, Place)| known == old && *at == place;
        if self.settled.as_ref().is_some_and(is_settled) {
            return None;
        }
        let new = self.state(place);
        self.settled = Some((new.clone(), place));
        (new != old).then_some(new)
    }

    pub(crate) fn state(&self, Place { step, arrived_with }: Place) -> Vec<u8> {
        to_json(&Memory {
            at: self.name(step),
            heirs: [
                self.name(self.steps.next(step)),
                self.name(self.steps.next_account(step)),
            ],
            arrived_with,
        })
    }

    fn name(&self, step: usize) -> Name {
        let candidate = self.steps.at(step);
        (
            candidate.vendor.clone(),
            candidate.account.clone(),
            candidate.model.clone(),
        )
    }
}
