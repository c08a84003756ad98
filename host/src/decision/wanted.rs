//! Which decisions somebody wants to see.

use serde::Deserialize;

use super::told::verdict;
use super::{Course, Decision, UNDER_WAY};
use crate::config::BUILT_IN;

/// How many are shown unless told otherwise.
const USUAL: usize = 50;
const COMPLETED: &str = "completed";

/// All that is said must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    /// At most so many, the newest.
    pub limit: Option<usize>,
    /// A public model.
    pub model: Option<String>,
    /// Whoever decided: a name, name@version, or "built-in".
    pub strategy: Option<String>,
    /// The name of a caller's key.
    pub caller: Option<String>,
    /// "completed", "cancelled", "under way" or a failure's kind.
    pub outcome: Option<String>,
    /// Something has failed: the strategy, an attempt, or the request.
    pub failed: bool,
    /// The strategy in shadow would have begun with another candidate.
    pub disagreed: bool,
}

// === impl Wanted ===

impl Wanted {
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(USUAL)
    }

    pub fn fits(&self, decision: &Decision) -> bool {
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        is(&self.model, &decision.pool.model)
            && is(&self.caller, &decision.given.turn.caller)
            && self
                .strategy
                .as_deref()
                .is_none_or(|wanted| decided(decision, wanted))
            && (!self.disagreed || differed(decision))
            && self.came_so(decision)
    }

    fn came_so(&self, decision: &Decision) -> bool {
        if self.outcome.is_none() && !self.failed {
            return true;
        }
        let course = decision.course();
        let outcome = course.end.as_ref().map_or(UNDER_WAY, |end| &end.outcome);
        self.outcome.as_deref().is_none_or(|wanted| wanted == outcome)
            && (!self.failed || decision.made.failed.is_some() || has_failed(&course))
    }
}

fn decided(decision: &Decision, wanted: &str) -> bool {
    match decision.decider() {
        Some(decider) => decider.strategy == wanted || decider.identity == wanted,
        None => wanted == BUILT_IN,
    }
}

fn differed(decision: &Decision) -> bool {
    let shadow = decision.shadow.as_ref();
    shadow.is_some_and(|shadow| verdict(shadow) == "differed")
}

fn has_failed(course: &Course) -> bool {
    let attempts = course.attempts.iter().map(|tried| tried.outcome.as_str());
    let mut outcomes = attempts.chain(course.end.as_ref().map(|end| end.outcome.as_str()));
    outcomes.any(|outcome| ![COMPLETED, UNDER_WAY, "cancelled"].contains(&outcome))
}
