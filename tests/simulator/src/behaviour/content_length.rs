//! `content_length`: the headers name a length that is not the one of the body.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::{End, Reply};
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ContentLength(i64);

impl Rule {
    /// Announces so many bytes more, or fewer if negative, than the body has.
    #[must_use]
    pub fn content_length(mut self, difference: i64) -> Self {
        self.then.content_length = Some(ContentLength(difference));
        self
    }
}

impl Effect for ContentLength {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        let Some(size) = reply.length.or(reply.size()) else {
            return; // it never ends
        };
        let announced = size.saturating_add_signed(self.0);
        reply.length = Some(size.max(announced));
        if announced < size {
            reply.claimed = Some(announced);
        } else if announced > size && reply.end == End::Complete {
            reply.end = End::Cut;
        }
    }
}
