//! `coalesce`: how many of a stream's events share one write.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Coalesce(NonZeroU16);

impl Rule {
    /// Puts this many of a stream's events into one write.
    #[must_use]
    pub fn coalesce(mut self, events: NonZeroU16) -> Self {
        self.then.coalesce = Some(Coalesce(events));
        self
    }
}

impl Effect for Coalesce {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        reply.coalesce(usize::from(self.0.get()));
    }
}
