//! Decisions: what was to be decided, who decided what, and what came of it.
//!
//! The latest are kept in memory so that they can be explained, and written to a file where the configuration says so,
//! so that they can be replayed. Holds what strategies are given, names and numbers; never a prompt, an answer or a
//! credential. Decides nothing.

mod journal;
mod recorder;
pub mod recording;
#[cfg(test)]
mod tests;
pub mod told;
mod wanted;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

pub use journal::Journal;
pub use wanted::Wanted;

use crate::lock::lock;
use crate::plugin::{PoolMember, Turn};

const UNDER_WAY: &str = "under way";

/// One decision. What is known when it is made never changes; what comes of it is added.
#[derive(Debug)]
pub struct Decision {
    /// Counts the decisions since the gateway started, from 1.
    pub number: u64,
    pub request_id: String,
    pub pool: Arc<Pool>,
    pub given: Arc<Given>,
    pub made: Made,
    /// What the strategy in shadow would have done, as soon as it is known.
    pub shadow: Option<Arc<Shadow>>,
    course: Mutex<Course>,
}

/// Who can be chosen, and who chooses: the same for all requests of a public model until the next reload.
#[derive(Debug)]
pub struct Pool {
    /// Different from that of every other pool since the gateway started.
    pub number: u64,
    /// The public model's name.
    pub model: String,
    pub candidates: Vec<PoolMember>,
    /// The names of the columns of [`Given::facts`].
    pub facts: &'static [&'static str],
    pub deciders: Vec<Decider>,
}

/// A strategy and what it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    /// The plugin's name.
    pub strategy: String,
    /// name@version
    pub identity: String,
    /// A JSON object.
    pub settings: String,
    /// The facts it asks for, in its order.
    pub wants: Vec<String>,
}

/// What there was to decide with.
#[derive(Debug)]
pub struct Given {
    pub turn: Turn,
    /// Indices of the pool's candidates that can serve the request at all.
    pub offered: Vec<u32>,
    /// Row by row: for each of `offered` as many numbers as the pool has names for.
    pub facts: Vec<f64>,
}

/// What was decided.
#[derive(Debug, Default)]
pub struct Made {
    /// Index of the pool's deciders; none is the host's own order.
    pub decider: Option<usize>,
    /// What it had remembered.
    pub state: Arc<Vec<u8>>,
    /// Indices of the pool's candidates, best first, as the decider has put them.
    pub order: Vec<u32>,
    /// Why, in the strategy's words.
    pub note: Option<String>,
    /// Why the strategy could not decide; then the order is the host's own.
    pub failed: Option<String>,
    /// Which of the model's rules applied, from 1.
    pub rule: Option<usize>,
    /// Those that the rule has put before all others.
    pub preferred: Vec<u32>,
}

/// A decision without effect.
#[derive(Debug)]
pub struct Shadow {
    /// Index of the pool's deciders.
    pub decider: usize,
    verdict: OnceLock<Verdict>,
}

/// What came of a decision without effect.
#[derive(Debug)]
pub struct Verdict {
    /// Best first, and why; or what went wrong.
    pub decided: Result<(Vec<u32>, Option<String>), String>,
    /// The first that could be asked is the same.
    pub agreed: bool,
    /// All that could be asked come in the same order.
    pub same_order: bool,
    pub took: Duration,
}

/// What has come of it so far.
#[derive(Debug, Clone, Default)]
pub struct Course {
    pub attempts: Vec<Tried>,
    pub end: Option<End>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// Index of the pool's candidates.
    pub candidate: u32,
    /// "completed", "under way", "cancelled" or the kind of its failure.
    pub outcome: String,
    /// In milliseconds; none while it is under way.
    pub took_ms: Option<f64>,
}

/// How the request ended.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// "completed", "cancelled" or the kind of the failure that the caller was told.
    pub outcome: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// US dollars, where the prices are known.
    pub cost: Option<f64>,
    /// In milliseconds.
    pub latency_ms: f64,
    pub first_token_ms: Option<f64>,
}

// === impl Decision ===

