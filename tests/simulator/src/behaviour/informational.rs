//! `informational`: heads with statuses below 200 that come before the reply.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "Vec<u16>", into = "Vec<u16>")]
pub(crate) struct Informational(Vec<StatusCode>);

impl Rule {
    /// Sends the heads of these statuses at once, before `latency` and the reply; 100 to 199, but not
    /// 101, after which the caller would not expect HTTP. Others are left out.
    #[must_use]
    pub fn informational(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        let statuses = statuses.into_iter().filter(may_precede).collect();
        self.then.informational = Some(Informational(statuses));
        self
    }
}

fn may_precede(status: &StatusCode) -> bool {
    status.is_informational() && *status != StatusCode::SWITCHING_PROTOCOLS
}

impl TryFrom<Vec<u16>> for Informational {
    type Error = String;

    fn try_from(statuses: Vec<u16>) -> Result<Self, String> {
        let status = |status| StatusCode::from_u16(status).ok().filter(may_precede);
        let statuses: Option<_> = statuses.into_iter().map(status).collect();
        statuses
            .map(Self)
            .ok_or_else(|| "informational statuses are numbers from 100 to 199, but not 101".to_owned())
    }
}

impl From<Informational> for Vec<u16> {
    fn from(informational: Informational) -> Self {
        informational.0.iter().map(StatusCode::as_u16).collect()
    }
}

impl Effect for Informational {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        reply.informational.clone_from(&self.0);
    }
}
