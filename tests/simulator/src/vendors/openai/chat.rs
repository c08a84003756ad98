//! Writes a whole chat completion.

use axum::body::Bytes;
use http::StatusCode;

use super::{CREATED, call_id, finish_reason, usage};
use crate::answer::Answer;
use crate::ask::ChatAsk;
use crate::reply::Reply;
use crate::text::quote;
use crate::vendors::Stamp;

pub(super) fn write(ask: &ChatAsk, answer: &Answer, stamp: &Stamp<'_>) -> Reply {
    let choices: Vec<String> = (0..ask.choices)
        .map(|index| choice(index, answer, stamp))
        .collect();
    let tokens = answer.len() * ask.choices;
    let body = format!(
        r#"{{"id":"chatcmpl-{id}","object":"chat.completion","created":{CREATED},"model":{model},"choices":[{choices}],"usage":{usage},"service_tier":"default","system_fingerprint":{fingerprint}}}"#,
        id = stamp.sequence,
        model = quote(&ask.model),
        choices = choices.join(","),
        usage = usage(ask.prompt_tokens, tokens),
        fingerprint = quote(&format!("fp_{}", stamp.account)),
    );
    Reply::whole(StatusCode::OK, Bytes::from(body), tokens)
}

fn choice(index: usize, answer: &Answer, stamp: &Stamp<'_>) -> String {
    let text = answer.text();
    let said = match &answer.tool {
        None => format!(r#""content":"{text}","refusal":null,"annotations":[]"#),
        Some(name) => format!(
            r#""content":null,"refusal":null,"annotations":[],"tool_calls":[{{"id":"{id}","type":"function","function":{{"name":{name},"arguments":"{text}"}}}}]"#,
            id = call_id(stamp, index),
            name = quote(name),
        ),
    };
    let finish = finish_reason(answer.finish());
    format!(
        r#"{{"index":{index},"message":{{"role":"assistant",{said}}},"logprobs":null,"finish_reason":"{finish}"}}"#
    )
}
