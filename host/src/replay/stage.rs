//! The strategy at work: instances configured for the recorded pools, and what it remembers of each public model.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{Replay, ReplayError};
use crate::decision::recording::{RecordedDecision, RecordedPool};
use crate::plugin::{PluginError, PoolMember, Problem, Role, StrategyInstance, Turn};
use crate::route::Columns;

/// Instances kept. A gateway that is reloaded often has many pools, but uses one after the other.
const INSTANCES: usize = 64;
const NO_SETTINGS: &str = "{}";

/// The strategy, from one start of a gateway to the next.
pub(super) struct Stage<'a> {
    replay: &'a Replay<'a>,
    /// By the pool's number, and by whose settings among the pool's strategies.
    ready: HashMap<(u64, Option<usize>), Ready>,
    /// By public model.
    remembered: HashMap<&'a str, Vec<u8>>,
    /// Calls that went wrong, since the last one that did not.
    faults: u32,
}

struct Ready {
    instance: StrategyInstance,
    columns: Columns,
}

// === impl Stage ===

impl<'a> Stage<'a> {
    pub(super) fn new(replay: &'a Replay<'a>) -> Self {
        Self {
            replay,
            ready: HashMap::new(),
            remembered: HashMap::new(),
            faults: 0,
        }
    }

    /// Calls that went wrong one after the other, up to now. What a strategy refuses in its own words takes no time and
    /// does not count.
    pub(super) fn faults(&self) -> u32 {
        self.faults
    }

    /// Makes a decision again: the order, or what went wrong, and how long it took. `recorded`: what was remembered by
    /// whoever made it.
    pub(super) fn decide(
        &mut self,
        pool: &'a RecordedPool,
        decision: &RecordedDecision,
        turn: &Turn,
        recorded: Vec<u8>,
    ) -> Result<(Result<Vec<u32>, String>, Duration), ReplayError> {
        let name = self.replay.strategy.name();
        let is_it = |index: &usize| {
            pool.strategies
                .get(*index)
                .is_some_and(|known| known.name == name)
        };
        let made_it = decision.strategy.filter(is_it);
        let whose = made_it.or_else(|| (0..pool.strategies.len()).find(is_it));
        let mut ready = match self.ready.remove(&(pool.number, whose)) {
            Some(ready) => ready,
            None => self.configure(pool, whose)?,
        };
        // With what it remembered then it decides as it did, whatever became of the decisions in between.
        let own = self.remembered.remove(pool.model.as_str()).unwrap_or_default();
        let mut state = made_it.map_or(own, |_| recorded);
        let facts = ready.columns.project(decision.facts.0.iter().map(Vec::as_slice));
        let began = Instant::now();
        let ranked = ready.instance.rank(turn, &decision.offered, &facts, &state);
        let took = began.elapsed();
        if ranked.as_ref().err().is_none_or(leaves_it_usable) {
            self.faults = 0;
            self.put_back((pool.number, whose), ready);
        } else {
            self.faults += 1;
        }
        let order = ranked.map_err(|error| error.problem.to_string()).map(|ranked| {
            state = ranked.state.unwrap_or_else(|| std::mem::take(&mut state));
            ranked.order
        });
        self.remembered.insert(&pool.model, state);
        Ok((order, took))
    }

    fn put_back(&mut self, key: (u64, Option<usize>), ready: Ready) {
        if self.ready.len() >= INSTANCES {
            self.ready.clear();
        }
        self.ready.insert(key, ready);
    }

    fn configure(&self, pool: &RecordedPool, whose: Option<usize>) -> Result<Ready, ReplayError> {
        let strategy = &self.replay.strategy;
        let recorded = whose.and_then(|index| pool.strategies.get(index));
        let recorded = recorded.map_or(NO_SETTINGS, |strategy| strategy.settings.get());
        let settings = self.replay.settings.unwrap_or(recorded);
        if self.replay.settings.is_none() {
            let checked = strategy.settings().check(settings);
            checked.map_err(|problem| ReplayError::RecordedSettings {
                model: pool.model.clone(),
                strategy: strategy.identity().to_owned(),
                problem,
            })?;
        }
        let members: Vec<PoolMember> = pool.candidates.iter().map(Into::into).collect();
        let instance = strategy.instance(settings, &members, Role::Live);
        let instance = instance.map_err(|error| ReplayError::Configure {
            model: pool.model.clone(),
            problem: error.to_string(),
        })?;
        Ok(Ready {
            instance,
            columns: Columns::of(strategy.facts(), &pool.facts),
        })
    }
}

fn leaves_it_usable(error: &PluginError) -> bool {
    matches!(error.problem, Problem::Refused(_))
}
