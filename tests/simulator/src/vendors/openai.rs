//! OpenAI's format: <https://platform.openai.com/docs/api-reference>. Must never answer anything that
//! depends on time or chance.

mod chat;
mod chunks;
mod embeddings;
mod request;

use axum::body::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use serde_json::{Value, json};

use super::request::{bearer, key};
use super::{Format, Refusal, Stamp};
use crate::answer::{Answer, Draft, Finish};
use crate::ask::{Ask, Operation};
use crate::reply::Reply;

/// Every answer's time of making, so that equal requests get equal bytes.
const CREATED: u64 = 1_700_000_000;
/// What `GET /v1/models` lists; any other model is answered all the same.
const MODELS: [&str; 3] = ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small"];

#[derive(Debug)]
pub(crate) struct OpenAi;

impl Format for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn operation(&self, method: &Method, path: &str, _headers: &HeaderMap) -> Option<Operation> {
        match (method, path) {
            (&Method::POST, "/v1/chat/completions") => Some(Operation::Chat),
            (&Method::POST, "/v1/embeddings") => Some(Operation::Embeddings),
            (&Method::GET, "/v1/models") => Some(Operation::Models),
            _ => None,
        }
    }

    fn account<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        bearer(headers).or_else(|| key(headers, "api-key"))
    }

    fn request_id(&self) -> HeaderName {
        HeaderName::from_static("x-request-id")
    }

    fn read(&self, operation: Operation, _path: &str, body: &[u8]) -> Result<Ask, Refusal> {
        match operation {
            Operation::Chat => request::chat(body).map(Ask::Chat),
            Operation::Embeddings => embeddings::read(body).map(Ask::Embeddings),
            Operation::Models => Ok(Ask::Models),
        }
    }

    fn write(&self, ask: &Ask, draft: &Draft, stamp: &Stamp<'_>) -> Reply {
        match ask {
            Ask::Chat(ask) => {
                let answer = Answer::compose(ask, draft);
                if draft.stream {
                    chunks::write(ask, draft, &answer, stamp)
                } else {
                    chat::write(ask, draft, &answer, stamp)
                }
            }
            Ask::Embeddings(ask) => embeddings::write(ask),
            Ask::Models => models(),
        }
    }

    /// Types and codes as OpenAI pairs them with statuses.
    fn error(&self, status: StatusCode, message: &str) -> Bytes {
        let (kind, code) = match status.as_u16() {
            401 => ("invalid_request_error", Some("invalid_api_key")),
            404 => ("invalid_request_error", Some("model_not_found")),
            429 => ("requests", Some("rate_limit_exceeded")),
            503 => ("server_error", Some("slow_down")),
            500.. => ("server_error", None),
            _ => ("invalid_request_error", None),
        };
        let error = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
        Bytes::from(error.to_string())
    }

    fn event(&self, data: &str) -> Bytes {
        Bytes::from(format!("data: {data}\n\n"))
    }

    /// An error object in place of a chunk.
    fn error_event(&self, message: &str) -> Bytes {
        let error = self.error(StatusCode::INTERNAL_SERVER_ERROR, message);
        self.event(&String::from_utf8_lossy(&error))
    }
}

fn models() -> Reply {
    let models =
        MODELS.map(|id| json!({"id": id, "object": "model", "created": CREATED, "owned_by": "simulator"}));
    whole(&json!({"object": "list", "data": models}))
}

/// A reply that counts as one token, so that it can be cut.
fn whole(body: &Value) -> Reply {
    Reply::whole(StatusCode::OK, Bytes::from(body.to_string()), 1)
}

fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::StopSequence => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
    }
}

/// The usage object with all its details, as JSON.
fn usage(prompt: usize, completion: usize) -> String {
    format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#,
        total = prompt + completion,
    )
}

/// A tool call's id; one per answer and choice.
fn call_id(stamp: &Stamp<'_>, choice: usize) -> String {
    format!("call_{}_{choice}", stamp.sequence)
}
