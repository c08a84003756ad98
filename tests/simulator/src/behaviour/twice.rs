//! `twice`: a part of a stream that comes twice.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::answer::{Draft, Part};
use crate::rules::Rule;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Twice(Part);

impl Rule {
    /// Says this part of a stream twice.
    #[must_use]
    pub fn twice(mut self, part: Part) -> Self {
        self.then.twice = Some(Twice(part));
        self
    }
}

impl Effect for Twice {
    fn shape(&self, draft: &mut Draft) {
        draft.twice = Some(self.0);
    }
}
