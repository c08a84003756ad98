//! `omit`: parts of a reply that are left out.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::answer::{Draft, Part};
use crate::rules::Rule;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Omit(Vec<Part>);

impl Rule {
    /// Leaves these parts out.
    #[must_use]
    pub fn omit(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.then.omit = Some(Omit(parts.into_iter().collect()));
        self
    }
}

impl Effect for Omit {
    fn shape(&self, draft: &mut Draft) {
        draft.omitted.clone_from(&self.0);
    }
}
