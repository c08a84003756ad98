//! An adapter for benchmarks: reads the whole request and the whole reply and writes each anew, which is what an
//! adapter for a vendor with a dialect of its own does. Here that dialect happens to be the canonical one, so that
//! the simulator can answer; nothing is passed through on that account.
//!
//! No vendor is behind it, and it knows no embeddings.

use patchbay_sdk::adapter::{
    Adapter, Call, Chunk, CredentialField, Description, Event, Exchange, Failure, Input, Millis, Payload,
    Progress, Reply, Request, Target,
};
use patchbay_sdk::canonical::{ChatRequest, Choice, Completion, CompletionChunk, Content, Message, Usage};
use patchbay_sdk::classify;
use patchbay_sdk::words::Operation;
use serde::{Deserialize, Serialize};

#[derive(Debug)]
pub struct Translating;

#[derive(Debug)]
pub struct Attempt;

/// The request as the vendor wants it.
#[derive(Serialize)]
struct VendorRequest {
    model: String,
    messages: Vec<VendorMessage>,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize, Deserialize)]
struct VendorMessage {
    role: String,
    content: String,
}

#[derive(Deserialize)]
struct VendorReply {
    id: String,
    created: u64,
    model: String,
    choices: Vec<VendorChoice>,
    usage: VendorUsage,
}

#[derive(Deserialize)]
struct VendorChoice {
    message: VendorMessage,
    finish_reason: String,
}

#[derive(Deserialize)]
struct VendorUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

/// For callers who set no limit, as vendors have it that want one.
const MAX_TOKENS: u64 = 4096;

impl Adapter for Translating {
    type Exchange = Attempt;

    fn describe() -> Description {
        Description::new("translating", env!("CARGO_PKG_VERSION"))
            .operations([Operation::Chat])
            .endpoint("api", None)
            .credential(CredentialField::secret("api_key", "any"))
            .reply_headers(classify::HEADERS)
    }
}

impl Exchange for Attempt {
    fn start(call: &Call, _: &Target, payload: &Payload<'_>) -> Result<(Self, Progress), Failure> {
        if call.operation() != Operation::Chat {
            return Err(Failure::not_supported("anything but chats"));
        }
        let mut request = VendorRequest::from(payload.read_whole::<ChatRequest>()?);
        request.stream = call.streaming;
        request.stream_options = call.streaming.then_some(StreamOptions { include_usage: true });
        let request = Request::post("/chat/completions")
            .json(&request)
            .bearer("api_key");
        let request = if call.streaming { request.sse() } else { request };
        Ok((Self, Progress::send(request)))
    }

    fn advance(&mut self, now: Millis, input: Input) -> Progress {
        match input {
            Input::Reply(reply) if reply.head.is_success() => {
                translate(&reply).unwrap_or_else(Progress::failed)
            }
            Input::Reply(reply) => Progress::failed(classify::error_reply(&reply, now, &[])),
            Input::Head(_) => Progress::more(),
            Input::Events(events) => translate_events(&events).unwrap_or_else(Progress::failed),
            Input::End | Input::Fetched(_) | Input::Pull => {
                Failure::not_supported("what it did not ask for").into()
            }
        }
    }
}

fn translate(reply: &Reply) -> Result<Progress, Failure> {
    let completion = Completion::from(reply.json::<VendorReply>()?);
    let counts = completion.usage.as_ref().map(Usage::counts).unwrap_or_default();
    Ok(Progress::done().chunk(Chunk::token(&completion)).counts(counts))
}

fn translate_events(events: &[Event]) -> Result<Progress, Failure> {
    let done = events.iter().any(Event::is_done);
    let progress = if done { Progress::done() } else { Progress::more() };
    let chunks = events.iter().filter(|event| !event.is_done());
    chunks
        .map(Event::json::<CompletionChunk>)
        .try_fold(progress, |progress, chunk| {
            let chunk = chunk?;
            let counts = chunk.usage.as_ref().map(Usage::counts).unwrap_or_default();
            Ok(progress.chunk(Chunk::token(&chunk)).counts(counts))
        })
}

impl From<ChatRequest> for VendorRequest {
    fn from(request: ChatRequest) -> Self {
        Self {
            max_tokens: request.max_output_tokens().unwrap_or(MAX_TOKENS),
            model: request.model,
            messages: request.messages.into_iter().map(Into::into).collect(),
            temperature: request.temperature,
            stream: false,
            stream_options: None,
        }
    }
}

impl From<Message> for VendorMessage {
    fn from(message: Message) -> Self {
        Self {
            content: message.text(),
            role: message.role,
        }
    }
}

impl From<VendorReply> for Completion {
    fn from(reply: VendorReply) -> Self {
        Self {
            id: reply.id,
            object: "chat.completion".to_owned(),
            created: reply.created,
            model: reply.model,
            choices: (0..)
                .zip(reply.choices)
                .map(|(index, choice)| choice.canonical(index))
                .collect(),
            usage: Some(Usage::new(
                reply.usage.prompt_tokens,
                reply.usage.completion_tokens,
            )),
            ..Self::default()
        }
    }
}

impl VendorChoice {
    fn canonical(self, index: u32) -> Choice {
        let message = Message {
            role: self.message.role,
            content: Some(Content::Text(self.message.content)),
            ..Message::default()
        };
        Choice {
            index,
            message,
            finish_reason: Some(self.finish_reason),
            ..Choice::default()
        }
    }
}

patchbay_sdk::export_adapter!(Translating);
