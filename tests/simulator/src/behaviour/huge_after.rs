//! `huge_after`: one token of many bytes after n others.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::answer::{Draft, Huge};
use crate::rules::Rule;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HugeAfter {
    tokens: usize,
    bytes: usize,
}

impl Rule {
    /// Says one token of so many bytes after this many others, or after the last of them.
    #[must_use]
    pub fn huge_after(mut self, tokens: usize, bytes: usize) -> Self {
        self.then.huge_after = Some(HugeAfter { tokens, bytes });
        self
    }
}

impl Effect for HugeAfter {
    fn shape(&self, draft: &mut Draft) {
        draft.huge = Some(Huge {
            after: self.tokens,
            bytes: self.bytes,
        });
    }
}
