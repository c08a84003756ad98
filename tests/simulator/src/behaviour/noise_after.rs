//! `noise_after`: an event that is not JSON at all, after n tokens of a stream.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct NoiseAfter(usize);

const NOISE: &str = "ping";

impl Rule {
    /// Puts an event that is not JSON after this many tokens of a stream; whole replies stay as they are.
    #[must_use]
    pub fn noise_after(mut self, tokens: usize) -> Self {
        self.then.noise_after = Some(NoiseAfter(tokens));
        self
    }
}

impl Effect for NoiseAfter {
    fn alter(&self, reply: &mut Reply, format: &dyn Format) {
        reply.insert_after(self.0, format.event(NOISE));
    }
}
