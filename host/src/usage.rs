//! The record of one request: who asked for what, who served it, what it took. Written once, when the request
//! ends.
//!
//! Storage and statistics build on it; here it goes to the log and the metrics.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::chat::{ChatRequest, Operation, Used};
use crate::config::{BUILT_IN, Price};
use crate::decision::{Decision, End, Journal};
use crate::failure::Failure;
use crate::route::Candidate;
use crate::stream::Ending;
use crate::telemetry::RequestEnded;

/// What is known of a request so far. Dropped without an end, it counts as cancelled: the caller has left.
#[derive(Debug)]
pub struct Record {
    pub trail: Trail,
    pub operation: Operation,
    pub streaming: bool,
    pub caller: String,
    /// Whoever the caller acts for.
    pub end_user: Option<String>,
    /// The public model's name.
    pub public_model: String,
    pub used: Used,
    pub price: Price,
    /// From the request's arrival to the first token of its stream.
    pub first_token: Option<Duration>,
    /// What the request follows, and where it is kept.
    decision: Option<(Arc<Decision>, Arc<Journal>)>,
    /// When the attempt under way began.
    asked: Option<Instant>,
    started: Instant,
    ended: bool,
}

/// How a request was served, for the reply's headers and the log.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    pub request_id: String,
    /// name@version of the strategy that ranked.
    pub strategy: Option<String>,
    /// name@version of the adapter of the last attempt, and its candidate.
    pub adapter: Option<String>,
    pub vendor: Option<String>,
    pub account: Option<String>,
    /// The upstream model's name.
    pub model: Option<String>,
    pub attempts: u32,
}

// === impl Trail ===

impl Trail {
    /// By the name of the header that tells it.
    pub fn marks(&self) -> impl Iterator<Item = (&'static str, String)> {
        [
            ("x-request-id", Some(&self.request_id)),
            ("x-patchbay-strategy", self.strategy.as_ref()),
            ("x-patchbay-adapter", self.adapter.as_ref()),
            ("x-patchbay-vendor", self.vendor.as_ref()),
            ("x-patchbay-account", self.account.as_ref()),
            ("x-patchbay-model", self.model.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.clone())))
        .chain([("x-patchbay-attempts", self.attempts.to_string())])
    }
}

// === impl Record ===

impl Record {
    pub fn new(request_id: String, operation: Operation) -> Self {
        Self {
            trail: Trail {
                request_id,
                ..Trail::default()
            },
            operation,
            streaming: false,
            caller: String::new(),
            end_user: None,
            public_model: String::new(),
            used: Used::default(),
            price: Price::default(),
            first_token: None,
            decision: None,
            asked: None,
            started: Instant::now(),
            ended: false,
        }
    }

    /// What the request is.
    pub fn read(&mut self, request: &ChatRequest) {
        self.streaming = request.streaming;
        self.end_user.clone_from(&request.end_user);
        self.public_model.clone_from(&request.model);
    }

    /// It has been decided who is tried.
    pub fn follow(&mut self, decision: Arc<Decision>, journal: Arc<Journal>) {
        self.trail.strategy = Some(
            decision
                .decider()
                .map_or(BUILT_IN, |decider| &decider.identity)
                .to_owned(),
        );
        journal.keep(decision.clone());
        self.decision = Some((decision, journal));
    }

    /// What the request follows, until it has ended.
    pub fn decision(&self) -> Option<&Decision> {
        self.decision.as_ref().map(|(decision, _)| &**decision)
    }

    /// A candidate is asked, perhaps once more.
    pub fn asks(&mut self, candidate: &Candidate) {
        self.asked = Some(Instant::now());
        if let Some((decision, _)) = &self.decision {
            decision.asks(candidate.place);
        }
    }

    /// The attempt under way has failed.
    pub fn failed(&self, failure: &Failure) {
        self.came(failure.kind.as_str());
    }

    fn came(&self, outcome: &str) {
        if let Some(((decision, _), asked)) = self.decision.as_ref().zip(self.asked) {
            decision.came(outcome, asked.elapsed());
        }
    }

    /// Another candidate is tried.
    pub fn attempt(&mut self, candidate: &Candidate) {
        self.trail.attempts += 1;
        self.trail.adapter = candidate
            .way
            .as_ref()
            .map(|way| way.adapter.identity().to_owned());
        self.trail.vendor = Some(candidate.vendor.clone());
        self.trail.account = Some(candidate.account.clone());
        self.trail.model = Some(candidate.model.clone());
        self.price = candidate.price;
        self.used = Used::default();
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Writes the record. The first call counts, so that nothing ends twice.
    pub fn end(&mut self, ending: &Ending) {
        if !std::mem::replace(&mut self.ended, true) {
            RequestEnded { record: self, ending }.emit();
            self.conclude(ending.name());
        }
    }

    fn conclude(&mut self, outcome: &str) {
        self.came(outcome);
        if let Some((decision, journal)) = self.decision.take() {
            let tokens = &self.used.tokens;
            decision.ended(End {
                outcome: outcome.to_owned(),
                input_tokens: tokens.prompt(),
                output_tokens: tokens.completion(),
                cost: tokens.cost(&self.price),
                latency_ms: self.elapsed().as_secs_f64() * 1e3,
                first_token_ms: self.first_token.map(|time| time.as_secs_f64() * 1e3),
            });
            journal.ended(&decision);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.end(&Ending::Cancelled);
    }
}
