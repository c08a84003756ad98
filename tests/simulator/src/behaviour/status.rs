//! `status`: the status of the reply, with the vendor's own error body from 400 on.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{ASKED_FOR, Effect};
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "u16", into = "u16")]
pub(crate) struct Status(StatusCode);

impl Rule {
    /// Answers with this status; from 400 on the vendor's usual error body replaces the reply.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.then.status = Some(Status(status));
        self
    }
}

impl TryFrom<u16> for Status {
    type Error = String;

    fn try_from(status: u16) -> Result<Self, String> {
        // Statuses below 200 announce another reply, which would never come.
        let status = StatusCode::from_u16(status)
            .ok()
            .filter(|status| !status.is_informational());
        status
            .map(Self)
            .ok_or_else(|| "the status of a reply is a number from 200 to 999".to_owned())
    }
}

impl From<Status> for u16 {
    fn from(status: Status) -> Self {
        status.0.as_u16()
    }
}

impl Effect for Status {
    fn alter(&self, reply: &mut Reply, format: &dyn Format) {
        if self.0.as_u16() >= 400 {
            *reply = Reply::whole(self.0, format.error(self.0, ASKED_FOR), 1);
        }
        reply.status = self.0;
    }
}
