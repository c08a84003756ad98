//! A strategy plugin at work for one public model: a handful of configured instances and the facts it wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_queue::ArrayQueue;

use super::facts::Fact;
use super::{Candidate, Memory};
use crate::plugin::{PluginError, PoolMember, Problem, Ranked, StrategyInstance, StrategyPlugin, Turn};

/// Idle instances kept for one public model. A call takes microseconds, so few are ever in use at once.
const IDLE: usize = 4;
/// How often a decision is made again when another one changed the state meanwhile.
const RERANK: u32 = 2;

/// The live side of a strategy.
pub struct Ranker {
    plugin: Arc<StrategyPlugin>,
    settings: String,
    pool: Vec<PoolMember>,
    facts: Vec<Fact>,
    idle: ArrayQueue<StrategyInstance>,
    retired: AtomicBool,
}

// === impl Ranker ===

impl Ranker {
    /// Checks the settings and configures a first instance, so that a strategy that refuses them is found before
    /// traffic meets it.
    pub fn new(
        plugin: Arc<StrategyPlugin>,
        settings: &str,
        candidates: &[Arc<Candidate>],
    ) -> Result<Self, String> {
        plugin
            .settings()
            .check(settings)
            .map_err(|problem| format!("settings: {problem}"))?;
        let pool: Vec<PoolMember> = candidates.iter().map(|candidate| candidate.member()).collect();
        let first = plugin
            .instance(settings, &pool)
            .map_err(|error| error.to_string())?;
        let facts = plugin.facts().iter().map(|name| Fact::parse(name)).collect();
        for (fact, name) in std::iter::zip(&facts as &Vec<Fact>, plugin.facts()) {
            if *fact == Fact::Unknown {
                tracing::warn!(
                    plugin = plugin.identity(),
                    fact = name,
                    "a fact this gateway does not know: NaN"
                );
            }
        }
        let idle = ArrayQueue::new(IDLE);
        let _ = idle.push(first);
        Ok(Self {
            plugin,
            settings: settings.to_owned(),
            pool,
            facts,
            idle,
            retired: AtomicBool::new(false),
        })
    }

    /// name@version
    pub fn identity(&self) -> &str {
        self.plugin.identity()
    }

    /// Frees the idle instances: this generation is no longer the current one, but requests may still hold it.
    pub fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
        while self.idle.pop().is_some() {}
    }

    pub(super) async fn rank(
        self: &Arc<Self>,
        turn: Turn,
        offered: &[u32],
        candidates: &[Arc<Candidate>],
        memory: &Arc<Memory>,
    ) -> Result<Ranked, PluginError> {
        let facts = self.facts(offered, candidates);
        let (ranker, offered, memory) = (self.clone(), offered.to_vec(), memory.clone());
        let decided = self
            .plugin
            .run(move || ranker.decide(&turn, &offered, &facts, &memory))
            .await;
        let decided = decided.and_then(|decided| decided);
        self.plugin.decided(decided.as_ref().err());
        decided
    }

    fn decide(
        &self,
        turn: &Turn,
        offered: &[u32],
        facts: &[f64],
        memory: &Memory,
    ) -> Result<Ranked, PluginError> {
        let mut instance = match self.idle.pop() {
            Some(instance) => instance,
            None => self.plugin.instance(&self.settings, &self.pool)?,
        };
        let ranked = decide(&mut instance, turn, offered, facts, memory);
        let usable = match &ranked {
            Ok(_) => true,
            Err(error) => matches!(error.problem, Problem::Refused(_)),
        };
        if usable && !self.retired.load(Ordering::SeqCst) {
            let _ = self.idle.push(instance);
        }
        ranked
    }

    fn facts(&self, offered: &[u32], candidates: &[Arc<Candidate>]) -> Vec<f64> {
        let mut facts = Vec::with_capacity(offered.len() * self.facts.len());
        for candidate in offered.iter().filter_map(|index| candidates.get(*index as usize)) {
            facts.extend(self.facts.iter().map(|fact| fact.of(candidate)));
        }
        facts
    }
}

/// Ranks, and stores the new state unless another decision was faster; then ranks again, and in the end keeps the
/// order and drops the state.
fn decide(
    instance: &mut StrategyInstance,
    turn: &Turn,
    offered: &[u32],
    facts: &[f64],
    memory: &Memory,
) -> Result<Ranked, PluginError> {
    let mut again = 0;
    loop {
        let state = memory.read();
        let mut ranked = instance.rank(turn, offered, facts, &state)?;
        let Some(new) = ranked.state.take() else {
            return Ok(ranked);
        };
        if memory.replace(&state, new) || again == RERANK {
            return Ok(ranked);
        }
        again += 1;
    }
}

impl std::fmt::Debug for Ranker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ranker")
            .field("plugin", &self.plugin)
            .finish_non_exhaustive()
    }
}

// === impl Candidate ===

impl Candidate {
    fn member(&self) -> PoolMember {
        PoolMember {
            vendor: self.vendor.clone(),
            account: self.account.clone(),
            model: self.model.clone(),
            tags: self.tags.clone(),
        }
    }
}
