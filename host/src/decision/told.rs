//! What people and programs are told of decisions: plain data that [`crate::app`] gathers, [`crate::http`] sends as JSON
//! and [`crate::cli`] shows. This is the documented shape of `/admin/decisions`; members are only ever added.
//!
//! Numbers and names; nothing of a prompt, an answer or a credential is in a decision. Times are Unix milliseconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Course, Decision, Pool, Shadow, UNDER_WAY};
use crate::config::BUILT_IN;

/// `GET /admin/decisions`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    pub now: u64,
    /// The newest first.
    pub decisions: Vec<Brief>,
}

/// The short form of a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Brief {
    #[serde(flatten)]
    pub asked: Asked,
    /// name@version of whoever decided, or "built-in".
    pub strategy: String,
    /// Why the strategy could not decide.
    pub failed: Option<String>,
    /// Those that could serve the request at all.
    pub candidates: usize,
    pub first: Option<Name>,
    pub attempts: usize,
    /// The candidate that was asked last.
    pub last: Option<Name>,
    /// "completed", "cancelled", "under way" or the kind of the failure that the caller was told.
    pub outcome: String,
    pub latency_ms: Option<f64>,
    /// US dollars, where the prices are known.
    pub cost: Option<f64>,
    /// "agreed", "differed", "failed" or "under way"; none without a strategy in shadow.
    pub shadow: Option<String>,
}

/// `GET /admin/decisions/{request-id}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    pub now: u64,
    #[serde(flatten)]
    pub asked: Asked,
    /// name@version of whoever decided, or "built-in".
    pub strategy: String,
    /// Why the strategy could not decide; then the order is the built-in one.
    pub failed: Option<String>,
    /// Which of the model's rules applied, from 1.
    pub rule: Option<usize>,
    /// Why, in the strategy's words.
    pub note: Option<String>,
    /// The facts that the strategy asks for, in its order.
    pub wanted: Vec<String>,
    /// In the order in which they were to be tried; then those that were left out.
    pub candidates: Vec<CandidateView>,
    /// Those of the model that cannot serve such a request, or that its rule has left out.
    pub unfit: Vec<Name>,
    pub shadow: Option<ShadowView>,
    pub attempts: Vec<AttemptView>,
    /// "completed", "cancelled", "under way" or the kind of the failure that the caller was told.
    pub outcome: String,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    /// US dollars, where the prices are known.
    pub cost: Option<f64>,
    pub latency_ms: Option<f64>,
    pub first_token_ms: Option<f64>,
}

/// The request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub request_id: String,
    /// Counts the decisions since the gateway started, from 1.
    pub number: u64,
    pub at: u64,
    /// The name of the caller's key.
    pub caller: String,
    /// The public model's name.
    pub model: String,
    /// "chat" or "embeddings".
    pub operation: String,
    pub tags: Vec<String>,
    pub streaming: bool,
    /// Of the input, before anything was asked.
    pub estimated_tokens: u32,
}

/// A candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    pub vendor: String,
    pub account: String,
    /// The upstream model's name.
    pub model: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateView {
    #[serde(flatten)]
    pub name: Name,
    /// From 1; none was left out by the strategy.
    pub place: Option<usize>,
    /// The rule has put it before all others.
    pub preferred: bool,
    /// It could be asked at that moment.
    pub available: bool,
    /// By name; null is not known.
    pub facts: BTreeMap<String, Option<Fact>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    Number(f64),
    /// "unlimited"
    Word(String),
}

/// What another strategy would have done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShadowView {
    /// name@version
    pub strategy: String,
    /// None while it is not known.
    pub order: Option<Vec<Name>>,
    pub note: Option<String>,
    pub failed: Option<String>,
    /// The first that could be asked is the same.
    pub agreed: Option<bool>,
    /// All that could be asked come in the same order.
    pub same_order: Option<bool>,
    pub took_ms: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptView {
    #[serde(flatten)]
    pub name: Name,
    /// "completed", "under way", "cancelled" or the kind of its failure.
    pub outcome: String,
    /// None while it is under way.
    pub took_ms: Option<f64>,
}

// === impl Brief ===

impl Brief {
    pub fn of(decision: &Decision) -> Self {
        let course = decision.course();
        let name = |place: u32| Name::of(&decision.pool, place);
        let end = course.end.as_ref();
        Self {
            asked: Asked::of(decision),
            strategy: strategy(decision),
            failed: decision.made.failed.clone(),
            candidates: decision.given.offered.len(),
            first: decision.order().first().and_then(|first| name(*first)),
            attempts: course.attempts.len(),
            last: course.attempts.last().and_then(|last| name(last.candidate)),
            outcome: outcome(&course),
            latency_ms: end.map(|end| end.latency_ms),
            cost: end.and_then(|end| end.cost),
            shadow: decision.shadow.as_ref().map(|shadow| verdict(shadow).to_owned()),
        }
    }
}

fn strategy(decision: &Decision) -> String {
    let decider = decision.decider();
    decider.map_or(BUILT_IN, |decider| &decider.identity).to_owned()
}

