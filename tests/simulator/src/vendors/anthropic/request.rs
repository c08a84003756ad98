//! Reads a messages request. Takes and refuses what the vendor does, as far as callers get it wrong, and
//! looks otherwise only at what changes the answer.

use serde::Deserialize;
use serde_json::Value;

use crate::ask::{ChatAsk, Expects};
use crate::example;
use crate::vendors::Refusal;
use crate::vendors::request::{call, parse, prompt, refuse, words};

#[derive(Deserialize)]
struct Request {
    model: String,
    /// Required; its absence is refused in the vendor's words.
    max_tokens: Option<usize>,
    messages: Vec<Message>,
    system: Option<Content>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    stop_sequences: Vec<String>,
    #[serde(default)]
    tools: Vec<Tool>,
    #[serde(default)]
    tool_choice: Value,
    #[serde(default)]
    output_config: Value,
}

#[derive(Deserialize)]
struct Message {
    role: Role,
    content: Content,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Role {
    User,
    Assistant,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

/// A block of any type, reduced to what counts.
#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    /// What a tool's result holds.
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
    /// Absent in the tools that the vendor itself runs.
    input_schema: Option<Value>,
}

pub(super) fn chat(body: &[u8]) -> Result<ChatAsk, Refusal> {
    let request: Request = parse(body)?;
    let limit = request
        .max_tokens
        .ok_or_else(|| refuse("max_tokens: Field required".to_owned()))?;
    if limit == 0 {
        return Err(refuse("max_tokens: must be at least 1".to_owned()));
    }
    match request.messages.first() {
        None => return Err(refuse("messages: at least one message is required".to_owned())),
        Some(first) if first.role != Role::User => {
            return Err(refuse(
                "messages: the first message must use the user role".to_owned(),
            ));
        }
        Some(_) => {}
    }
    if request.contents().any(Content::has_empty_text) {
        return Err(refuse(
            "messages: text content blocks must be non-empty".to_owned(),
        ));
    }
    Ok(ChatAsk {
        stream: request.stream,
        include_usage: true,
        choices: 1,
        limit: Some(limit),
        stops: request.stop_sequences.clone(),
        prompt: request.prompt(),
        prompt_tokens: request.contents().map(Content::words).sum(),
        images: request.contents().map(Content::images).sum(),
        expects: request.expects(),
        model: request.model,
    })
}

// === impl Request ===

impl Request {
    /// The system's and every message's.
    fn contents(&self) -> impl Iterator<Item = &Content> {
        let messages = self.messages.iter().map(|message| &message.content);
        self.system.iter().chain(messages)
    }

    fn prompt(&self) -> String {
        let last = self.messages.iter().rfind(|message| message.role == Role::User);
        prompt(&last.map_or_else(Vec::new, |message| message.content.texts()))
    }

    fn expects(&self) -> Expects {
        let answered = self
            .messages
            .last()
            .is_some_and(|last| last.content.is_tool_result());
        if let Some(tool) = self.tool().filter(|_| !answered) {
            return call(&tool.name, tool.input_schema.as_ref());
        }
        match &self.output_config["format"]["schema"] {
            Value::Null => Expects::Text,
            schema => Expects::Json(example::of(schema).to_string()),
        }
    }

    /// The tool to call: the one `tool_choice` names, otherwise the first.
    fn tool(&self) -> Option<&Tool> {
        match self.tool_choice["type"].as_str() {
            Some("none") => None,
            Some("tool") => self
                .tools
                .iter()
                .find(|tool| self.tool_choice["name"] == tool.name),
            _ => self.tools.first(),
        }
    }
}

// === impl Content ===

impl Content {
    fn blocks(&self) -> &[Block] {
        match self {
            Self::Text(_) => &[],
            Self::Blocks(blocks) => blocks,
        }
    }

    /// The texts that stand here themselves.
    fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => vec![text],
            Self::Blocks(blocks) => blocks.iter().filter_map(|block| block.text.as_deref()).collect(),
        }
    }

    /// All there is to read, in tools' results too.
    fn words(&self) -> usize {
        let here: usize = self.texts().into_iter().map(words).sum();
        here + self.results().map(Self::words).sum::<usize>()
    }

    fn images(&self) -> usize {
        let here = self.blocks().iter().filter(|block| block.kind == "image").count();
        here + self.results().map(Self::images).sum::<usize>()
    }

    fn results(&self) -> impl Iterator<Item = &Self> {
        self.blocks().iter().filter_map(|block| block.content.as_ref())
    }

    fn is_tool_result(&self) -> bool {
        self.blocks().iter().any(|block| block.kind == "tool_result")
    }

    fn has_empty_text(&self) -> bool {
        let empty = |block: &Block| block.kind == "text" && block.text.as_deref().is_none_or(str::is_empty);
        self.blocks().iter().any(empty)
    }
}

#[cfg(test)]
mod tests;
