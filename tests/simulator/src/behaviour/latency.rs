//! `latency_ms`: the pause before the headers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Effect, whole_millis};
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Latency(u64);

impl Rule {
    /// Waits this long, in whole milliseconds, before the headers.
    #[must_use]
    pub fn latency(mut self, pause: Duration) -> Self {
        self.then.latency_ms = Some(Latency(whole_millis(pause)));
        self
    }
}

impl Effect for Latency {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        reply.latency = Duration::from_millis(self.0);
    }
}
