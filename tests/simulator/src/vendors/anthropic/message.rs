//! Writes a whole message.

use axum::body::Bytes;
use http::StatusCode;

use super::{call_id, message, stop, usage};
use crate::answer::{Answer, Draft, Part};
use crate::ask::ChatAsk;
use crate::reply::Reply;
use crate::text::quote;
use crate::vendors::Stamp;

pub(super) fn write(ask: &ChatAsk, draft: &Draft, answer: &Answer, stamp: &Stamp<'_>) -> Reply {
    let block = match &answer.tool {
        None => format!(r#"{{"type":"text","text":"{}"}}"#, answer.text()),
        Some(name) => format!(
            r#"{{"type":"tool_use","id":"{id}","name":{name},"input":{input}}}"#,
            id = call_id(stamp),
            name = quote(name),
            input = input(answer.text()),
        ),
    };
    let stop = stop(Some(answer).filter(|_| draft.times(Part::Finish) > 0));
    let usage = usage(ask, draft, answer.len());
    let body = message(ask, stamp, &format!("[{block}]"), &stop, &usage);
    Reply::whole(StatusCode::OK, Bytes::from(body), answer.len())
}

/// A tool's arguments as JSON; a call that `max_tokens` cut short has none.
fn input(escaped: &str) -> String {
    let arguments = serde_json::from_str::<String>(&format!("\"{escaped}\"")).unwrap_or_default();
    match serde_json::from_str::<serde_json::Value>(&arguments) {
        Ok(_) => arguments,
        Err(_) => "{}".to_owned(),
    }
}
