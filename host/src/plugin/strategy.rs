//! Strategy components: instances that are configured once for a pool and then rank request after request.

use std::sync::Arc;

use wasmtime::Store;

use super::bindings::v0_1::strategy as wit;
use super::bindings::{StrategyGuest, StrategyPre};
use super::check;
use super::contract::Turn;
use super::engine::Engine;
use super::error::{Limit, PluginError, Problem};
use super::lane::To;
use super::log::{Voice, readable};
use super::schema::Schema;
use super::store::{Shared, State, before_call, new_store};

/// Longest state a strategy may keep, in bytes.
const STATE: usize = 64 * 1024;
/// Facts a strategy may ask for.
const FACTS: usize = 64;
/// Actions a strategy may offer, and the longest name of one in bytes.
const ACTIONS: usize = 32;
const ACTION: usize = 64;

/// What an instance is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Live,
    /// Nothing it does speaks for or against the plugin where it is live.
    Shadow,
}

/// A loaded strategy.
pub struct StrategyPlugin {
    name: String,
    identity: String,
    facts: Vec<String>,
    actions: Vec<String>,
    settings: Schema,
    engine: Engine,
    shared: Shared,
    /// The same limits, and nothing else in common.
    apart: Shared,
    pre: StrategyPre,
}

/// One candidate of the pool, as strategies know it.
#[derive(Debug, Clone)]
pub struct PoolMember {
    pub vendor: String,
    pub account: String,
    /// The upstream model's name.
    pub model: String,
    pub tags: Vec<String>,
}

/// An instance that knows its pool. Used by one request at a time, and by many after each other.
pub struct StrategyInstance {
    plugin: Arc<StrategyPlugin>,
    store: Store<State>,
    guest: StrategyGuest,
    /// For each member of the pool: was it offered in this call, was it taken already.
    marks: Vec<Mark>,
}

/// A decision, checked: the order is a subset of what was offered, without repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    pub order: Vec<u32>,
    pub state: Option<Vec<u8>>,
    pub note: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Absent,
    Offered,
    Taken,
}

// === impl StrategyPlugin ===

impl StrategyPlugin {
    /// Asks a component what it is, under the limits it will run under.
    pub(super) fn load(
        engine: &Engine,
        name: &str,
        mut shared: Shared,
        pre: StrategyPre,
    ) -> Result<Self, PluginError> {
        const FUNCTION: &str = "strategy.describe";
        const ACTIONS: &str = "control.actions";
        let mut store = new_store(engine, &shared);
        let guest = pre.instantiate(&mut store);
        let guest = guest.map_err(|error| PluginError::from_call("instantiation", &error, store.data()))?;
        before_call(&mut store);
        let raw = guest.describe(&mut store);
        let raw = raw.map_err(|error| PluginError::from_call(FUNCTION, &error, store.data()))?;
        let broke = |function, problem| PluginError {
            plugin: name.to_owned(),
            function,
            problem,
        };
        let settings = check_description(&raw).map_err(|problem| broke(FUNCTION, problem))?;
        before_call(&mut store);
        let actions = guest.actions(&mut store);
        let actions = actions.map_err(|error| PluginError::from_call(ACTIONS, &error, store.data()))?;
        check_actions(&actions).map_err(|problem| broke(ACTIONS, problem))?;
        let identity = format!("{name}@{}", raw.version);
        shared.voice = Arc::new(Voice::new(identity.clone()));
        let apart = shared.apart(&format!("{identity} (shadow)"));
        Ok(Self {
            name: name.to_owned(),
            identity,
            facts: raw.facts,
            actions,
            settings,
            engine: engine.clone(),
            shared,
            apart,
            pre,
        })
    }

    /// The file's name without its ending.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// name@version
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The numbers it wants of each candidate, in its order.
    pub fn facts(&self) -> &[String] {
        &self.facts
    }

    /// What can be done to it by hand.
    pub fn actions(&self) -> &[String] {
        &self.actions
    }

