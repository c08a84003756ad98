//! Anthropic's format: <https://docs.claude.com/en/api/messages>. Must never answer anything that depends
//! on time or chance.

mod events;
mod message;
mod request;

use axum::body::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use serde_json::json;

use super::request::{bearer, key};
use super::{Format, Refusal, Stamp};
use crate::answer::{Answer, Draft, Finish, Part};
use crate::ask::{Ask, ChatAsk, Operation};
use crate::reply::Reply;
use crate::text::quote;

/// Every caller of this vendor sends it, so it tells the path that others have as well.
const VERSION: &str = "anthropic-version";
/// What `GET /v1/models` lists, with names for people; any other model is answered all the same.
const MODELS: [(&str, &str); 2] = [
    ("claude-sonnet-4-5", "Claude Sonnet 4.5"),
    ("claude-haiku-4-5", "Claude Haiku 4.5"),
];

#[derive(Debug)]
pub(crate) struct Anthropic;

impl Format for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn operation(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Operation> {
        match (method, path) {
            (&Method::POST, "/v1/messages") => Some(Operation::Chat),
            (&Method::GET, "/v1/models") if headers.contains_key(VERSION) => Some(Operation::Models),
            _ => None,
        }
    }

    fn account<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        key(headers, "x-api-key").or_else(|| bearer(headers))
    }

    fn request_id(&self) -> HeaderName {
        HeaderName::from_static("request-id")
    }

    fn read(&self, operation: Operation, _path: &str, body: &[u8]) -> Result<Ask, Refusal> {
        match operation {
            Operation::Chat => request::chat(body).map(Ask::Chat),
            Operation::Models | Operation::Embeddings => Ok(Ask::Models),
        }
    }

    fn write(&self, ask: &Ask, draft: &Draft, stamp: &Stamp<'_>) -> Reply {
        match ask {
            Ask::Chat(ask) => {
                let answer = Answer::compose(ask, draft);
                if draft.stream {
                    events::write(ask, draft, &answer, stamp)
                } else {
                    message::write(ask, draft, &answer, stamp)
                }
            }
            Ask::Models | Ask::Embeddings(_) => models(),
        }
    }

    /// Types as Anthropic pairs them with statuses.
    fn error(&self, status: StatusCode, message: &str) -> Bytes {
        let kind = match status.as_u16() {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            409 => "conflict_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            504 => "timeout_error",
            529 => "overloaded_error",
            500.. => "api_error",
            _ => "invalid_request_error",
        };
        error(kind, message)
    }

    /// Named like the events it comes between.
    fn event(&self, data: &str) -> Bytes {
        Bytes::from(format!("event: content_block_delta\ndata: {data}\n\n"))
    }

    fn error_event(&self, message: &str) -> Bytes {
        let error = error("overloaded_error", message);
        Bytes::from(format!(
            "event: error\ndata: {}\n\n",
            String::from_utf8_lossy(&error)
        ))
    }
}

fn error(kind: &str, message: &str) -> Bytes {
    Bytes::from(json!({"type": "error", "error": {"type": kind, "message": message}}).to_string())
}

fn models() -> Reply {
    let models = MODELS.map(|(id, name)| {
        json!({"type": "model", "id": id, "display_name": name, "created_at": "2025-10-01T00:00:00Z"})
    });
    let [(first, _), .., (last, _)] = MODELS;
    let list = json!({"data": models, "has_more": false, "first_id": first, "last_id": last});
    Reply::whole(StatusCode::OK, Bytes::from(list.to_string()), 1)
}

/// A message: `content` is a JSON list, `stop` the members that `stop` writes, `usage` a member or nothing.
fn message(ask: &ChatAsk, stamp: &Stamp<'_>, content: &str, stop: &str, usage: &str) -> String {
    format!(
        r#"{{"model":{model},"id":{id},"type":"message","role":"assistant","content":{content},{stop}{usage}}}"#,
        model = quote(&ask.model),
        id = quote(&format!("msg_{}_{}", stamp.account, stamp.sequence)),
    )
}

/// Why it ends, as members of an object; `None` while that is open, or is not to be told.
fn stop(answer: Option<&Answer>) -> String {
    let reason = answer.map_or("null", |answer| match answer.finish() {
        Finish::Stop => r#""end_turn""#,
        Finish::StopSequence => r#""stop_sequence""#,
        Finish::Length => r#""max_tokens""#,
        Finish::ToolCalls => r#""tool_use""#,
    });
    let sequence = answer
        .and_then(Answer::stopped)
        .map_or_else(|| "null".to_owned(), quote);
    format!(r#""stop_reason":{reason},"stop_sequence":{sequence},"stop_details":null"#)
}

/// The usage of a message as a further member; nothing if that is left out.
fn usage(ask: &ChatAsk, draft: &Draft, output: usize) -> String {
    if draft.times(Part::Usage) == 0 {
        return String::new();
    }
    format!(
        r#","usage":{{"input_tokens":{input},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0}},"output_tokens":{output},"service_tier":"standard"}}"#,
        input = ask.prompt_tokens,
    )
}

/// A tool use's id; a message has one at most.
fn call_id(stamp: &Stamp<'_>) -> String {
    format!("toolu_{}", stamp.sequence)
}
