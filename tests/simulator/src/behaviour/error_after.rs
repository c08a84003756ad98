//! `error_after`: the vendor reports an error after n tokens of a reply whose status said that all is well.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{ASKED_FOR, Effect};
use crate::reply::{End, Event, Reply};
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ErrorAfter(usize);

impl Rule {
    /// Reports an error after this many tokens of a stream and ends it there; a whole reply is an error
    /// object, with the status that the reply has.
    #[must_use]
    pub fn error_after(mut self, tokens: usize) -> Self {
        self.then.error_after = Some(ErrorAfter(tokens));
        self
    }
}

impl Effect for ErrorAfter {
    fn alter(&self, reply: &mut Reply, format: &dyn Format) {
        if reply.streamed {
            reply.end_after(self.0, End::Complete);
            reply.events.push(Event::new(format.error_event(ASKED_FOR), 0));
        } else {
            reply.replace(format.error(StatusCode::INTERNAL_SERVER_ERROR, ASKED_FOR));
        }
    }
}
