//! `endless`: a stream that says its last token for ever.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Endless(bool);

impl Rule {
    /// Repeats a stream's last token until the caller leaves, one every `interval`.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.then.endless = Some(Endless(true));
        self
    }
}

impl Effect for Endless {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        if self.0 {
            reply.repeat_last_token();
        }
    }
}
