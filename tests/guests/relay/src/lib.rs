//! An adapter that reads every event of its vendor instead of letting it pass, and stamps its own version into
//! whole answers and into the first and the last chunk of a stream. The version is a placeholder of fixed length,
//! so that a test makes another version of the component by replacing bytes.

use patchbay_sdk::adapter::{
    Adapter, Call, Chunk, CredentialField, Description, Event, Exchange, Failure, Input, Millis, Payload,
    Progress, Request, Target,
};
use patchbay_sdk::canonical::Usage;
use patchbay_sdk::classify;
use patchbay_sdk::words::Operation;
use serde::Deserialize;
use serde::de::IgnoredAny;

static VERSION: &str = "version-placeholder-of-fixed-length-relay";

struct Relay;

#[derive(Default)]
struct Attempt {
    begun: bool,
}

#[derive(Deserialize)]
struct Peek {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Delta,
    finish_reason: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
}

/// Read through memory, or the optimiser would spread the text over instructions.
fn version() -> String {
    std::hint::black_box(VERSION).to_owned()
}

impl Adapter for Relay {
    type Exchange = Attempt;

    fn describe() -> Description {
        Description::new("relay", &version())
            .operations([Operation::Chat])
            .endpoint("api", None)
            .credential(CredentialField::secret("api_key", "any").optional())
            .reply_headers(classify::HEADERS)
    }
}

impl Exchange for Attempt {
    fn start(call: &Call, _: &Target, _: &Payload<'_>) -> Result<(Self, Progress), Failure> {
        let request = Request::post("/chat/completions")
            .json_unchanged()
            .bearer("api_key");
        let request = if call.streaming { request.sse() } else { request };
        Ok((Self::default(), Progress::send(request)))
    }

    fn advance(&mut self, now: Millis, input: Input) -> Progress {
        match input {
            Input::Reply(reply) if reply.head.is_success() => Progress::done().chunk(Chunk {
                data: stamped(&reply.body),
                token: true,
            }),
            Input::Reply(reply) => classify::error_reply(&reply, now, &[]).into(),
            Input::Events(events) => self.relay(&events).unwrap_or_else(Progress::failed),
            Input::Head(_) => Progress::more(),
            Input::End => Progress::done(),
            Input::Fetched(_) | Input::Pull => Failure::not_supported("what it did not ask for").into(),
        }
    }
}

impl Attempt {
    fn relay(&mut self, events: &[Event]) -> Result<Progress, Failure> {
        let mut progress = Progress::more();
        for event in events.iter().filter(|event| !event.is_done()) {
            let peek: Peek = event.json()?;
            let last = peek.choices.iter().any(|choice| choice.finish_reason.is_some());
            let says = |choice: &Choice| choice.delta.content.as_ref().is_some_and(|text| !text.is_empty());
            let token = peek.choices.iter().any(says);
            let first = !std::mem::replace(&mut self.begun, true);
            let data = if first || last {
                stamped(&event.data)
            } else {
                event.data.clone()
            };
            progress = progress.chunk(Chunk { data, token });
            if let Some(usage) = peek.usage {
                progress = progress.counts(usage.counts());
            }
        }
        Ok(progress)
    }
}

/// The same object with the version as its first member.
fn stamped(object: &[u8]) -> Vec<u8> {
    let rest = object.strip_prefix(b"{").unwrap_or(object);
    [format!("{{\"stamp\":\"{}\",", version()).as_bytes(), rest].concat()
}

patchbay_sdk::export_adapter!(Relay);
