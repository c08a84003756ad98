//! `first_token_ms`: the pause before a stream's first token.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Effect, whole_millis};
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct FirstToken(u64);

impl Rule {
    /// Waits this long, in whole milliseconds, before a stream's first token.
    #[must_use]
    pub fn first_token(mut self, pause: Duration) -> Self {
        self.then.first_token_ms = Some(FirstToken(whole_millis(pause)));
        self
    }
}

impl Effect for FirstToken {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        if let Some(first) = reply.token_events().next() {
            first.pause = Duration::from_millis(self.0);
        }
    }
}
