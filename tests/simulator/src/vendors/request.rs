//! What reading a request has in common at all vendors. Must never know a vendor's fields.

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;

use super::Refusal;
use crate::ask::Expects;
use crate::example;

/// Characters of the prompt kept for the reply.
const PROMPT: usize = 1_000;

/// Reads a request body as JSON, or refuses it the way a vendor does.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| refuse(format!("the request cannot be read: {error}")))
}

pub(super) fn refuse(message: String) -> Refusal {
    Refusal {
        status: StatusCode::BAD_REQUEST,
        message,
    }
}

/// The key a caller presents in `header`.
pub(super) fn key<'h>(headers: &'h HeaderMap, header: &str) -> Option<&'h str> {
    headers.get(header)?.to_str().ok().filter(|key| !key.is_empty())
}

/// The key a caller presents as a bearer.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    key(headers, header::AUTHORIZATION.as_str())?
        .strip_prefix("Bearer ")
        .filter(|key| !key.is_empty())
}

/// How many tokens a text counts for.
pub(super) fn words(text: &str) -> usize {
    text.split_ascii_whitespace().count()
}

/// As much of what the user said as a reply repeats.
pub(super) fn prompt<S: AsRef<str>>(texts: &[S]) -> String {
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    texts.join(" ").chars().take(PROMPT).collect()
}

/// A call of a tool with arguments that fit its schema, or with none if it has no schema.
pub(super) fn call(name: &str, schema: Option<&Value>) -> Expects {
    let arguments = schema.map_or_else(|| "{}".to_owned(), |schema| example::of(schema).to_string());
    Expects::ToolCall {
        name: name.to_owned(),
        arguments,
    }
}
