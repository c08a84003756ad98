//! One probe: the adapter finds out whether an account is served, with nobody waiting for an answer.
//!
//! Asks the vendor for nothing that costs anything, tries nobody else and never again.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::conversation::Conversation;
use crate::chat::Document;
use crate::clock;
use crate::config::Secret;
use crate::failure::{Failure, Kind, Scope};
use crate::plugin::{Call, Input, Next};
use crate::route::Way;
use crate::upstream::{Upstream, compose};

/// What the adapter calls it.
pub const PROBE: &str = "probe";
/// What servers say that serve chats but do not know what is probed with, such as a list of models: nothing about the
/// account.
const ABSENT: [u16; 3] = [404, 405, 501];
/// Requests that one probe may send.
const REQUESTS: u32 = 10;

/// What is probed.
#[derive(Debug)]
pub struct Probe<'a> {
    pub way: &'a Way,
    /// The vendor's name of the model that stands for the account.
    pub model: &'a str,
    pub credentials: &'a BTreeMap<String, Secret>,
    pub upstream: &'a Upstream,
    /// For all of it.
    pub longest: Duration,
}

// === impl Probe ===

impl Probe<'_> {
    /// # Errors
    ///
    /// What is wrong with the account, or on the way to it; of kind `not_supported` where the adapter knows no probe.
    pub async fn make(&self) -> Result<(), Failure> {
        if !self.way.adapter.supports(PROBE) {
            let message = format!("the adapter {} knows no probe", self.way.adapter.identity());
            return Err(Failure::new(Kind::NotSupported, Scope::Endpoint, message));
        }
        let asked = timeout(self.longest, self.ask()).await;
        let found = asked.unwrap_or_else(|_| {
            let seconds = self.longest.as_secs_f64();
            let message = format!("no answer to a probe within {seconds} s (health.timeout)");
            Err(Failure::new(Kind::Timeout, Scope::Endpoint, message))
        });
        // Some vendors repeat the key that they refuse.
        found.map_err(|failure| failure.without(self.credentials.values()))
    }

    async fn ask(&self) -> Result<(), Failure> {
        let payload = Document::parse(Bytes::from_static(b"{}"))
            .map_err(|error| Failure::malformed(error.to_string()))?;
        let (mut adapter, progress) =
            Conversation::begin(self.way, &self.call(), payload.bytes().clone()).await?;
        let mut next = progress.next;
        for _ in 0..REQUESTS {
            let request = match next {
                Next::Send(request) => *request,
                Next::Done => return Ok(()),
                Next::Failed(failure) => return Err(failure),
                Next::More | Next::Pull => return Err(adapter.broke("neither ends a probe nor sends for it")),
            };
            let canonical = request.canonical;
            let request = compose(adapter.complete(request)?, &payload, self.credentials)?;
            let mut reply = self.upstream.send(request, None).await?;
            if canonical && reply.is_success() {
                return Ok(());
            }
            let head = reply.head();
            if ABSENT.contains(&head.status) {
                let message = format!("the server answers a probe with status {}", head.status);
                return Err(Failure::new(Kind::NotSupported, Scope::Endpoint, message));
            }
            let body = reply.read_whole(None).await?;
            next = adapter.advance(Input::Reply { head, body }).await?.next;
        }
        Err(adapter.broke(format!("sends more than {REQUESTS} requests for a probe")))
    }

    fn call(&self) -> Call {
        let now = clock::unix_millis();
        let longest = u64::try_from(self.longest.as_millis()).unwrap_or(u64::MAX);
        Call {
            operation: PROBE,
            model: self.model.to_owned(),
            streaming: false,
            request_id: format!("probe_{:016x}", clock::entropy()),
            attempt: 1,
            now,
            deadline: now.saturating_add(longest),
            entropy: clock::entropy(),
        }
    }
}
