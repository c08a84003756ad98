//! A strategy plugin at work for one public model: a handful of configured instances and the facts it wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_queue::ArrayQueue;

use super::columns::Columns;
use super::facts::NAMES;
use super::{Candidate, Memory};
use crate::decision::Given;
use crate::plugin::{PluginError, PoolMember, Problem, Ranked, Role, StrategyInstance, StrategyPlugin};

/// Idle instances kept for one public model. A call takes microseconds, so few are ever in use at once.
const IDLE: usize = 4;
/// How often a decision is made again when another one changed the state meanwhile.
const RERANK: u32 = 2;

/// The live side of a strategy.
pub struct Ranker {
    plugin: Arc<StrategyPlugin>,
    settings: String,
    pool: Vec<PoolMember>,
    columns: Columns,
    role: Role,
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
        role: Role,
    ) -> Result<Self, String> {
        plugin
            .settings()
            .check(settings)
            .map_err(|problem| format!("settings: {problem}"))?;
        for name in plugin
            .facts()
            .iter()
            .filter(|name| !NAMES.contains(&name.as_str()))
        {
            tracing::warn!(
                plugin = plugin.identity(),
                fact = name,
                "a fact this gateway does not know: NaN"
            );
        }
        let ranker = Self {
            columns: Columns::of(plugin.facts(), &NAMES),
            settings: settings.to_owned(),
            pool: candidates.iter().map(|candidate| candidate.member()).collect(),
            role,
            idle: ArrayQueue::new(IDLE),
            retired: AtomicBool::new(false),
            plugin,
        };
        let first = ranker.fresh().map_err(|error| error.to_string())?;
        ranker.put_back(first);
        Ok(ranker)
    }

    /// name@version
    pub fn identity(&self) -> &str {
        self.plugin.identity()
    }

    /// The facts it asks for, in its order.
    pub fn wants(&self) -> &[String] {
        self.plugin.facts()
    }

    /// What can be done to it by hand.
    pub fn actions(&self) -> &[String] {
        self.plugin.actions()
    }

    /// Frees the idle instances: this generation is no longer the current one, but requests may still hold it.
    pub fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
        while self.idle.pop().is_some() {}
    }

    /// Ranks where the plugin belongs. With it comes the state that the decision was made with.
    pub(super) async fn rank(
        self: &Arc<Self>,
        given: &Arc<Given>,
        memory: &Arc<Memory>,
    ) -> (Arc<Vec<u8>>, Result<Ranked, PluginError>) {
        let (ranker, given, own) = (self.clone(), given.clone(), memory.clone());
        let decided = self.plugin.run(move || ranker.decide_here(&given, &own)).await;
        let (state, ranked) = decided.unwrap_or_else(|error| (memory.read().clone(), Err(error)));
        self.plugin.decided(ranked.as_ref().err());
        (state, ranked)
    }

    /// Ranks here and now.
    pub(super) fn decide_here(
        &self,
        given: &Given,
        memory: &Memory,
    ) -> (Arc<Vec<u8>>, Result<Ranked, PluginError>) {
        let mut instance = match self.instance() {
            Ok(instance) => instance,
            Err(error) => return (memory.read().clone(), Err(error)),
        };
        let facts = self.facts(given);
        let (state, ranked) = decide(&mut instance, given, &facts, memory);
        let usable = match &ranked {
            Ok(_) => true,
            Err(error) => matches!(error.problem, Problem::Refused(_)),
        };
        if usable {
            self.put_back(instance);
        }
        (state, ranked)
    }

    /// Runs where the plugin belongs.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PluginError> {
        self.plugin.run(work).await
    }

    /// Something else than a decision has failed.
    pub(super) fn suffered(&self, error: &PluginError) {
        if error.problem.is_fault() {
            self.plugin.decided(Some(error));
        }
    }

    pub(super) fn instance(&self) -> Result<StrategyInstance, PluginError> {
        match self.idle.pop() {
            Some(instance) => Ok(instance),
            None => self.fresh(),
        }
    }

    fn fresh(&self) -> Result<StrategyInstance, PluginError> {
        self.plugin.instance(&self.settings, &self.pool, self.role)
    }

    pub(super) fn put_back(&self, instance: StrategyInstance) {
        if !self.retired.load(Ordering::SeqCst) {
            let _ = self.idle.push(instance);
        }
    }

    /// The numbers that the plugin wants, in its order.
    pub(super) fn facts(&self, given: &Given) -> Vec<f64> {
        let rows = (0..given.offered.len()).map(|row| given.row(row));
        self.columns.project(rows)
    }
}

/// Ranks, and stores the new state unless another decision was faster; then ranks again, and in the end keeps the
/// order and drops the state. With it comes the state that was ranked with.
fn decide(
    instance: &mut StrategyInstance,
    given: &Given,
    facts: &[f64],
    memory: &Memory,
) -> (Arc<Vec<u8>>, Result<Ranked, PluginError>) {
    let mut again = 0;
    loop {
        let state = memory.read().clone();
        let mut ranked = match instance.rank(&given.turn, &given.offered, facts, &state) {
            Ok(ranked) => ranked,
            Err(error) => return (state, Err(error)),
        };
        let Some(new) = ranked.state.take() else {
            return (state, Ok(ranked));
        };
        if memory.replace(&state, new) || again == RERANK {
            return (state, Ok(ranked));
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
    pub fn member(&self) -> PoolMember {
        PoolMember {
            vendor: self.vendor.clone(),
            account: self.account.clone(),
            model: self.model.clone(),
            tags: self.tags.clone(),
        }
    }
}
