//! `stream`: the answer is a stream, or is not, whatever the caller asked for.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::answer::Draft;
use crate::rules::Rule;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Stream(bool);

impl Rule {
    /// Answers with a stream, or with a whole reply, whatever the caller asked for.
    #[must_use]
    pub fn stream(mut self, stream: bool) -> Self {
        self.then.stream = Some(Stream(stream));
        self
    }
}

impl Effect for Stream {
    fn shape(&self, draft: &mut Draft) {
        draft.stream = self.0;
    }
}
