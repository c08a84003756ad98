//! `stall_after`: nothing comes after n tokens, and the connection stays open until the caller leaves.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::{End, Reply};
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct StallAfter(usize);

impl Rule {
    /// Falls silent after this many tokens, until the caller leaves.
    #[must_use]
    pub fn stall_after(mut self, tokens: usize) -> Self {
        self.then.stall_after = Some(StallAfter(tokens));
        self
    }
}

impl Effect for StallAfter {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        reply.end_after(self.0, End::Stall);
    }
}
