//! `body`: replaces the body, whatever it was, by a fixed one.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Effect;
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(from = "Value", into = "Value")]
pub(crate) struct FixedBody {
    wanted: Value,
    bytes: Bytes,
}

impl Rule {
    /// Answers with this body: a string as it is, anything else as JSON.
    #[must_use]
    pub fn body(mut self, body: impl Into<Value>) -> Self {
        self.then.body = Some(body.into().into());
        self
    }
}

impl From<Value> for FixedBody {
    fn from(wanted: Value) -> Self {
        let bytes = match &wanted {
            Value::String(text) => Bytes::copy_from_slice(text.as_bytes()),
            json => Bytes::from(json.to_string()),
        };
        Self { wanted, bytes }
    }
}

impl From<FixedBody> for Value {
    fn from(body: FixedBody) -> Self {
        body.wanted
    }
}

impl Effect for FixedBody {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        *reply = Reply::whole(reply.status, self.bytes.clone(), 1);
    }
}
