//! `drip_ms`: the body drips, one byte per write unless `split` says how many, with a pause before each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Effect, whole_millis};
use crate::reply::{Pieces, Reply};
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Drip(u64);

impl Rule {
    /// Waits this long, in whole milliseconds, before every byte of the body; before every piece of it
    /// with `split`.
    #[must_use]
    pub fn drip(mut self, pause: Duration) -> Self {
        self.then.drip_ms = Some(Drip(whole_millis(pause)));
        self
    }
}

impl Effect for Drip {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        let size = reply.pieces.map_or(1, |pieces| pieces.size);
        let pause = Duration::from_millis(self.0);
        reply.pieces = Some(Pieces { size, pause });
    }
}
