//! `interval_ms`: the pause before every token of a stream but the first.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Effect, whole_millis};
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Interval(u64);

impl Rule {
    /// Waits this long, in whole milliseconds, before every token of a stream but the first.
    #[must_use]
    pub fn interval(mut self, pause: Duration) -> Self {
        self.then.interval_ms = Some(Interval(whole_millis(pause)));
        self
    }
}

impl Effect for Interval {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        for event in reply.token_events().skip(1) {
            event.pause = Duration::from_millis(self.0);
        }
    }
}
