//! `split`: how many bytes of the body share one write, wherever that splits an event.

use std::num::NonZeroU16;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::{Pieces, Reply};
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Split(NonZeroU16);

impl Rule {
    /// Sends the body in writes of this many bytes, each its own chunk in a stream.
    #[must_use]
    pub fn split(mut self, bytes: NonZeroU16) -> Self {
        self.then.split = Some(Split(bytes));
        self
    }
}

impl Effect for Split {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        reply.pieces = Some(Pieces {
            size: usize::from(self.0.get()),
            pause: Duration::ZERO,
        });
    }
}
