//! Writes a whole chat completion.

use axum::body::Bytes;
use http::StatusCode;

use super::{CREATED, call_id, finish_reason, usage};
use crate::answer::{Answer, Draft, Part};
use crate::ask::ChatAsk;
use crate::reply::Reply;
use crate::text::quote;
use crate::vendors::Stamp;

pub(super) fn write(ask: &ChatAsk, draft: &Draft, answer: &Answer, stamp: &Stamp<'_>) -> Reply {
    let choices: Vec<String> = (0..ask.choices)
        .map(|index| choice(index, draft, answer, stamp))
        .collect();
    let tokens = answer.len() * ask.choices;
    let usage = match draft.times(Part::Usage) {
        0 => String::new(),
        _ => format!("\"usage\":{},", usage(ask.prompt_tokens, tokens)),
    };
    let body = format!(
        r#"{{"id":"chatcmpl-{id}","object":"chat.completion","created":{CREATED},"model":{model},"choices":[{choices}],{usage}"service_tier":"default","system_fingerprint":{fingerprint}}}"#,
        id = stamp.sequence,
        model = quote(&ask.model),
        choices = choices.join(","),
        fingerprint = quote(&format!("fp_{}", stamp.account)),
    );
    Reply::whole(StatusCode::OK, Bytes::from(body), tokens)
}

fn choice(index: usize, draft: &Draft, answer: &Answer, stamp: &Stamp<'_>) -> String {
    let text = answer.text();
    let said = match &answer.tool {
        None => format!(r#""content":"{text}","refusal":null,"annotations":[]"#),
        Some(name) => format!(
            r#""content":null,"refusal":null,"annotations":[],"tool_calls":[{{"id":"{id}","type":"function","function":{{"name":{name},"arguments":"{text}"}}}}]"#,
            id = call_id(stamp, index),
            name = quote(name),
        ),
    };
    let finish = match draft.times(Part::Finish) {
        0 => "null".to_owned(),
        _ => quote(finish_reason(answer.finish())),
    };
    format!(
        r#"{{"index":{index},"message":{{"role":"assistant",{said}}},"logprobs":null,"finish_reason":{finish}}}"#
    )
}
