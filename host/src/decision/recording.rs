//! The format of recordings: JSON lines, each an object with one member that says what the line is.
//!
//! The first line, the head, is `{"recording": {"version": 1}}`. A line `{"pool": ...}` comes before the first decision it
//! is for, a line `{"decision": ...}` when its request has ended, so not in the order in which decisions were made: that is
//! what their `number` is for. Numbers are written so that they are the same to the bit when they are read again.
//!
//! A gateway that starts goes on where the file ends, with another head: from there on pools and decisions are numbered
//! anew, and strategies remember nothing. What stands in front of a head or at the end may be cut off, as a crash or a
//! full disk leaves it; such a line does not count.

mod facts;
mod reading;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Decision, Pool};
use crate::chat::Operation;
use crate::plugin::{PoolMember, Turn};

pub use facts::Facts;
pub use reading::{Read, RecordingError, read};

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// One line. `D`: what is wanted of a decision.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line<D = Box<RecordedDecision>> {
    Recording(Head),
    Pool(RecordedPool),
    Decision(D),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Head {
    pub version: u32,
}

/// Who could be chosen, and who chose.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedPool {
    /// Decisions name it by this.
    pub number: u64,
    /// The public model's name.
    pub model: String,
    pub candidates: Vec<RecordedCandidate>,
    /// What the numbers of [`RecordedDecision::facts`] are.
    pub facts: Vec<String>,
    pub strategies: Vec<RecordedStrategy>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedCandidate {
    pub vendor: String,
    pub account: String,
    /// The upstream model's name.
    pub model: String,
    pub tags: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedStrategy {
    /// The plugin's name.
    pub name: String,
    /// name@version
    pub identity: String,
    /// A JSON object.
    pub settings: Box<RawValue>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedDecision {
    /// The order in which decisions were made.
    pub number: u64,
    pub request_id: String,
    /// Which pool it is about.
    pub pool: u64,
    /// "chat" or "embeddings".
    pub operation: String,
    /// The name of the caller's key.
    pub caller: String,
    pub tags: Vec<String>,
    pub streaming: bool,
    pub input_tokens: u32,
    pub sequence: u64,
    /// 64 bits, in 16 hexadecimal digits: more than a JSON number holds in many languages.
    pub entropy: String,
    /// Unix time in milliseconds.
    pub now: u64,
    /// Unix time in milliseconds.
    pub deadline: u64,
    /// Indices into the pool.
    pub offered: Vec<u32>,
    pub facts: Facts,
    /// What the strategy had remembered, in base64.
    pub state: String,
    /// Index into the pool's strategies; none is the gateway's own order.
    pub strategy: Option<usize>,
    /// Indices into the pool, best first.
    pub order: Vec<u32>,
    pub note: Option<String>,
    /// Why the strategy could not decide.
    pub failed: Option<String>,
    /// Which of the model's rules applied, from 1.
    pub rule: Option<usize>,
    /// Those that the rule has put before all others, whatever the order says.
    pub preferred: Vec<u32>,
    pub shadow: Option<RecordedShadow>,
    pub attempts: Vec<RecordedAttempt>,
    pub end: Option<RecordedEnd>,
}

/// A decision without effect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedShadow {
    /// Index into the pool's strategies.
    pub strategy: usize,
    pub order: Vec<u32>,
    pub note: Option<String>,
    pub failed: Option<String>,
    pub agreed: bool,
    pub same_order: bool,
    pub took_us: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedAttempt {
    /// Index into the pool.
    pub candidate: u32,
    pub outcome: String,
    pub took_ms: Option<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedEnd {
    pub outcome: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// US dollars.
    pub cost: Option<f64>,
    pub latency_ms: f64,
    pub first_token_ms: Option<f64>,
}

// === to the file ===

impl From<&Pool> for RecordedPool {
    fn from(pool: &Pool) -> Self {
        let candidates = pool.candidates.iter().map(|member| RecordedCandidate {
            vendor: member.vendor.clone(),
            account: member.account.clone(),
            model: member.model.clone(),
            tags: member.tags.clone(),
        });
        let strategies = pool.deciders.iter().map(|decider| RecordedStrategy {
            name: decider.strategy.clone(),
            identity: decider.identity.clone(),
            // They have been read from a configuration.
            settings: RawValue::from_string(decider.settings.clone())
                .unwrap_or_else(|_| RawValue::NULL.to_owned()),
        });
        Self {
            number: pool.number,
            model: pool.model.clone(),
            candidates: candidates.collect(),
            facts: pool.facts.iter().map(|name| (*name).to_owned()).collect(),
            strategies: strategies.collect(),
        }
    }
}

impl From<&Decision> for RecordedDecision {
    fn from(decision: &Decision) -> Self {
        let (given, made) = (&decision.given, &decision.made);
        let turn = &given.turn;
        let course = decision.course();
        Self {
            number: decision.number,
            request_id: decision.request_id.clone(),
            pool: decision.pool.number,
            operation: turn.operation.as_str().to_owned(),
            caller: turn.caller.clone(),
            tags: turn.tags.clone(),
            streaming: turn.streaming,
            input_tokens: turn.input_tokens,
            sequence: turn.sequence,
            entropy: format!("{:016x}", turn.entropy),
            now: turn.now,
            deadline: turn.deadline,
            offered: given.offered.clone(),
            facts: Facts(
                (0..given.offered.len())
                    .map(|row| given.row(row).to_vec())
                    .collect(),
            ),
            state: STANDARD.encode(made.state.as_slice()),
            strategy: made.decider,
            order: made.order.clone(),
            note: made.note.clone(),
            failed: made.failed.clone(),
            rule: made.rule,
            preferred: made.preferred.clone(),
            shadow: decision
                .shadow
                .as_ref()
                .and_then(|shadow| recorded_shadow(shadow)),
            attempts: course.attempts.into_iter().map(recorded_attempt).collect(),
            end: course.end.map(recorded_end),
        }
    }
}

fn recorded_shadow(shadow: &super::Shadow) -> Option<RecordedShadow> {
    let verdict = shadow.verdict()?;
    let (order, note, failed) = match &verdict.decided {
        Ok((order, note)) => (order.clone(), note.clone(), None),
        Err(why) => (Vec::new(), None, Some(why.clone())),
    };
    Some(RecordedShadow {
        strategy: shadow.decider,
        order,
        note,
        failed,
        agreed: verdict.agreed,
        same_order: verdict.same_order,
        took_us: u64::try_from(verdict.took.as_micros()).unwrap_or(u64::MAX),
    })
}

fn recorded_attempt(tried: super::Tried) -> RecordedAttempt {
    RecordedAttempt {
        candidate: tried.candidate,
        outcome: tried.outcome,
        took_ms: tried.took_ms,
    }
}

fn recorded_end(end: super::End) -> RecordedEnd {
    RecordedEnd {
        outcome: end.outcome,
        input_tokens: end.input_tokens,
        output_tokens: end.output_tokens,
        cost: end.cost,
        latency_ms: end.latency_ms,
        first_token_ms: end.first_token_ms,
    }
}

// === from the file ===

impl RecordedDecision {
    /// The request as its strategy was told of it. `model`: the public model's name.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn turn(&self, model: &str) -> Result<Turn, String> {
        let operation = Operation::named(&self.operation)
            .ok_or_else(|| format!("no operation is called {:?}", self.operation))?;
        Ok(Turn {
            operation,
            model: model.to_owned(),
            caller: self.caller.clone(),
            tags: self.tags.clone(),
            streaming: self.streaming,
            input_tokens: self.input_tokens,
            sequence: self.sequence,
            entropy: self.entropy()?,
            now: self.now,
            deadline: self.deadline,
        })
    }

    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn entropy(&self) -> Result<u64, String> {
        let digits = Some(&self.entropy)
            .filter(|digits| digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        digits
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or_else(|| format!("entropy {:?} is not 16 hexadecimal digits", self.entropy))
    }

    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn state(&self) -> Result<Vec<u8>, String> {
        STANDARD
            .decode(&self.state)
            .map_err(|error| format!("state: {error}"))
    }
}

impl From<&RecordedCandidate> for PoolMember {
    fn from(candidate: &RecordedCandidate) -> Self {
        Self {
            vendor: candidate.vendor.clone(),
            account: candidate.account.clone(),
            model: candidate.model.clone(),
            tags: candidate.tags.clone(),
        }
    }
}
