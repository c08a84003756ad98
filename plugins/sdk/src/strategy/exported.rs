//! The component's side of a strategy: what [`export_strategy!`](crate::export_strategy) is made of.

use std::cell::RefCell;

use super::{Facts, Strategy};
use crate::bindings::strategy::exports::patchbay::plugin::strategy as wit;
use crate::log;

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
}
