//! Writes a streamed message: its start, one block of one token per event, why it ends, its stop.

use super::{call_id, message, stop, usage};
use crate::answer::{Answer, Draft, Part};
use crate::ask::ChatAsk;
use crate::reply::Reply;
use crate::text::quote;
use crate::vendors::Stamp;
use crate::vendors::script::Script;

/// About what an event takes, in bytes; to size the buffer.
const EVENT: usize = 140;

pub(super) fn write(ask: &ChatAsk, draft: &Draft, answer: &Answer, stamp: &Stamp<'_>) -> Reply {
    let mut script = Script::with_room(answer.len() + 8, EVENT);
    // Anthropic counts one token of output before the first one comes.
    let start = message(ask, stamp, "[]", &stop(None), &usage(ask, draft, 1));
    event(&mut script, "message_start", &["\"message\":", &start]);
    let block = match &answer.tool {
        None => r#"{"type":"text","text":""}"#.to_owned(),
        Some(name) => format!(
            r#"{{"type":"tool_use","id":"{id}","name":{name},"input":{{}}}}"#,
            id = call_id(stamp),
            name = quote(name),
        ),
    };
    event(
        &mut script,
        "content_block_start",
        &["\"index\":0,\"content_block\":", &block],
    );
    script.event(&["event: ping\ndata: {\"type\": \"ping\"}\n\n"], 0);
    let kind = match &answer.tool {
        None => r#""type":"text_delta","text":""#,
        Some(_) => r#""type":"input_json_delta","partial_json":""#,
    };
    if answer.tool.is_some() {
        delta(&mut script, kind, "", 0);
    }
    answer
        .tokens()
        .for_each(|token| delta(&mut script, kind, token, 1));
    event(&mut script, "content_block_stop", &["\"index\":0"]);
    end(&mut script, ask, draft, answer);
    script.into_reply()
}

fn delta(script: &mut Script, kind: &str, text: &str, tokens: usize) {
    script.write(&[
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{",
    ]);
    script.event(&[kind, text, "\"}}\n\n"], tokens);
}

/// Why it ends and what was used share an event, which comes as often as either of them is to be told.
fn end(script: &mut Script, ask: &ChatAsk, draft: &Draft, answer: &Answer) {
    let (finish, used) = (draft.times(Part::Finish), draft.times(Part::Usage));
    for turn in 0..finish.max(used) {
        let stop = stop(Some(answer).filter(|_| turn < finish));
        let usage = if turn < used {
            format!(
                r#","usage":{{"input_tokens":{input},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":{output}}}"#,
                input = ask.prompt_tokens,
                output = answer.len(),
            )
        } else {
            String::new()
        };
        event(script, "message_delta", &["\"delta\":{", &stop, "}", &usage]);
    }
    for _ in 0..draft.times(Part::Done) {
        script.event(&["event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"], 0);
    }
}

/// An event that carries no token.
fn event(script: &mut Script, name: &str, members: &[&str]) {
    script.write(&["event: ", name, "\ndata: {\"type\":\"", name, "\","]);
    script.write(members);
    script.event(&["}\n\n"], 0);
}
