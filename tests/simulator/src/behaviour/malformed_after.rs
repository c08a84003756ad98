//! `malformed_after`: an event of broken JSON after n tokens, or a whole document damaged in its middle.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct MalformedAfter(usize);

/// What the extra event holds.
const BROKEN: &str = r#"{"this event":"ends in the middle of its"#;
/// No JSON text has it anywhere, in a string or not: RFC 8259, section 7.
const DAMAGE: u8 = 0;

impl Rule {
    /// Puts an event of broken JSON after this many tokens of a stream; damages a whole reply in its
    /// middle.
    #[must_use]
    pub fn malformed_after(mut self, tokens: usize) -> Self {
        self.then.malformed_after = Some(MalformedAfter(tokens));
        self
    }
}

impl Effect for MalformedAfter {
    fn alter(&self, reply: &mut Reply, format: &dyn Format) {
        reply.insert_after(self.0, format.event(BROKEN));
        if let ([whole], false) = (&reply.events[..], reply.streamed) {
            let mut body = whole.bytes.to_vec();
            let middle = body.len() / 2;
            if let Some(byte) = body.get_mut(middle) {
                *byte = DAMAGE;
            }
            reply.replace(body.into());
        }
    }
}
