//! What is told of decisions: the latest, and one in full.

use std::sync::Arc;

use super::{Gateway, LookupError};
use crate::clock;
use crate::decision::told::{Brief, Decisions, Explained};
use crate::decision::{Decision, Wanted};

// === impl Gateway ===

impl Gateway {
    /// The latest that are wanted, in short.
    pub fn decisions(&self, wanted: &Wanted) -> Decisions {
        let journal = self.journal();
        let latest = journal.latest(wanted.limit(), |decision| wanted.fits(decision));
        Decisions {
            now: clock::unix_millis(),
            decisions: latest.iter().map(|decision| Brief::of(decision)).collect(),
        }
    }

    /// Why a request went where it went. `request_id`: all of it, or so much of its beginning that there is only one.
    pub fn explain(&self, request_id: &str) -> Result<Explained, LookupError> {
        let decision = self.find(request_id)?;
        Ok(Explained::of(&decision, clock::unix_millis()))
    }

    fn find(&self, request_id: &str) -> Result<Arc<Decision>, LookupError> {
        let journal = self.journal();
        if let Some(found) = journal.find(request_id) {
            return Ok(found);
        }
        let begins = |decision: &Decision| decision.request_id.starts_with(request_id);
        let mut found = journal.latest(2, |decision| !request_id.is_empty() && begins(decision));
        match (found.pop(), found.pop()) {
            (Some(found), None) => Ok(found),
            (Some(_), Some(_)) => Err(LookupError::Unknown(format!(
                "several requests begin with {request_id:?}; give more of the id"
            ))),
            (None, _) => {
                let keep = self.current().settings.decisions.keep;
                Err(LookupError::Unknown(format!(
                    "nothing is known of a request {request_id:?}: it was refused before there was anything to decide, \
                     or it is not among the last {keep} (decisions.keep), or another gateway served it"
                )))
            }
        }
    }
}
