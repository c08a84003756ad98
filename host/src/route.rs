//! Choosing: the candidates of a public model, and the order in which a request tries them.
//!
//! A strategy component ranks; where none is configured or it fails, the built-in order does. Never leases, sends
//! or waits.

mod candidate;
mod facts;
mod memory;
mod ranker;

use std::sync::Arc;

pub use candidate::{Candidate, Way};
pub use memory::{Memories, Memory};
pub use ranker::Ranker;

use crate::chat::ChatRequest;
use crate::clock;
use crate::plugin::{PluginError, Turn};
use crate::pool::Held;

/// A public model: who can serve it, and who decides.
#[derive(Debug)]
pub struct Route {
    pub name: String,
    /// In the order of the configuration.
    pub candidates: Vec<Arc<Candidate>>,
    /// None: the built-in order.
    pub ranker: Option<Arc<Ranker>>,
    /// Why the configured strategy is not there.
    pub missing: Option<String>,
    pub memory: Arc<Memory>,
}

/// The candidates a request will try, best first.
#[derive(Debug)]
pub struct Plan {
    pub order: Vec<Arc<Candidate>>,
    /// name@version of the strategy that ranked, or "built-in".
    pub strategy: String,
    /// Why, in the strategy's words.
    pub note: Option<String>,
    /// The strategy failed and the built-in order took its place.
    pub fell_back: Option<PluginError>,
    /// Of those that are left alone now, the first one to come back.
    pub held: Option<Held>,
}

/// Why a request has nobody to serve it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("no candidate of this model can serve {0}")]
    Incapable(String),
    /// Why, the operator has been told: callers do not see the configuration.
    #[error("no candidate of this model is available now")]
    Unavailable,
    /// All are left alone for a while; this is the first one to come back.
    #[error("no account can serve this now: {}", .0.failure.message)]
    Held(Box<Held>),
}

/// What the order is called when no strategy made it.
const BUILT_IN: &str = "built-in";

// === impl Route ===

impl Route {
    /// Ranks the candidates that can serve the request. `deadline`: Unix time in milliseconds.
    pub async fn plan(&self, request: &ChatRequest, caller: &str, deadline: u64) -> Result<Plan, PlanError> {
        let offered = self.capable(request)?;
        let ranked = match &self.ranker {
            None => None,
            Some(ranker) => {
                let turn = self.turn(request, caller, deadline);
                Some(ranker.rank(turn, &offered, &self.candidates, &self.memory).await)
            }
        };
        let mut plan = match ranked {
            Some(Ok(ranked)) => Plan {
                order: self.pick(&ranked.order),
                strategy: self.strategy().to_owned(),
                note: ranked.note,
                fell_back: None,
                held: None,
            },
            Some(Err(error)) => Plan {
                fell_back: Some(error),
                ..self.built_in(offered)
            },
            None => self.built_in(offered),
        };
        let held = &mut plan.held;
        plan.order.retain(|candidate| {
            let why = candidate.state.held().filter(|_| candidate.is_available());
            let can_be_asked = candidate.is_available() && why.is_none();
            Held::sooner(held, why);
            can_be_asked
        });
        if !plan.order.is_empty() {
            return Ok(plan);
        }
        Err(match plan.held {
            Some(held) => PlanError::Held(Box::new(held)),
            None => PlanError::Unavailable,
        })
    }

    fn turn(&self, request: &ChatRequest, caller: &str, deadline: u64) -> Turn {
        Turn {
            operation: request.operation,
            model: self.name.clone(),
            caller: caller.to_owned(),
            streaming: request.streaming,
            input_tokens: request.input_tokens,
            sequence: self.memory.turn(),
            entropy: clock::entropy(),
            now: clock::unix_millis(),
            deadline,
        }
    }

    /// name@version of whoever decides here.
    pub fn strategy(&self) -> &str {
        self.ranker.as_ref().map_or(BUILT_IN, |ranker| ranker.identity())
    }

    /// Indices of the candidates that can serve the request at all.
    fn capable(&self, request: &ChatRequest) -> Result<Vec<u32>, PlanError> {
        let fits = |candidate: &Candidate| candidate.obstacle(request);
        let mut obstacles = Vec::new();
        let mut offered = Vec::with_capacity(self.candidates.len());
        for (index, candidate) in (0u32..).zip(&self.candidates) {
            match fits(candidate) {
                None => offered.push(index),
                Some(obstacle) => obstacles.push(obstacle),
            }
        }
        // Vendors can be left without any account.
        if self.candidates.is_empty() {
            return Err(PlanError::Unavailable);
        }
        if offered.is_empty() {
            obstacles.sort();
            obstacles.dedup();
            return Err(PlanError::Incapable(obstacles.join(", ")));
        }
        Ok(offered)
    }

    /// By priority, lower first, and then in the order of the configuration.
    fn built_in(&self, mut offered: Vec<u32>) -> Plan {
        offered.sort_by_key(|index| {
            self.candidates
                .get(*index as usize)
                .map_or(i64::MAX, |c| c.priority)
        });
        Plan {
            order: self.pick(&offered),
            strategy: BUILT_IN.to_owned(),
            note: None,
            fell_back: None,
            held: None,
        }
    }

    fn pick(&self, order: &[u32]) -> Vec<Arc<Candidate>> {
        order
            .iter()
            .filter_map(|index| self.candidates.get(*index as usize))
            .cloned()
            .collect()
    }
}
