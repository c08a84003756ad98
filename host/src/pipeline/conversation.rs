//! The adapter's side of an attempt: an exchange that is let go while the host can do without it, and begun anew
//! when it is needed again.
//!
//! A canonical success needs no guest, so its instance serves the next request meanwhile. Only an exchange that
//! has been told nothing yet can be let go: begun anew with the same arguments, it stands where it stood.

use std::sync::Arc;

use bytes::Bytes;

use crate::chat::Edit;
use crate::clock;
use crate::failure::{Failure, Kind, Scope};
use crate::plugin::{
    Body, Call, Exchange, ExchangeError, Head, Input, Outgoing, Payload, PluginError, Problem, Progress,
    TooLong,
};
use crate::route::Way;
use crate::telemetry::PluginFailed;

#[derive(Debug)]
pub(super) struct Conversation {
    way: Way,
    call: Call,
    payload: Arc<Payload>,
    /// None while it is let go.
    exchange: Option<Exchange>,
    /// The exchange knows something that its start did not tell it.
    advanced: bool,
    /// It has been called since it was started.
    told: bool,
}

// === impl Conversation ===

impl Conversation {
    pub(super) async fn begin(way: &Way, call: &Call, payload: Bytes) -> Result<(Self, Progress), Failure> {
        let payload = Arc::new(Payload::new(payload));
        let (exchange, progress) = start(way, call, &payload).await?;
        let (way, call) = (way.clone(), call.clone());
        Ok((
            Self {
                way,
                call,
                payload,
                exchange: Some(exchange),
                advanced: false,
                told: false,
            },
            progress,
        ))
    }

    /// Gives the instance back, if the exchange can be begun anew.
    pub(super) fn let_go(&mut self) {
        if !self.advanced {
            self.exchange = None;
        }
    }

    /// Tells the exchange what happened.
    pub(super) async fn advance(&mut self, input: Input) -> Result<Progress, Failure> {
        self.advanced = true;
        self.tell(input).await
    }

    /// Shows the exchange the head of a canonical success: nothing that it would have to be told again.
    pub(super) async fn show(&mut self, head: Head) -> Result<Progress, Failure> {
        self.tell(Input::Head(head)).await
    }

    async fn tell(&mut self, input: Input) -> Result<Progress, Failure> {
        self.told = true;
        let exchange = match &mut self.exchange {
            Some(exchange) => exchange,
            none => {
                // What it asks for has been done already.
                let (exchange, _) = start(&self.way, &self.call, &self.payload).await?;
                none.insert(exchange)
            }
        };
        let advanced = exchange.advance(clock::unix_millis(), input).await;
        advanced.map_err(|error| plugin_failure(&self.way, &error))
    }

    /// How many events the adapter is handed at once.
    pub(super) fn most_events(&self) -> usize {
        self.way.adapter.most_events()
    }

    /// Puts the caller's own base64 back where its markers stand in what leaves.
    pub(super) fn complete(&self, mut request: Outgoing) -> Result<Outgoing, Failure> {
        let most = self.way.adapter.longest_body();
        let restore = |bytes: Bytes| self.payload.restore(bytes, most);
        let restored = match request.body {
            Body::Bytes(bytes) => restore(bytes).map(Body::Bytes),
            Body::Edited(edits) => edits
                .into_iter()
                .map(|edit| {
                    let value = edit.value.map(|value| restore(value.into())).transpose()?;
                    Ok(Edit {
                        value: value.map(Vec::from),
                        ..edit
                    })
                })
                .collect::<Result<_, _>>()
                .map(Body::Edited),
            same @ (Body::Unchanged | Body::Empty) => Ok(same),
        };
        match restored {
            Ok(body) => {
                request.body = body;
                Ok(request)
            }
            Err(TooLong) => Err(plugin_failure(
                &self.way,
                &self.way.adapter.overfilled(self.function()),
            )),
        }
    }

    fn function(&self) -> &'static str {
        if self.told {
            "exchange.advance"
        } else {
            "exchange.start"
        }
    }

    /// The adapter did what the contract does not allow at this point.
    pub(super) fn broke(&self, what: impl Into<String>) -> Failure {
        plugin_failure(&self.way, &self.way.adapter.broke(self.function(), what))
    }
}

async fn start(way: &Way, call: &Call, payload: &Arc<Payload>) -> Result<(Exchange, Progress), Failure> {
    let started = way.adapter.start(call, &way.target, payload.clone()).await;
    started.map_err(|error| match error {
        ExchangeError::Failed(failure) => failure,
        ExchangeError::Plugin(error) => plugin_failure(way, &error),
    })
}

/// Logs and counts a failed plugin call; the caller learns that it was the plugin, not what it said.
fn plugin_failure(way: &Way, error: &PluginError) -> Failure {
    PluginFailed { error }.emit();
    way.adapter.erred(error);
    match &error.problem {
        Problem::NotSupported(what) => {
            let message = format!("the adapter needs {what}, which this gateway does not support");
            Failure::new(Kind::NotSupported, Scope::Candidate, message)
        }
        // Nobody is at fault, and a candidate with another adapter might have room.
        problem if problem.is_shortage() => {
            let message = format!(
                "plugin {} has no room for another call; try again shortly",
                error.plugin
            );
            let retry_after = Some(std::time::Duration::from_secs(1));
            Failure {
                retry_after,
                ..Failure::new(Kind::Overloaded, Scope::Candidate, message)
            }
        }
        Problem::Exceeded { .. }
        | Problem::Trapped { .. }
        | Problem::Broke(_)
        | Problem::Denied(_)
        | Problem::Lost
        | Problem::Refused(_) => Failure::new(
            Kind::Plugin,
            Scope::Candidate,
            format!("plugin {} failed", error.plugin),
        ),
    }
}