impl Decision {
    pub fn new(
        number: u64,
        request_id: String,
        pool: Arc<Pool>,
        given: Arc<Given>,
        made: Made,
        shadow: Option<Arc<Shadow>>,
    ) -> Self {
        Self {
            number,
            request_id,
            pool,
            given,
            made,
            shadow,
            course: Mutex::default(),
        }
    }

    /// name@version of whoever decided; none is the host's own order.
    pub fn decider(&self) -> Option<&Decider> {
        self.pool.deciders.get(self.made.decider?)
    }

    /// What has come of it so far.
    pub fn course(&self) -> Course {
        lock(&self.course).clone()
    }

    /// The order in which candidates were to be tried: what the rule prefers comes first.
    pub fn order(&self) -> Vec<u32> {
        self.with_preferred_first(&self.made.order)
    }

    /// What the rule makes of an order.
    pub fn with_preferred_first(&self, order: &[u32]) -> Vec<u32> {
        let mut order = order.to_vec();
        if !self.made.preferred.is_empty() {
            order.sort_by_key(|candidate| !self.made.preferred.contains(candidate));
        }
        order
    }

    /// Those of an order that could be asked when it was decided.
    pub fn askable(&self, order: &[u32]) -> Vec<u32> {
        let mut available = vec![false; self.pool.candidates.len()];
        let column = self.pool.column("available");
        for (row, offered) in self.given.offered.iter().enumerate() {
            let number = column.and_then(|column| self.given.row(row).get(column));
            if let Some(place) = available.get_mut(*offered as usize) {
                *place = number.is_some_and(|number| *number != 0.0);
            }
        }
        let is_available = |candidate: &u32| available.get(*candidate as usize).copied().unwrap_or(false);
        order.iter().copied().filter(is_available).collect()
    }

    /// A candidate is asked.
    pub(crate) fn asks(&self, candidate: u32) {
        lock(&self.course).attempts.push(Tried {
            candidate,
            outcome: UNDER_WAY.to_owned(),
            took_ms: None,
        });
    }

    /// What came of the attempt that is under way, if one is.
    pub(crate) fn came(&self, outcome: &str, took: Duration) {
        let mut course = lock(&self.course);
        let last = course.attempts.last_mut();
        if let Some(last) = last.filter(|last| last.took_ms.is_none()) {
            outcome.clone_into(&mut last.outcome);
            last.took_ms = Some(took.as_secs_f64() * 1e3);
        }
    }

    pub(crate) fn ended(&self, end: End) {
        lock(&self.course).end = Some(end);
    }

    /// About how much memory it takes, in bytes.
    fn weight(&self) -> usize {
        let (given, made) = (&self.given, &self.made);
        let numbers = given.facts.len() * 8 + (given.offered.len() + made.order.len()) * 4;
        // What is left out, names and attempts, takes little.
        size_of::<Self>() + size_of::<Given>() + numbers + made.state.len() + 512
    }
}

// === impl Pool ===

impl Pool {
    /// Which column of the facts has this name.
    pub fn column(&self, fact: &str) -> Option<usize> {
        self.facts.iter().position(|name| *name == fact)
    }
}

// === impl Given ===

impl Given {
    /// The numbers of one offered candidate, counted from 0 among those that were offered.
    pub fn row(&self, row: usize) -> &[f64] {
        let columns = self.facts.len().checked_div(self.offered.len()).unwrap_or(0);
        self.facts
            .get(row * columns..(row + 1) * columns)
            .unwrap_or_default()
    }
}

// === impl Verdict ===

impl Verdict {
    pub(crate) fn failed(why: String) -> Self {
        Self {
            decided: Err(why),
            agreed: false,
            same_order: false,
            took: Duration::ZERO,
        }
    }
}

// === impl Shadow ===

impl Shadow {
    pub fn new(decider: usize) -> Self {
        Self {
            decider,
            verdict: OnceLock::new(),
        }
    }

    /// None while it is not known yet.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.get()
    }

    pub(crate) fn settle(&self, verdict: Verdict) {
        // Whoever was first has settled it.
        let _ = self.verdict.set(verdict);
    }
}
