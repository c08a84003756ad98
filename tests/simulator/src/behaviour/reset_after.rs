//! `reset_after`: the connection is reset after n tokens, in the middle of the body.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::{End, Reply};
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ResetAfter(usize);

impl Rule {
    /// Resets the connection (a TCP RST) after this many tokens.
    #[must_use]
    pub fn reset_after(mut self, tokens: usize) -> Self {
        self.then.reset_after = Some(ResetAfter(tokens));
        self
    }
}

impl Effect for ResetAfter {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        reply.end_after(self.0, End::Reset);
    }
}
