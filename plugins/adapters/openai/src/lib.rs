//! The adapter for OpenAI and for every server that speaks its dialect: Azure's v1 API, vLLM, Ollama, TGI and
//! many more, told apart by settings alone. The dialect is the canonical form, so a request leaves as it came and
//! a success passes by without being read; what is left to do is to say what a failure means, and to make a stream
//! of an answer that came whole where a stream was asked for.
//!
//! The credential `api_key` is not required, because local servers have none. A plugin cannot see whether an
//! account has it: the header is always asked for, and the host leaves it out where the account has no such field.

mod settings;

use patchbay_sdk::adapter::{
    Adapter, Call, CredentialField, Description, Edit, Exchange, Failure, Input, Millis, Payload, Progress,
    Reply, Request, Target,
};
use patchbay_sdk::canonical::{Completion, Usage};
use patchbay_sdk::classify;
use patchbay_sdk::words::Operation;

use settings::Settings;

#[derive(Debug)]
pub struct OpenAi;

/// Little is remembered: what comes back is nearly always a failure, and says by itself which.
#[derive(Debug)]
pub struct Attempt {
    streaming: bool,
}

impl Adapter for OpenAi {
    type Exchange = Attempt;

    fn describe() -> Description {
        Description::new("openai", env!("CARGO_PKG_VERSION"))
            .operations([
                Operation::Chat,
                Operation::Embeddings,
                Operation::Models,
                Operation::Probe,
            ])
            .endpoint("api", Some("https://api.openai.com/v1"))
            .credential(
                CredentialField::secret(
                    "api_key",
                    "https://platform.openai.com/api-keys; local servers need none",
                )
                .optional(),
            )
            .credential(
                CredentialField::public("organization", "organization id, if the key has several").optional(),
            )
            .credential(CredentialField::public("project", "project id, if the key has several").optional())
            .settings_schema(settings::SCHEMA)
            .reply_headers(classify::HEADERS)
            .features(r#"{"streaming": true, "tools": true, "vision": true, "structured-output": true}"#)
    }
}

impl Exchange for Attempt {
    fn start(call: &Call, target: &Target, payload: &Payload<'_>) -> Result<(Self, Progress), Failure> {
        let settings: Settings = target.settings()?;
        let request = match call.operation() {
            Operation::Chat => {
                let edits = chat_edits(&settings, call, target, payload)?;
                let request = Request::post(&settings.chat_path).json_edited(edits);
                if call.streaming { request.sse() } else { request }
            }
            Operation::Embeddings => {
                Request::post(&settings.embeddings_path).json_edited(removals(&settings))
            }
            // Listing the models is free and proves the key.
            Operation::Models | Operation::Probe => Request::get(&settings.models_path),
            Operation::Other(operation) => return Err(Failure::not_supported(&operation)),
        };
        let streaming = call.streaming;
        Ok((
            Self { streaming },
            Progress::send(addressed(request, &settings, target)),
        ))
    }

    fn advance(&mut self, now: Millis, input: Input) -> Progress {
        match input {
            Input::Head(head) => Progress::more().limits(classify::rate_limits(&head)),
            Input::Reply(reply) => self
                .streamed(&reply)
                .unwrap_or_else(|| classify::error_reply(&reply, now, &[]).into())
                .limits(classify::rate_limits(&reply.head)),
            Input::Events(events) => events
                .iter()
                .find_map(|event| classify::error_event(event, &[]))
                .map_or_else(Progress::more, Progress::failed),
            Input::End => Progress::done(),
            Input::Fetched(_) | Input::Pull => Failure::not_supported("what it did not ask for").into(),
        }
    }
}

impl Attempt {
    /// The whole answer of a server that does not stream, as the stream that was asked for.
    fn streamed(&self, reply: &Reply) -> Option<Progress> {
        if !self.streaming || !reply.head.is_success() {
            return None;
        }
        let completion: Completion = reply.json().ok()?;
        let counts = completion.usage.as_ref().map(Usage::counts);
        let mut progress = Progress::done().counts(counts.unwrap_or_default());
        progress.chunks = completion.into_chunks();
        (!progress.chunks.is_empty()).then_some(progress)
    }
}

/// Everything about the request that is the same for all operations.
fn addressed(mut request: Request, settings: &Settings, target: &Target) -> Request {
    for (name, value) in &settings.headers {
        request = request.header(name, value);
    }
    for (field, header) in [
        ("organization", "openai-organization"),
        ("project", "openai-project"),
    ] {
        if let Some(value) = target.public(field) {
            request = request.header(header, value);
        }
    }
    if settings.read_limits {
        request = request.want_head();
    }
    request
        .credential_header(
            &settings.credential_header,
            &settings.credential_prefix,
            "api_key",
        )
        .canonical()
}

fn removals(settings: &Settings) -> Vec<Edit> {
    settings
        .remove_members
        .iter()
        .map(|member| Edit::remove(member))
        .collect()
}

/// Reasoning models refuse `max_tokens` and want `max_completion_tokens`; older and compatible servers know only
/// the former. Only where the name may have to change is the body read.
fn chat_edits(
    settings: &Settings,
    call: &Call,
    target: &Target,
    payload: &Payload<'_>,
) -> Result<Vec<Edit>, Failure> {
    #[derive(serde::Deserialize)]
    struct Lengths {
        max_tokens: Option<serde_json::Value>,
        max_completion_tokens: Option<serde::de::IgnoredAny>,
    }

    let mut edits = removals(settings);
    let by_itself = || is_own_api(target) && is_reasoning_model(&call.model);
    if settings.rename_max_tokens.unwrap_or_else(by_itself) {
        let lengths: Lengths = payload.read()?;
        if let Some(max_tokens) = lengths.max_tokens {
            edits.push(Edit::remove("max_tokens"));
            if lengths.max_completion_tokens.is_none() {
                edits.push(Edit::set("max_completion_tokens", &max_tokens));
            }
        }
    }
    Ok(edits)
}

fn is_own_api(target: &Target) -> bool {
    let host = target
        .endpoint("api")
        .and_then(|url| url.split("//").nth(1)?.split(['/', ':']).next());
    host.is_some_and(|host| host == "api.openai.com" || host.ends_with(".api.openai.com"))
}

/// o1, o3, o4-mini and so on, gpt-5 and later; fine-tuned ones ("ft:o4-mini:...") too.
fn is_reasoning_model(model: &str) -> bool {
    let model = model.strip_prefix("ft:").unwrap_or(model);
    let number = |prefix: &str| {
        let rest = model.strip_prefix(prefix)?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest[..digits].parse::<u32>().ok()
    };
    number("o").is_some() || number("gpt-").is_some_and(|generation| generation >= 5)
}

patchbay_sdk::export_adapter!(OpenAi);

#[cfg(test)]
mod tests;
