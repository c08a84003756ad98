//! Choosing: the candidates of a public model, and the order in which a request tries them.
//!
//! A strategy component ranks; where none is configured or it fails, the built-in order does. Never leases, sends
//! or waits.

mod act;
mod candidate;
mod columns;
mod decides;
mod facts;
mod memory;
mod plan;
mod ranker;
mod rules;
mod shadow;
pub mod told;

use std::sync::Arc;

pub use act::ActError;
pub use candidate::{Candidate, Way};
pub use columns::Columns;
pub use decides::Decides;
pub use memory::{Memories, Memory};
pub use plan::{Asking, Plan, Planned};
pub use ranker::Ranker;
pub use rules::Rule;
pub use shadow::{InShadow, Shadows};

use crate::config::BUILT_IN;
use crate::decision::{Journal, Pool};
use crate::pool::Held;

/// The names of all facts that strategies can ask for.
pub const FACTS: &[&str] = &facts::NAMES;

/// A public model: who can serve it, and who decides.
#[derive(Debug)]
pub struct Route {
    pub name: String,
    /// In the order of the configuration.
    pub candidates: Vec<Arc<Candidate>>,
    /// The first that fits a request chooses among the candidates.
    pub rules: Vec<Rule>,
    /// The model's own strategy first, if it has one; then those that requests may name.
    pub deciders: Vec<Decides>,
    /// The first of the deciders is the model's own; else its order is the built-in one.
    pub has_strategy: bool,
    /// Decides without effect.
    pub shadow: Option<Arc<InShadow>>,
    /// Counts the requests that the built-in order decides.
    pub memory: Arc<Memory>,
    /// All of it as decisions refer to it.
    pub pool: Arc<Pool>,
    pub journal: Arc<Journal>,
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

// === impl Route ===

impl Route {
    /// The strategy of requests that name none; none is the built-in order.
    pub fn own(&self) -> Option<&Decides> {
        self.deciders.first().filter(|_| self.has_strategy)
    }

    /// name@version of whoever decides here.
    pub fn strategy(&self) -> &str {
        match self.own() {
            Some(decides) if decides.ranker.is_ok() => decides.identity(),
            _ => BUILT_IN,
        }
    }

    /// What is configured and cannot work, in words for the operator.
    pub fn missing(&self) -> impl Iterator<Item = String> + '_ {
        let own = self.own().and_then(|own| own.ranker.as_ref().err());
        let own = own.map(|why| format!("models.{}: {why}; using the built-in order", self.name));
        let named = self.deciders.iter().skip(usize::from(self.has_strategy));
        let named = named.filter_map(|decides| decides.ranker.as_ref().err());
        let named = named.map(|why| {
            format!(
                "models.{}: {why}; requests that name it get the built-in order",
                self.name
            )
        });
        let shadow = self.shadow.as_ref();
        let shadow = shadow.and_then(|shadow| shadow.decides.ranker.as_ref().err());
        let shadow = shadow.map(|why| format!("models.{}: in shadow: {why}", self.name));
        own.into_iter().chain(named).chain(shadow)
    }

    /// Frees what only the current generation needs.
    pub fn retire(&self) {
        self.deciders.iter().for_each(Decides::retire);
        if let Some(shadow) = &self.shadow {
            shadow.decides.retire();
        }
    }
}
