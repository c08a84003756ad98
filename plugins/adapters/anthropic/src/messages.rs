//! The conversation: who says what, in turns, as the vendor wants them.
//!
//! The vendor has two sides that take turns, and the user begins. What the system says stands apart, in one
//! place; what a tool answers is said by the user, before anything else.

use patchbay_sdk::adapter::Failure;
use patchbay_sdk::canonical::{Message, Rest, ToolCall};
use serde_json::{Map, Value, json};

use crate::parts::{blocks, text_block, within};

/// The conversation in the vendor's form.
#[derive(Debug)]
pub(crate) struct Conversation {
    /// What the system says, in order, wherever it said it.
    pub(crate) system: Vec<Value>,
    turns: Vec<Turn>,
}

/// Messages of one side that follow each other.
#[derive(Debug)]
struct Turn {
    side: Side,
    /// The vendor wants them first.
    results: Vec<Value>,
    content: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    User,
    Assistant,
}

/// `opening`: see the settings.
pub(crate) fn translate(messages: Vec<Message>, opening: Option<&str>) -> Result<Conversation, Failure> {
    let mut conversation = Conversation {
        system: Vec::new(),
        turns: Vec::new(),
    };
    for (at, message) in messages.into_iter().enumerate() {
        conversation
            .add(message)
            .map_err(|failure| within(&format!("messages[{at}]"), failure))?;
    }
    conversation.begin_with_user(opening)?;
    conversation.trim_end();
    Ok(conversation)
}

impl Conversation {
    /// The vendor's `messages`.
    pub(crate) fn messages(self) -> Vec<Value> {
        let message = |turn: Turn| {
            let role = match turn.side {
                Side::User => "user",
                Side::Assistant => "assistant",
            };
            let content: Vec<Value> = turn.results.into_iter().chain(turn.content).collect();
            json!({"role": role, "content": content})
        };
        self.turns.into_iter().map(message).collect()
    }

    /// Tools have answered, and the thoughts that led to them were not sent back.
    pub(crate) fn forgot_its_thoughts(&self) -> bool {
        let [.., asking, answering] = self.turns.as_slice() else {
            return false;
        };
        let thought = asking
            .content
            .first()
            .is_some_and(|block| is_thinking(&block["type"]));
        !answering.results.is_empty() && !thought
    }

    fn add(&mut self, message: Message) -> Result<(), Failure> {
        match message.role.as_str() {
            "system" | "developer" => self.system.extend(blocks(message.content)?),
            "user" => {
                let content = blocks(message.content)?;
                self.say(Side::User, Vec::new(), content);
            }
            "assistant" => {
                let content = assistant(message)?;
                self.say(Side::Assistant, Vec::new(), content);
            }
            "tool" => {
                let result = tool_result(message)?;
                self.say(Side::User, vec![result], Vec::new());
            }
            other => {
                return Err(Failure::invalid(
                    "role",
                    format!("{other:?} is none of system, developer, user, assistant and tool"),
                ));
            }
        }
        Ok(())
    }

    /// A message in which nothing is left is not said.
    fn say(&mut self, side: Side, results: Vec<Value>, content: Vec<Value>) {
        if results.is_empty() && content.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            Some(turn) if turn.side == side => {
                turn.results.extend(results);
                turn.content.extend(content);
            }
            _ => self.turns.push(Turn {
                side,
                results,
                content,
            }),
        }
    }

    /// Nothing is put into the user's mouth that the operator has not set.
    fn begin_with_user(&mut self, opening: Option<&str>) -> Result<(), Failure> {
        if self.turns.first().is_some_and(|turn| turn.side == Side::User) {
            return Ok(());
        }
        let Some(opening) = opening.filter(|_| !self.turns.is_empty()) else {
            return Err(Failure::unfit(
                "messages",
                "this vendor wants the user to begin: the first message that is not of the system must be the user's, \
                 and not empty",
            ));
        };
        let turn = Turn {
            side: Side::User,
            results: Vec::new(),
            content: text_block(opening).into_iter().collect(),
        };
        self.turns.insert(0, turn);
        Ok(())
    }

    /// White space at the end of an answer to be continued is refused.
    fn trim_end(&mut self) {
        let last = self.turns.last_mut().filter(|turn| turn.side == Side::Assistant);
        let Some(content) = last.map(|turn| &mut turn.content) else {
            return;
        };
        let Some(text) = content.last().and_then(|block| block["text"].as_str()) else {
            return;
        };
        let trimmed = text.trim_end().to_owned();
        if trimmed.is_empty() {
            content.pop();
        } else if let Some(block) = content.last_mut() {
            block["text"] = trimmed.into();
        }
        if content.is_empty() {
            self.turns.pop();
        }
    }
}

/// Thoughts, then text, then calls.
fn assistant(message: Message) -> Result<Vec<Value>, Failure> {
    let mut content = thoughts(&message.rest);
    content.extend(blocks(message.content)?);
    let refusal = message.rest.get("refusal").and_then(Value::as_str);
    content.extend(refusal.and_then(text_block));
    for (at, call) in message.tool_calls.into_iter().enumerate() {
        content.push(tool_use(call).map_err(|failure| within(&format!("tool_calls[{at}]"), failure))?);
    }
    Ok(content)
}

/// What this adapter put out as `thinking_blocks` before. Without its signature a thought is refused.
fn thoughts(message: &Rest) -> Vec<Value> {
    let blocks = message.get("thinking_blocks").and_then(Value::as_array);
    let proven = |block: &&Value| {
        let proof =
            ["signature", "data"].map(|member| block[member].as_str().is_some_and(|it| !it.is_empty()));
        is_thinking(&block["type"]) && proof.contains(&true)
    };
    blocks.into_iter().flatten().filter(proven).cloned().collect()
}

fn is_thinking(kind: &Value) -> bool {
    matches!(kind.as_str(), Some("thinking" | "redacted_thinking"))
}

fn tool_use(call: ToolCall) -> Result<Value, Failure> {
    let arguments = call.function.arguments.trim();
    let input: Map<String, Value> = if arguments.is_empty() {
        Map::new()
    } else {
        serde_json::from_str(arguments).map_err(|error| {
            Failure::invalid(
                "function.arguments",
                format!("the arguments of a call must be a JSON object: {error}"),
            )
        })?
    };
    let id = call.id.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Failure::invalid("id", "a call needs an id"))?;
    Ok(json!({"type": "tool_use", "id": tool_id(&id), "name": call.function.name, "input": input}))
}

fn tool_result(message: Message) -> Result<Value, Failure> {
    let id = message.tool_call_id.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Failure::invalid("tool_call_id", "a tool's message needs a tool_call_id"))?;
    let mut result = json!({"type": "tool_result", "tool_use_id": tool_id(&id)});
    let content = blocks(message.content)?;
    if !content.is_empty() {
        result["content"] = content.into();
    }
    Ok(result)
}

/// Other vendors make ids of characters that this one refuses (it takes letters, digits, `_` and `-`).
fn tool_id(id: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    id.chars().map(|c| if fits(c) { c } else { '_' }).collect()
}
