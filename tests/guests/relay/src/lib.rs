//! An adapter that reads every event of its vendor instead of letting it pass, and stamps its own version into
//! whole answers and into the first and the last chunk of a stream. The version is a placeholder of fixed length,
//! so that a test makes another version of the component by replacing bytes. Versions that begin with `bad-` are bad
//! in the way that follows: see [`Badness`].

use patchbay_sdk::adapter::{
    Adapter, Call, Chunk, CredentialField, Description, Event, Exchange, Failure, Input, Millis, Payload,
    Progress, Request, Target,
};
use patchbay_sdk::canonical::{ChatRequest, Usage};
use patchbay_sdk::classify;
use patchbay_sdk::words::{FailureKind, Operation};
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

/// What is wrong with a version, by the beginning of its name.
#[derive(PartialEq)]
enum Badness {
    None,
    /// `bad-trial`: cannot carry out any exchange.
    Always,
    /// `bad-traps`: traps at requests that speak of the unlucky.
    Traps,
    /// `bad-fails`: fails such requests, in the words of the contract.
    Fails,
    /// `bad-keys`: takes every key for a bad one, whatever the vendor replies.
    Keys,
    /// `bad-settings`: needs a setting that nobody has.
    Settings,
}

/// Read through memory, or the optimiser would spread the text over instructions.
fn version() -> String {
    std::hint::black_box(VERSION).to_owned()
}

fn badness() -> Badness {
    match version().split('_').next() {
        Some("bad-trial") => Badness::Always,
        Some("bad-traps") => Badness::Traps,
        Some("bad-fails") => Badness::Fails,
        Some("bad-keys") => Badness::Keys,
        Some("bad-settings") => Badness::Settings,
        _ => Badness::None,
    }
}

impl Adapter for Relay {
    type Exchange = Attempt;

    fn describe() -> Description {
        let description = Description::new("relay", &version())
            .operations([Operation::Chat])
            .endpoint("api", None)
            .credential(CredentialField::secret("api_key", "any").optional())
            .reply_headers(classify::HEADERS);
        match badness() {
            Badness::Settings => description.settings_schema(
                r#"{"type": "object", "required": ["region"], "properties": {"region": {"type": "string"}}}"#,
            ),
            _ => description,
        }
    }
}

impl Exchange for Attempt {
    fn start(call: &Call, _: &Target, payload: &Payload<'_>) -> Result<(Self, Progress), Failure> {
        misbehave(payload)?;
        let request = Request::post("/chat/completions")
            .json_unchanged()
            .bearer("api_key");
        let request = if call.streaming { request.sse() } else { request };
        Ok((Self::default(), Progress::send(request)))
    }

    fn advance(&mut self, now: Millis, input: Input) -> Progress {
        if badness() == Badness::Keys {
            return Failure::new(FailureKind::AuthenticationError)
                .message("no key is good enough")
                .into();
        }
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

/// Does what is wrong with this version, if the request is one that suffers from it.
fn misbehave(payload: &Payload<'_>) -> Result<(), Failure> {
    let badness = badness();
    assert!(badness != Badness::Always, "no exchange at all");
    if badness == Badness::Traps || badness == Badness::Fails {
        let request: ChatRequest = payload.read_whole()?;
        let unlucky = request
            .messages
            .iter()
            .any(|message| message.text().contains("unlucky"));
        assert!(!unlucky || badness != Badness::Traps, "no luck with this one");
        if unlucky {
            return Err(Failure::new(FailureKind::InternalError).message("no luck with this one"));
        }
    }
    Ok(())
}

/// The same object with the version as its first member.
fn stamped(object: &[u8]) -> Vec<u8> {
    let rest = object.strip_prefix(b"{").unwrap_or(object);
    [format!("{{\"stamp\":\"{}\",", version()).as_bytes(), rest].concat()
}

patchbay_sdk::export_adapter!(Relay);
