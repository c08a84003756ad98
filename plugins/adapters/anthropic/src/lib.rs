//! The adapter for Anthropic's Messages API, which is not the canonical dialect: requests and answers are
//! translated, whole and streamed.
//!
//! An account has the credential `api_key`, or `auth_token` for a token that goes into the header
//! `authorization`. A plugin cannot see which: both headers are asked for, and the host leaves out the one
//! that the account has no field for.
//!
//! What a model thinks is canonical `reasoning_content`. It comes again, with its signature, in
//! `thinking_blocks`, as the vendor made it: a caller that sends this member back with the assistant's
//! message lets the model go on from its thoughts. In a stream each block comes in one piece, once it is
//! complete.

mod answer;
mod errors;
mod messages;
mod models;
mod parts;
mod request;
mod sampling;
mod settings;
mod stream;
mod thinking;
mod tools;
mod wire;

use patchbay_sdk::adapter::{
    Adapter, Call, CredentialField, Description, Exchange, Failure, Input, Millis, Payload, Progress, Reply,
    Request, Target,
};
use patchbay_sdk::words::Operation;

use settings::Settings;
use stream::Stream;

#[derive(Debug)]
pub struct Anthropic;

/// What the reply under way is to become.
#[derive(Debug)]
pub enum Attempt {
    /// One answer, made at this time (Unix, in seconds).
    Whole {
        created: u64,
    },
    Streamed(Box<Stream>),
    /// A list of models.
    Models,
}

impl Adapter for Anthropic {
    type Exchange = Attempt;

    fn describe() -> Description {
        Description::new("anthropic", env!("CARGO_PKG_VERSION"))
            .operations([Operation::Chat, Operation::Models, Operation::Probe])
            .endpoint("api", Some("https://api.anthropic.com/v1"))
            .credential(
                CredentialField::secret("api_key", "https://console.anthropic.com/settings/keys").optional(),
            )
            .credential(
                CredentialField::secret("auth_token", "an OAuth token, in place of an api_key").optional(),
            )
            .settings_schema(settings::SCHEMA)
            .reply_headers(errors::headers().iter().map(String::as_str))
            .features(
                r#"{"streaming": true, "tools": true, "vision": true, "structured-output": true, "documents": true, "reasoning": true}"#,
            )
    }
}

impl Exchange for Attempt {
    fn start(call: &Call, target: &Target, payload: &Payload<'_>) -> Result<(Self, Progress), Failure> {
        let settings: Settings = target.settings()?;
        let (attempt, request, warnings) = match call.operation() {
            Operation::Chat => {
                let draft = request::translate(call, &settings, target.model_settings()?, payload.read()?)?;
                let request = Request::post("/messages").json(&draft.body);
                let created = call.now / 1000;
                if call.streaming {
                    let stream = Stream::new(created, &call.model, &call.request_id);
                    (Self::Streamed(Box::new(stream)), request.sse(), draft.warnings)
                } else {
                    (Self::Whole { created }, request, draft.warnings)
                }
            }
            // The vendor's longest page: all there are.
            Operation::Models => (Self::Models, Request::get("/models?limit=1000"), Vec::new()),
            // Free, and proves the key.
            Operation::Probe => (Self::Models, Request::get("/models?limit=1"), Vec::new()),
            operation @ (Operation::Embeddings | Operation::Other(_)) => {
                return Err(Failure::not_supported(operation.as_str()));
            }
        };
        let mut progress = Progress::send(addressed(request, &settings));
        progress.warnings = warnings;
        Ok((attempt, progress))
    }

    fn advance(&mut self, now: Millis, input: Input) -> Progress {
        match (input, self) {
            (Input::Head(head), _) => Progress::more().limits(errors::limits(&head, now)),
            (Input::Reply(reply), attempt) => {
                let limits = errors::limits(&reply.head, now);
                attempt.read(&reply, now).limits(limits)
            }
            (Input::Events(events), Self::Streamed(stream)) => stream.read(&events),
            (Input::End, Self::Streamed(stream)) => stream.end(),
            (Input::Events(_) | Input::End | Input::Fetched(_) | Input::Pull, _) => {
                Failure::not_supported("what it did not ask for").into()
            }
        }
    }
}

impl Attempt {
    /// A reply that is not cut into events: a whole answer, also to a call that streams, or a failure.
    fn read(&self, reply: &Reply, now: Millis) -> Progress {
        let answer = reply.head.is_success().then(|| match self {
            Self::Whole { created } => answer::whole(&reply.body, *created),
            Self::Streamed(stream) => answer::in_chunks(&reply.body, stream.created()),
            Self::Models => models::list(&reply.body),
        });
        answer
            .flatten()
            .unwrap_or_else(|| errors::of_reply(reply, now).into())
    }
}

/// Everything about the request that is the same for all operations.
fn addressed(request: Request, settings: &Settings) -> Request {
    let request = request.header("anthropic-version", &settings.anthropic_version);
    let request = match &settings.anthropic_beta {
        Some(beta) => request.header("anthropic-beta", beta),
        None => request,
    };
    request
        .credential_header("x-api-key", "", "api_key")
        .bearer("auth_token")
}

patchbay_sdk::export_adapter!(Anthropic);

#[cfg(test)]
mod tests;