    pub fn settings(&self) -> &Schema {
        &self.settings
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Runs a decision where the plugin belongs: here while it is quick, else on a thread of its own.
    pub async fn run<T: Send + 'static>(
        &self,
        decide: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PluginError> {
        let short = |limit: Limit| self.error("strategy.rank", Problem::short_of(limit));
        self.shared.lane.run(To::Begin, decide).await.map_err(short)
    }

    /// A decision of it has come to an end, and how.
    pub fn decided(&self, failed: Option<&PluginError>) {
        self.shared.conduct.attempted(failed.is_some());
        if failed.is_some_and(|error| error.problem.is_fault()) {
            self.shared.conduct.trapped();
        }
    }

    /// A fresh instance, configured for a pool. `settings`: a JSON object.
    pub fn instance(
        self: &Arc<Self>,
        settings: &str,
        pool: &[PoolMember],
        role: Role,
    ) -> Result<StrategyInstance, PluginError> {
        const FUNCTION: &str = "strategy.configure";
        let shared = match role {
            Role::Live => &self.shared,
            Role::Shadow => &self.apart,
        };
        let mut store = new_store(&self.engine, shared);
        let guest = self.pre.instantiate(&mut store);
        let guest = guest.map_err(|error| PluginError::from_call("instantiation", &error, store.data()))?;
        let members: Vec<wit::Candidate> = pool.iter().cloned().map(Into::into).collect();
        before_call(&mut store);
        let configured = guest.configure(&mut store, settings, &members);
        configured
            .map_err(|error| PluginError::from_call(FUNCTION, &error, store.data()))?
            .map_err(|message| self.error(FUNCTION, Problem::Refused(readable(&message))))?;
        Ok(StrategyInstance {
            plugin: self.clone(),
            store,
            guest,
            marks: vec![Mark::Absent; pool.len()],
        })
    }

    fn error(&self, function: &'static str, problem: Problem) -> PluginError {
        PluginError {
            plugin: self.identity.clone(),
            function,
            problem,
        }
    }
}

impl std::fmt::Debug for StrategyPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StrategyPlugin")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

fn check_description(raw: &wit::Description) -> Result<Schema, Problem> {
    check::version(&raw.version)?;
    if raw.facts.len() > FACTS {
        return Err(Problem::Broke(format!(
            "{} facts; at most {FACTS}",
            raw.facts.len()
        )));
    }
    raw.facts.iter().try_for_each(|fact| check::name(fact, "fact"))?;
    Schema::parse(&raw.settings_schema)
}

fn check_actions(actions: &[String]) -> Result<(), Problem> {
    if actions.len() > ACTIONS {
        let found = actions.len();
        return Err(Problem::Broke(format!("{found} actions; at most {ACTIONS}")));
    }
    if let Some(long) = actions.iter().find(|action| action.len() > ACTION) {
        let shown = readable(long);
        return Err(Problem::Broke(format!(
            "action {shown:?}; at most {ACTION} bytes"
        )));
    }
    actions
        .iter()
        .try_for_each(|action| check::name(action, "action"))
}

fn check_state(state: &[u8]) -> Result<(), Problem> {
    if state.len() > STATE {
        let found = state.len();
        return Err(Problem::Broke(format!(
            "a state of {found} bytes; at most {STATE}"
        )));
    }
    Ok(())
}

// === impl StrategyInstance ===

impl StrategyInstance {
    /// Ranks the offered candidates. `facts`: row by row, as many per candidate as the plugin described. After
    /// an error other than [`Problem::Refused`] the instance must be dropped.
    pub fn rank(
        &mut self,
        turn: &Turn,
        candidates: &[u32],
        facts: &[f64],
        state: &[u8],
    ) -> Result<Ranked, PluginError> {
        const FUNCTION: &str = "strategy.rank";
        before_call(&mut self.store);
        let room = &mut self.store.data_mut().room;
        room.set_time(turn.now);
        room.set_entropy(turn.entropy);
        let ranking = self
            .guest
            .rank(&mut self.store, &turn.to_wit(), candidates, facts, state)
            .map_err(|error| PluginError::from_call(FUNCTION, &error, self.store.data()))?
            .map_err(|message| self.plugin.error(FUNCTION, Problem::Refused(readable(&message))))?;
        self.check(candidates, ranking)
            .map_err(|problem| self.plugin.error(FUNCTION, problem))
    }

    /// Does one of the plugin's actions. The new state; the same holds after an error as for [`Self::rank`].
    pub fn act(&mut self, action: &str, state: &[u8]) -> Result<Vec<u8>, PluginError> {
        const FUNCTION: &str = "control.act";
        before_call(&mut self.store);
        let acted = self.guest.act(&mut self.store, action, state);
        let state = acted
            .map_err(|error| PluginError::from_call(FUNCTION, &error, self.store.data()))?
            .map_err(|message| self.plugin.error(FUNCTION, Problem::Refused(readable(&message))))?;
        check_state(&state).map_err(|problem| self.plugin.error(FUNCTION, problem))?;
        Ok(state)
    }

    fn check(&mut self, candidates: &[u32], ranking: wit::Ranking) -> Result<Ranked, Problem> {
        self.marks.fill(Mark::Absent);
        for offered in candidates {
            if let Some(mark) = self.marks.get_mut(*offered as usize) {
                *mark = Mark::Offered;
            }
        }
        for index in &ranking.order {
            match self.marks.get_mut(*index as usize) {
                Some(mark @ Mark::Offered) => *mark = Mark::Taken,
                Some(Mark::Taken) => {
                    return Err(Problem::Broke(format!("candidate {index} is ranked twice")));
                }
                Some(Mark::Absent) | None => {
                    return Err(Problem::Broke(format!("candidate {index} was not offered")));
                }
            }
        }
        ranking.state.as_deref().map_or(Ok(()), check_state)?;
        let note = ranking.note.map(|note| readable(&note));
        Ok(Ranked {
            order: ranking.order,
            state: ranking.state,
            note,
        })
    }
}

impl std::fmt::Debug for StrategyInstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StrategyInstance")
            .field("plugin", &self.plugin.identity)
            .finish_non_exhaustive()
    }
}

// === to the guest ===

impl Turn {
    fn to_wit(&self) -> wit::Request {
        wit::Request {
            operation: self.operation.as_str().to_owned(),
            model: self.model.clone(),
            caller: self.caller.clone(),
            tags: self.tags.clone(),
            streaming: self.streaming,
            input_tokens: self.input_tokens,
            affinity: None,
            sequence: self.sequence,
            entropy: self.entropy,
            now: self.now,
            deadline: self.deadline,
        }
    }
}

impl From<PoolMember> for wit::Candidate {
    fn from(member: PoolMember) -> Self {
        Self {
            vendor: member.vendor,
            account: member.account,
            model: member.model,
            tags: member.tags,
        }
    }
}