fn outcome(course: &Course) -> String {
    let end = course.end.as_ref();
    end.map_or(UNDER_WAY, |end| &end.outcome).to_owned()
}

/// How a strategy in shadow compares, in a word.
pub(super) fn verdict(shadow: &Shadow) -> &'static str {
    match shadow.verdict() {
        None => UNDER_WAY,
        Some(verdict) if verdict.decided.is_err() => "failed",
        Some(verdict) if verdict.agreed => "agreed",
        Some(_) => "differed",
    }
}

// === impl Explained ===

impl Explained {
    pub fn of(decision: &Decision, now: u64) -> Self {
        let course = decision.course();
        let end = course.end.as_ref();
        let (made, pool) = (&decision.made, &*decision.pool);
        let offered = |place: &u32| decision.given.offered.contains(place);
        let attempts = course.attempts.iter().filter_map(|tried| {
            Some(AttemptView {
                name: Name::of(pool, tried.candidate)?,
                outcome: tried.outcome.clone(),
                took_ms: tried.took_ms,
            })
        });
        Self {
            now,
            asked: Asked::of(decision),
            strategy: strategy(decision),
            failed: made.failed.clone(),
            rule: made.rule,
            note: made.note.clone(),
            wanted: decision
                .decider()
                .map_or_else(Vec::new, |decider| decider.wants.clone()),
            candidates: candidates(decision),
            unfit: (0u32..)
                .take(pool.candidates.len())
                .filter(|place| !offered(place))
                .filter_map(|place| Name::of(pool, place))
                .collect(),
            shadow: decision
                .shadow
                .as_ref()
                .map(|shadow| ShadowView::of(pool, shadow)),
            attempts: attempts.collect(),
            outcome: outcome(&course),
            input_tokens: end.map(|end| end.input_tokens),
            output_tokens: end.map(|end| end.output_tokens),
            cost: end.and_then(|end| end.cost),
            latency_ms: end.map(|end| end.latency_ms),
            first_token_ms: end.and_then(|end| end.first_token_ms),
        }
    }
}

/// In the order in which they were to be tried, then those that were left out.
fn candidates(decision: &Decision) -> Vec<CandidateView> {
    let (given, pool) = (&decision.given, &decision.pool);
    let order = decision.order();
    let left_out = given.offered.iter().filter(|offered| !order.contains(offered));
    let all: Vec<u32> = order.iter().chain(left_out).copied().collect();
    let available = decision.askable(&all);
    let view = |(index, place): (usize, &u32)| {
        let row = given.offered.iter().position(|offered| offered == place)?;
        let facts = pool.facts.iter().zip(given.row(row));
        Some(CandidateView {
            name: Name::of(pool, *place)?,
            place: (index < order.len()).then_some(index + 1),
            preferred: decision.made.preferred.contains(place),
            available: available.contains(place),
            facts: facts
                .map(|(name, number)| ((*name).to_owned(), Fact::of(*number)))
                .collect(),
        })
    };
    all.iter().enumerate().filter_map(view).collect()
}

// === impl Asked ===

impl Asked {
    fn of(decision: &Decision) -> Self {
        let turn = &decision.given.turn;
        Self {
            request_id: decision.request_id.clone(),
            number: decision.number,
            at: turn.now,
            caller: turn.caller.clone(),
            model: turn.model.clone(),
            operation: turn.operation.as_str().to_owned(),
            tags: turn.tags.clone(),
            streaming: turn.streaming,
            estimated_tokens: turn.input_tokens,
        }
    }
}

// === impl Name ===

impl Name {
    /// Of the pool's candidate with this index.
    pub fn of(pool: &Pool, place: u32) -> Option<Self> {
        let member = pool.candidates.get(place as usize)?;
        Some(Self {
            vendor: member.vendor.clone(),
            account: member.account.clone(),
            model: member.model.clone(),
        })
    }
}

// === impl Fact ===

impl Fact {
    fn of(number: f64) -> Option<Self> {
        match number {
            number if number.is_finite() => Some(Self::Number(number)),
            f64::INFINITY => Some(Self::Word("unlimited".to_owned())),
            _ => None,
        }
    }
}

// === impl ShadowView ===

impl ShadowView {
    fn of(pool: &Pool, shadow: &Shadow) -> Self {
        let decider = pool.deciders.get(shadow.decider);
        let verdict = shadow.verdict();
        let decided = verdict.map(|verdict| &verdict.decided);
        let order = decided.and_then(|decided| decided.as_ref().ok());
        let agrees = verdict.filter(|verdict| verdict.decided.is_ok());
        let names = |order: &Vec<u32>| order.iter().filter_map(|place| Name::of(pool, *place)).collect();
        Self {
            strategy: decider.map_or_else(String::new, |decider| decider.identity.clone()),
            order: order.map(|(order, _)| names(order)),
            note: order.and_then(|(_, note)| note.clone()),
            failed: decided.and_then(|decided| decided.as_ref().err().cloned()),
            agreed: agrees.map(|verdict| verdict.agreed),
            same_order: agrees.map(|verdict| verdict.same_order),
            took_ms: verdict.map(|verdict| verdict.took.as_secs_f64() * 1e3),
        }
    }
}
