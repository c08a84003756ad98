//! `end_after`: the body ends after n tokens the way HTTP wants it, but not the way the vendor does.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::{End, Reply};
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct EndAfter(usize);

impl Rule {
    /// Ends the body properly after this many tokens, without finish reason, usage and end mark.
    #[must_use]
    pub fn end_after(mut self, tokens: usize) -> Self {
        self.then.end_after = Some(EndAfter(tokens));
        self
    }
}

impl Effect for EndAfter {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        reply.end_after(self.0, End::Complete);
        if !reply.streamed {
            reply.length = reply.size();
        }
    }
}
