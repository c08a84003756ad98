//! A reply that is cut into events as it arrives.

use std::collections::VecDeque;
use std::time::Duration;

use crate::failure::Failure;
use crate::plugin::{Event, Framing};
use crate::upstream::{Framer, UpstreamReply};

/// How long the end of a reply may take after the stream in it was complete.
const TRAILING: Duration = Duration::from_millis(500);
/// How long what follows the answer may take: the usage, the end mark.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// The reply and what of it is not an event yet.
#[derive(Debug)]
pub(super) struct Events {
    reply: UpstreamReply,
    /// None once the reply is over.
    framer: Option<Framer>,
    /// Events at once.
    most: usize,
    /// Events that arrived together with more than that.
    waiting: VecDeque<Event>,
}

// === impl Events ===

impl Events {
    /// `most`: how many events may come at once.
    pub(super) fn new(reply: UpstreamReply, framing: Framing, most: usize) -> Self {
        Self {
            reply,
            framer: Framer::new(framing),
            most,
            waiting: VecDeque::new(),
        }
    }

    /// Events that arrived together, at least one; none at a proper end of the reply.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Event>>, Failure> {
        if !self.waiting.is_empty() {
            let count = self.waiting.len().min(self.most);
            return Ok(Some(self.waiting.drain(..count).collect()));
        }
        let mut events = Vec::new();
        while let Some(framer) = &mut self.framer {
            let framed = match self.reply.read().await? {
                Some(bytes) => framer.push(bytes, &mut events),
                None => self
                    .framer
                    .take()
                    .map_or(Ok(None), Framer::end)
                    .map(|last| events.extend(last)),
            };
            framed.map_err(|error| Failure::malformed(error.to_string()))?;
            if events.len() > self.most {
                self.waiting.extend(events.drain(self.most..));
            }
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
        Ok(None)
    }

    /// The same, where the answer itself is there: a reply that breaks off or falls silent now has come to its end.
    pub(super) async fn next_soon(&mut self) -> Result<Option<Vec<Event>>, Failure> {
        match tokio::time::timeout(AFTERWARDS, self.next()).await {
            Ok(Ok(events)) => Ok(events),
            Ok(Err(_)) | Err(_) => {
                self.framer = None;
                Ok(None)
            }
        }
    }

    /// The stream in the reply is complete, the reply itself perhaps not quite: reads on to its end beside the
    /// request, because a connection whose reply was not read to the end cannot be used again.
    pub(super) fn finish(mut self) {
        tokio::spawn(async move {
            let rest = async { while let Ok(Some(_)) = self.reply.read().await {} };
            let _ = tokio::time::timeout(TRAILING, rest).await;
        });
    }
}
