//! `reply`: what is said. The text is split and escaped when the rule is made, not per request.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::answer::{Draft, Wording};
use crate::rules::Rule;
use crate::text::Text;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(from = "Wanted", into = "Wanted")]
pub(crate) struct ReplyWith {
    wanted: Wanted,
    text: Arc<Text>,
}

/// The value in a rule: `{"tokens": 100}` or `{"text": "..."}`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Tokens(u16),
    Text(String),
}

impl Rule {
    /// Says this, word for word, whatever kind of answer is expected.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.then.reply = Some(Wanted::Text(text.into()).into());
        self
    }

    /// Says this many tokens wherever text is expected.
    #[must_use]
    pub fn tokens(mut self, count: u16) -> Self {
        self.then.reply = Some(Wanted::Tokens(count).into());
        self
    }
}

impl From<Wanted> for ReplyWith {
    fn from(wanted: Wanted) -> Self {
        let text = match &wanted {
            Wanted::Tokens(count) => Text::numbered(usize::from(*count)),
            Wanted::Text(text) => Text::words(text),
        };
        Self {
            wanted,
            text: Arc::new(text),
        }
    }
}

impl From<ReplyWith> for Wanted {
    fn from(reply: ReplyWith) -> Self {
        reply.wanted
    }
}

impl Effect for ReplyWith {
    fn shape(&self, draft: &mut Draft) {
        let text = Arc::clone(&self.text);
        draft.wording = match self.wanted {
            Wanted::Tokens(_) => Wording::Filler(text),
            Wanted::Text(_) => Wording::Fixed(text),
        };
    }
}
