//! `never`: the request is taken and not answered, until the caller leaves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Never(bool);

impl Rule {
    /// Never answers, not even with headers.
    #[must_use]
    pub fn never(mut self) -> Self {
        self.then.never = Some(Never(true));
        self
    }
}

impl Effect for Never {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        if self.0 {
            reply.latency = Duration::MAX;
        }
    }
}
