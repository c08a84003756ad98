//! Moving a strategy by hand.

use std::sync::Arc;

use super::told::Acted;
use super::{Memory, Ranker, Route, facts};
use crate::chat::Operation;
use crate::clock;
use crate::config::among;
use crate::decision::Given;
use crate::decision::told::Name;
use crate::plugin::{PluginError, Problem, Ranked, Turn};

/// How often an action is done again when a decision changed the state meanwhile.
const AGAIN: u32 = 100;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(
        "model {0:?} has no strategy of its own: the built-in order remembers nothing that could be moved"
    )]
    NoStrategy(String),
    #[error("the strategy of model {0:?} is not there: {1}")]
    Missing(String, String),
    #[error("{strategy} offers no action {action:?}: {advice}")]
    NotOffered {
        strategy: String,
        action: String,
        advice: String,
    },
    #[error("its decisions were faster {AGAIN} times; try again when there is less to decide")]
    TooSlow,
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

// === impl Route ===

impl Route {
    /// Does one of the actions that the model's own strategy offers.
    pub async fn act(&self, action: &str) -> Result<Acted, ActError> {
        let own = self
            .own()
            .ok_or_else(|| ActError::NoStrategy(self.name.clone()))?;
        let missing = |why: &String| ActError::Missing(self.name.clone(), why.clone());
        let ranker = own.ranker.as_ref().map_err(missing)?;
        let offered: Vec<&str> = ranker.actions().iter().map(String::as_str).collect();
        if !offered.contains(&action) {
            return Err(ActError::NotOffered {
                strategy: ranker.identity().to_owned(),
                action: action.to_owned(),
                advice: among(action, "actions", &offered),
            });
        }
        ranker.act(action, &own.memory).await?;
        let ranked = match self.everybody(&own.memory) {
            // Strategies are never asked about nobody.
            given if given.offered.is_empty() => None,
            given => ranker.glance(given, &own.memory).await,
        };
        let first = ranked.as_ref().and_then(|ranked| ranked.order.first());
        Ok(Acted {
            model: self.name.clone(),
            strategy: ranker.identity().to_owned(),
            action: action.to_owned(),
            state_bytes: own.memory.size(),
            first: first.and_then(|first| Name::of(&self.pool, *first)),
            note: ranked.and_then(|ranked| ranked.note),
        })
    }

    /// What there would be to decide with for a request that all candidates can serve.
    fn everybody(&self, memory: &Memory) -> Given {
        let now = clock::unix_millis();
        let rows = self.candidates.iter().flat_map(|one| facts::row(one, now));
        Given {
            turn: Turn {
                operation: Operation::Chat,
                model: self.name.clone(),
                caller: String::new(),
                tags: Vec::new(),
                streaming: false,
                input_tokens: 0,
                sequence: memory.turns(),
                entropy: clock::entropy(),
                now,
                deadline: now.saturating_add(60_000),
            },
            offered: (0u32..).take(self.candidates.len()).collect(),
            facts: rows.collect(),
        }
    }
}

// === impl Ranker ===

impl Ranker {
    /// Does an action with the state that holds, and stores the new one; again where a decision was faster.
    async fn act(self: &Arc<Self>, action: &str, memory: &Arc<Memory>) -> Result<(), ActError> {
        let (ranker, action, memory) = (self.clone(), action.to_owned(), memory.clone());
        let acted = self.run(move || ranker.act_here(&action, &memory)).await;
        let stored = acted
            .and_then(|acted| acted)
            .inspect_err(|error| self.suffered(error))?;
        if stored { Ok(()) } else { Err(ActError::TooSlow) }
    }

    /// Whether the new state was stored.
    fn act_here(&self, action: &str, memory: &Memory) -> Result<bool, PluginError> {
        let mut instance = self.instance()?;
        for _ in 0..AGAIN {
            let state = memory.read().clone();
            let new = match instance.act(action, &state) {
                Ok(new) => new,
                Err(error) => {
                    if matches!(error.problem, Problem::Refused(_)) {
                        self.put_back(instance);
                    }
                    return Err(error);
                }
            };
            if memory.replace(&state, new) {
                self.put_back(instance);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What it would decide now. Whatever it wants to remember of that is dropped.
    async fn glance(self: &Arc<Self>, given: Given, memory: &Arc<Memory>) -> Option<Ranked> {
        let (ranker, memory) = (self.clone(), memory.clone());
        let glanced = self.run(move || ranker.glance_here(&given, &memory)).await;
        let ranked = glanced.and_then(|ranked| ranked);
        ranked.inspect_err(|error| self.suffered(error)).ok()
    }

    fn glance_here(&self, given: &Given, memory: &Memory) -> Result<Ranked, PluginError> {
        let mut instance = self.instance()?;
        let state = memory.read().clone();
        let ranked = instance.rank(&given.turn, &given.offered, &self.facts(given), &state)?;
        self.put_back(instance);
        Ok(ranked)
    }
}
