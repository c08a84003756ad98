//! The request in the vendor's form.
//!
//! What has no equivalent is dropped and the operator told; what would change the meaning of the request if
//! it were dropped is refused.

use patchbay_sdk::adapter::{Call, Failure, ModelSettings};
use patchbay_sdk::canonical::{ChatRequest, Rest};
use serde_json::{Map, Value, json};

use crate::messages::{self, Conversation};
use crate::sampling::Sampled;
use crate::settings::Settings;
use crate::thinking::Thinking;
use crate::tools;

/// Added to what the system says where any JSON object is wanted: the vendor has no such mode.
const JSON_OBJECT: &str = "Answer with one JSON object and with nothing before or after it.";

/// The request so far.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) body: Map<String, Value>,
    /// For the operator.
    pub(crate) warnings: Vec<String>,
}

impl Draft {
    pub(crate) fn set(&mut self, member: &str, value: impl Into<Value>) {
        self.body.insert(member.to_owned(), value.into());
    }

    pub(crate) fn set_some(&mut self, member: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.set(member, value);
        }
    }

    /// Sets a member of `output_config`.
    pub(crate) fn set_output(&mut self, member: &str, value: impl Into<Value>) {
        self.body.entry("output_config").or_insert_with(|| json!({}))[member] = value.into();
    }

    pub(crate) fn warn(&mut self, message: String) {
        self.warnings.push(message);
    }

    /// Tells that a member of the request was left out.
    pub(crate) fn drop(&mut self, member: &str) {
        self.warn(format!("{member} was dropped: the vendor has no equivalent"));
    }
}

pub(crate) fn translate(
    call: &Call,
    settings: &Settings,
    model: ModelSettings,
    mut request: ChatRequest,
) -> Result<Draft, Failure> {
    let mut draft = Draft::default();
    let mut take = |member: &str| request.rest.remove(member).filter(|value| !value.is_null());
    refuse_what_cannot_be(&mut take)?;
    let mut conversation = messages::translate(request.messages, settings.opening.as_deref())?;
    draft.set("model", request.model);
    let (choice, parallel) = (non_null(request.tool_choice), take("parallel_tool_calls"));
    tools::translate(&mut draft, request.tools, choice, parallel.as_ref())?;

    let effort = take("reasoning_effort");
    let asked = Thinking::asked(effort.as_ref(), settings, &call.model, &mut draft)?;
    let thinking = possible(asked, &conversation, &mut draft);
    let max_tokens = request.max_completion_tokens.or(request.max_tokens);
    let max_tokens = longest(max_tokens, settings, model, &thinking);
    draft.set("max_tokens", max_tokens);
    let thinking = thinking.fitted(max_tokens, settings.default_max_tokens, &mut draft);
    thinking.write(&mut draft);

    let sampled = Sampled {
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: take("top_k"),
    };
    sampled.write(settings.sampling, thinking != Thinking::Off, &mut draft);
    stop_sequences(non_null(request.stop), &mut draft)?;
    response_format(non_null(request.response_format), &mut conversation, &mut draft)?;
    let user = take("user").map(|user| json!({"user_id": user}));
    draft.set_some("metadata", user);
    draft.set_some("cache_control", take("cache_control"));
    draft.set_some("stream", call.streaming.then_some(Value::Bool(true)));
    let system = std::mem::take(&mut conversation.system);
    draft.set_some("system", (!system.is_empty()).then(|| system.into()));
    draft.set("messages", conversation.messages());
    tell_what_is_left(&request.rest, &mut draft);
    Ok(draft)
}

fn non_null(value: Option<Value>) -> Option<Value> {
    value.filter(|value| !value.is_null())
}

/// More than one answer, and the forerunner of tools, whose answers look different.
fn refuse_what_cannot_be(take: &mut impl FnMut(&str) -> Option<Value>) -> Result<(), Failure> {
    if take("n").is_some_and(|n| n != 1) {
        return Err(Failure::unfit("n", "this vendor gives one answer to a request"));
    }
    for (old, new) in [("functions", "tools"), ("function_call", "tool_choice")] {
        if take(old).is_some_and(|value| !says_nothing(&value)) {
            return Err(Failure::unfit(old, format!("{old} is not supported; send {new}")));
        }
    }
    Ok(())
}

/// Thinking that the vendor does not refuse together with the rest of the request.
fn possible(asked: Thinking, conversation: &Conversation, draft: &mut Draft) -> Thinking {
    let choice = draft
        .body
        .get("tool_choice")
        .and_then(|choice| choice["type"].as_str());
    let obstacle = if matches!(choice, Some("any" | "tool")) {
        "the vendor does not let a model think that must call a tool"
    } else if matches!(asked, Thinking::Budget(_)) && conversation.forgot_its_thoughts() {
        "the thinking_blocks that led to the tools' answers were not sent back"
    } else {
        return asked;
    };
    if asked != Thinking::Off {
        draft.warn(format!("reasoning_effort was dropped: {obstacle}"));
    }
    Thinking::Off
}

/// `max_tokens`, which the vendor wants said.
fn longest(asked: Option<u64>, settings: &Settings, model: ModelSettings, thinking: &Thinking) -> u64 {
    let by_default = || settings.default_max_tokens.saturating_add(thinking.tokens());
    let tokens = asked.or(model.max_output_tokens).unwrap_or_else(by_default);
    model.max_output_tokens.map_or(tokens, |most| tokens.min(most))
}

/// The vendor refuses a sequence of nothing but white space.
fn stop_sequences(stop: Option<Value>, draft: &mut Draft) -> Result<(), Failure> {
    let sequences = match stop {
        None => return Ok(()),
        Some(Value::Array(sequences)) => sequences,
        Some(one) => vec![one],
    };
    let mut kept = Vec::new();
    for sequence in sequences {
        match sequence.as_str() {
            None => return Err(Failure::invalid("stop", "stop is a text or a list of texts")),
            Some("") => {}
            Some(blank) if blank.trim().is_empty() => {
                draft.warn("a stop sequence of white space was dropped: the vendor refuses it".to_owned());
            }
            Some(_) => kept.push(sequence),
        }
    }
    if !kept.is_empty() {
        draft.set("stop_sequences", kept);
    }
    Ok(())
}

fn response_format(
    format: Option<Value>,
    conversation: &mut Conversation,
    draft: &mut Draft,
) -> Result<(), Failure> {
    let Some(mut format) = format else { return Ok(()) };
    match format["type"].as_str() {
        Some("text") => {}
        Some("json_object") => conversation
            .system
            .push(json!({"type": "text", "text": JSON_OBJECT})),
        Some("json_schema") => {
            let schema = format["json_schema"]["schema"].take();
            if !schema.is_object() {
                let message = "response_format of type json_schema needs a schema";
                return Err(Failure::invalid("response_format.json_schema.schema", message));
            }
            draft.set_output("format", json!({"type": "json_schema", "schema": schema}));
        }
        _ => {
            let message = "response_format is text, json_object or json_schema";
            return Err(Failure::unfit("response_format.type", message));
        }
    }
    Ok(())
}

/// Members that nothing was made of, but for those that ask for nothing.
fn tell_what_is_left(rest: &Rest, draft: &mut Draft) {
    for (member, _) in rest.iter().filter(|(_, value)| !says_nothing(value)) {
        draft.drop(member);
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}
