//! The component's side of a strategy: what [`export_strategy!`](crate::export_strategy) is made of.

use std::cell::RefCell;

use super::{Facts, Learning, Steered, Strategy};
use crate::bindings::strategy::exports::patchbay::plugin::strategy as wit;
use crate::log;

pub use crate::bindings::control::exports::patchbay::plugin::control::Guest as Control;
pub use crate::bindings::observer::exports::patchbay::plugin::observer::{Guest as Observer, Outcome};
pub use wit::{Candidate, Description, Guest, Ranking, Request};

/// Where a component keeps its strategy between calls. The macro declares it: a static cannot be generic.
#[derive(Debug)]
pub struct Slot<S>(RefCell<Option<S>>);

pub fn describe<S: Strategy>() -> Description {
    log::report_panics();
    S::describe()
}

/// Reads the settings, of which an empty text counts as `{}`, and configures a strategy with them.
pub fn configured<S: Strategy>(settings: &str, pool: Vec<Candidate>) -> Result<S, String> {
    let settings = if settings.is_empty() { "{}" } else { settings };
    let settings =
        serde_json::from_slice(settings.as_bytes()).map_err(|error| format!("settings: {error}"))?;
    S::configure(settings, pool)
}

pub fn actions<S: Steered>() -> Vec<String> {
    S::ACTIONS.iter().map(|&action| action.to_owned()).collect()
}

/// Refuses what the strategy has not named.
pub fn act<S: Steered>(strategy: &mut S, action: &str, state: &[u8]) -> Result<Vec<u8>, String> {
    if !S::ACTIONS.contains(&action) {
        let known = S::ACTIONS.join(", ");
        return Err(format!("there is no action {action:?}; it has {known}"));
    }
    strategy.act(action, state)
}

impl<S: Strategy> Slot<S> {
    pub const fn empty() -> Self {
        Self(RefCell::new(None))
    }

    pub fn configure(&self, settings: &str, pool: Vec<Candidate>) -> Result<(), String> {
        log::report_panics();
        self.0.replace(Some(configured(settings, pool)?));
        Ok(())
    }

    pub fn rank(
        &self,
        request: &Request,
        candidates: &[u32],
        facts: &[f64],
        state: &[u8],
    ) -> Result<Ranking, String> {
        log::report_panics();
        let mut strategy = self.0.borrow_mut();
        let strategy = strategy.as_mut().ok_or("rank was called before configure")?;
        strategy.rank(request, candidates, Facts::new(facts, candidates.len()), state)
    }

    pub fn act(&self, action: &str, state: &[u8]) -> Result<Vec<u8>, String>
    where
        S: Steered,
    {
        log::report_panics();
        let mut strategy = self.0.borrow_mut();
        let strategy = strategy.as_mut().ok_or("act was called before configure")?;
        act(strategy, action, state)
    }

    pub fn observe(&self, outcome: &Outcome, state: &[u8]) -> Option<Vec<u8>>
    where
        S: Learning,
    {
        log::report_panics();
        self.0.borrow_mut().as_mut()?.observe(outcome, state)
    }
}
