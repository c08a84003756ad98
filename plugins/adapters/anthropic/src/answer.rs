//! A whole answer in canonical form.

use patchbay_sdk::adapter::{Chunk, Progress};
use patchbay_sdk::canonical::{Choice, Completion, Content, FunctionCall, Message, ToolCall};
use serde_json::Value;

use crate::wire::{self, Block, Ending};

/// The answer to a call that does not stream. None if the body is no answer.
pub(crate) fn whole(body: &[u8], created: u64) -> Option<Progress> {
    let (progress, completion) = read(body, created)?;
    Some(progress.chunk(Chunk::token(&completion)))
}

/// The same for a call that streams, although the vendor did not.
pub(crate) fn in_chunks(body: &[u8], created: u64) -> Option<Progress> {
    let (mut progress, completion) = read(body, created)?;
    progress.chunks = completion.into_chunks();
    Some(progress)
}

fn read(body: &[u8], created: u64) -> Option<(Progress, Completion)> {
    let message: wire::Message = serde_json::from_slice(body).ok()?;
    // Where the vendor is silent the answer is too, and the host estimates.
    let canonical = message.usage.as_ref().map(wire::Usage::canonical);
    let usage = message.usage.unwrap_or_default();
    let ending = Ending {
        stop_reason: message.stop_reason,
        stop_details: message.stop_details,
    };
    let blocks = message.content?;
    let mut progress = Progress::done().counts(usage.counts());
    let ignored = blocks.iter().filter(|block| !is_known(block));
    progress.warnings = ignored.map(|block| ignored_block(&block.kind)).collect();
    let completion = Completion {
        id: message.id,
        object: "chat.completion".to_owned(),
        created,
        model: message.model,
        choices: vec![choice(blocks, &ending)],
        usage: canonical,
        ..Completion::default()
    };
    Some((progress, completion))
}

/// For the operator: the canonical form has no place for such a block.
pub(crate) fn ignored_block(kind: &str) -> String {
    format!("a block of type {kind:?} was left out of the answer")
}

fn is_known(block: &Block) -> bool {
    ["text", "tool_use", "thinking", "redacted_thinking"].contains(&block.kind.as_str())
}

fn choice(blocks: Vec<Block>, ending: &Ending) -> Choice {
    let text = joined(&blocks, |block| {
        block.text.as_deref().filter(|_| block.kind == "text")
    });
    let thoughts = joined(&blocks, |block| {
        block.thinking.as_deref().filter(|_| block.kind == "thinking")
    });
    let replayable: Vec<Value> = blocks.iter().filter_map(Block::replayable).collect();
    let replayable = (!replayable.is_empty()).then(|| Value::from(replayable));
    let tool_calls: Vec<ToolCall> = blocks
        .into_iter()
        .filter(|block| block.kind == "tool_use")
        .map(tool_call)
        .collect();
    let members = [
        ("reasoning_content", thoughts.map(Value::from)),
        ("thinking_blocks", replayable),
        ("refusal", ending.refusal().map(Value::from)),
    ];
    let rest = members
        .into_iter()
        .filter_map(|(member, value)| Some((member.to_owned(), value?)));
    let finish_reason = ending.finish_reason(!tool_calls.is_empty());
    // A message that only calls tools has no text; any other has one, be it empty.
    let content = text.or_else(|| tool_calls.is_empty().then(String::new));
    Choice {
        message: Message {
            role: "assistant".to_owned(),
            content: content.map(Content::Text),
            tool_calls,
            tool_call_id: None,
            rest: rest.collect(),
        },
        finish_reason: Some(finish_reason.to_owned()),
        ..Choice::default()
    }
}

/// The texts of all blocks that have one. The vendor cuts a text wherever a citation begins.
fn joined(blocks: &[Block], text: fn(&Block) -> Option<&str>) -> Option<String> {
    let pieces: Vec<&str> = blocks.iter().filter_map(text).collect();
    (!pieces.is_empty()).then(|| pieces.concat())
}

fn tool_call(block: Block) -> ToolCall {
    ToolCall {
        index: None,
        id: block.id,
        kind: Some("function".to_owned()),
        function: FunctionCall {
            name: block.name,
            arguments: arguments(&block.input),
        },
    }
}

/// JSON text of a tool's input; of none, that of an empty object.
pub(crate) fn arguments(input: &Value) -> String {
    if input.is_null() {
        "{}".to_owned()
    } else {
        input.to_string()
    }
}
