//! `cut_after`: the connection is closed after n tokens, in the middle of the body.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::{End, Reply};
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct CutAfter(usize);

impl Rule {
    /// Closes the connection after this many tokens, without a clean end.
    #[must_use]
    pub fn cut_after(mut self, tokens: usize) -> Self {
        self.then.cut_after = Some(CutAfter(tokens));
        self
    }
}

impl Effect for CutAfter {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        reply.end_after(self.0, End::Cut);
    }
}
