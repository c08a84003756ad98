//! `reset`: the connection is reset instead of the headers, or right behind them.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::{End, Reply};
use crate::rules::Rule;
use crate::vendors::Format;

/// Where a reset comes; `Rule::reset_after` has it come after some tokens.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// Not a byte of the reply is sent.
    BeforeHeaders,
    /// The headers are sent, and not a byte of the body.
    AfterHeaders,
}

impl Rule {
    /// Resets the connection (a TCP RST, where `cut_after` closes it).
    #[must_use]
    pub fn reset(mut self, at: Reset) -> Self {
        self.then.reset = Some(at);
        self
    }
}

impl Effect for Reset {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        match self {
            Self::BeforeHeaders => reply.headless = true,
            Self::AfterHeaders => {
                reply.events.clear();
                reply.refrain = None;
                reply.end = End::Reset;
            }
        }
    }
}
