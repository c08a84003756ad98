//! One account together with one of its models, ready to be tried.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chat::{ChatRequest, Operation};
use crate::config::{Capabilities, Price, Secret};
use crate::pipeline::PROBE;
use crate::plugin::{Adapter, Target};
use crate::pool::{CandidateState, Need};

/// Everything an attempt needs. Built once per generation; live numbers are in `state`.
#[derive(Debug)]
pub struct Candidate {
    /// Its index among the candidates of its public model.
    pub place: u32,
    pub vendor: String,
    pub account: String,
    /// The upstream model's name.
    pub model: String,
    pub tags: Vec<String>,
    pub capabilities: Capabilities,
    /// In tokens.
    pub context_length: Option<u32>,
    /// In tokens.
    pub max_output_tokens: Option<u32>,
    /// Members set in a request that does not hold them, as JSON by name.
    pub parameters: BTreeMap<String, String>,
    pub price: Price,
    pub weight: f64,
    pub priority: i64,
    pub credentials: Arc<BTreeMap<String, Secret>>,
    /// Tells them apart (see [`crate::pool::number_of`]).
    pub fingerprint: u64,
    /// The adapter and what it knows of this candidate; none while `unavailable` says why.
    pub way: Option<Way>,
    /// Why it cannot be tried at all until the configuration or a plugin changes.
    pub unavailable: Option<String>,
    pub state: Arc<CandidateState>,
}

/// How a candidate is reached.
#[derive(Debug, Clone)]
pub struct Way {
    pub adapter: Arc<Adapter>,
    pub target: Arc<Target>,
}

// === impl Way ===

impl Way {
    /// Whether the adapter knows how to find out about an account.
    pub fn can_be_probed(&self) -> bool {
        self.adapter.supports(PROBE)
    }
}

// === impl Candidate ===

impl Candidate {
    pub fn is_available(&self) -> bool {
        self.unavailable.is_none()
    }

    /// Which loaded plugin speaks for it; 0 is none.
    pub fn plugin(&self) -> u64 {
        self.way.as_ref().map_or(0, |way| way.adapter.number())
    }

    /// Whether it can be asked this moment: there is a way to it, it is not left alone, and it has room.
    pub(super) fn can_be_asked(&self) -> bool {
        self.is_available() && !self.state.is_held() && self.state.has_room()
    }

    /// What an attempt to serve this request is going to use, by estimate. What the caller leaves out of the request may
    /// stand in the model's parameters.
    pub fn need(&self, request: &ChatRequest) -> Need {
        let choices = u64::from(request.choices);
        let own = ["max_completion_tokens", "max_tokens"]
            .into_iter()
            .find_map(|name| self.parameters.get(name)?.parse::<u32>().ok());
        let named = match request.operation {
            Operation::Chat => request.max_output.or(own).map(u64::from),
            Operation::Embeddings => Some(0),
        };
        let all = |tokens: u64| tokens.saturating_mul(choices);
        Need {
            input: u64::from(request.input_tokens),
            output: named.map(all),
            most_output: self.max_output_tokens.map(u64::from).map(all),
            price: self.price,
            credentials: self.fingerprint,
        }
    }

    /// Whether the model can do this by the configuration, and its adapter by its own description.
    fn serves(&self, operation: Operation) -> bool {
        let model = match operation {
            Operation::Chat => self.capabilities.chat,
            Operation::Embeddings => self.capabilities.embeddings,
        };
        model
            && self
                .way
                .as_ref()
                .is_none_or(|way| way.adapter.supports(operation.as_str()))
    }

    /// What this candidate lacks for a request, in words that complete "cannot serve ...". Only a text that is too long
    /// by a fifth at least is refused unseen, since its length is an estimate and the vendor knows better.
    pub(super) fn obstacle(&self, request: &ChatRequest) -> Option<String> {
        let can = self.capabilities;
        let too_long = self
            .context_length
            .filter(|length| request.text_tokens / 5 * 4 > *length);
        if !self.serves(request.operation) {
            Some(request.operation.as_str().to_owned())
        } else if request.streaming && !can.streaming {
            Some("streams".to_owned())
        } else if request.needs.tools && !can.tools {
            Some("tools".to_owned())
        } else if request.needs.vision && !can.vision {
            Some("images".to_owned())
        } else {
            too_long.map(|length| format!("about {} tokens in a context of {length}", request.text_tokens))
        }
    }
}
