//! Reads a chat request. Takes what the vendor takes and looks only at what changes the answer; must
//! never copy a message it does not need.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::ask::{ChatAsk, Expects};
use crate::example;
use crate::vendors::Refusal;
use crate::vendors::request::{call, parse, prompt, refuse, words};

/// The most alternatives per request, as at OpenAI.
const MOST_CHOICES: usize = 128;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    n: Option<usize>,
    max_tokens: Option<usize>,
    max_completion_tokens: Option<usize>,
    stop: Option<Stop>,
    #[serde(borrow)]
    tools: Option<Vec<Tool<'a>>>,
    tool_choice: Option<Value>,
    #[serde(borrow)]
    response_format: Option<ResponseFormat<'a>>,
}

/// One text to stop at, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
}

/// The content of a message, plain or in parts, reduced to what counts.
#[derive(Default)]
struct Content<'a> {
    texts: Vec<Cow<'a, str>>,
    images: usize,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    image_url: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ResponseFormat<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    json_schema: Option<JsonSchema>,
}

#[derive(Deserialize)]
struct JsonSchema {
    #[serde(default)]
    schema: Value,
}

pub(super) fn chat(body: &[u8]) -> Result<ChatAsk, Refusal> {
    let request: Request<'_> = parse(body)?;
    let choices = request.n.unwrap_or(1);
    if !(1..=MOST_CHOICES).contains(&choices) {
        return Err(refuse(format!("n must be from 1 to {MOST_CHOICES}")));
    }
    if request.messages.is_empty() {
        return Err(refuse("messages must hold at least one message".to_owned()));
    }
    Ok(ChatAsk {
        stream: request.stream.unwrap_or(false),
        include_usage: request
            .stream_options
            .as_ref()
            .is_some_and(|options| options.include_usage),
        choices,
        limit: request.max_completion_tokens.or(request.max_tokens),
        stops: request.stop.as_ref().map_or_else(Vec::new, Stop::texts),
        prompt: request.prompt(),
        prompt_tokens: request
            .contents()
            .flat_map(|content| &content.texts)
            .map(|text| words(text))
            .sum(),
        images: request.contents().map(|content| content.images).sum(),
        expects: request.expects(),
        model: request.model.into_owned(),
    })
}

// === impl Request ===

impl<'a> Request<'a> {
    fn contents(&self) -> impl Iterator<Item = &Content<'a>> {
        self.messages
            .iter()
            .filter_map(|message| message.content.as_ref())
    }

    /// The start of what the user said last.
    fn prompt(&self) -> String {
        let last = self.messages.iter().rfind(|message| message.role == "user");
        let texts = last
            .and_then(|message| message.content.as_ref())
            .map_or(&[][..], |content| &content.texts);
        prompt(texts)
    }

    fn expects(&self) -> Expects {
        let answered = self.messages.last().is_some_and(|message| message.role == "tool");
        if let Some(function) = self.function().filter(|_| !answered) {
            let schema = function
                .parameters
                .and_then(|raw| serde_json::from_str(raw.get()).ok());
            return call(&function.name, schema.as_ref());
        }
        match self
            .response_format
            .as_ref()
            .map(|format| (&*format.kind, &format.json_schema))
        {
            Some(("json_schema", Some(wanted))) => Expects::Json(example::of(&wanted.schema).to_string()),
            Some(("json_object" | "json_schema", _)) => Expects::JsonObject,
            _ => Expects::Text,
        }
    }

    /// The function to call: the one `tool_choice` names, otherwise the first.
    fn function(&self) -> Option<&Function<'a>> {
        let choice = self.tool_choice.as_ref().unwrap_or(&Value::Null);
        if choice == "none" {
            return None;
        }
        let mut functions = self
            .tools
            .iter()
            .flatten()
            .filter_map(|tool| tool.function.as_ref());
        match choice["function"]["name"].as_str() {
            Some(name) => functions.find(|function| function.name == name),
            None => functions.next(),
        }
    }
}

// === impl Stop ===

impl Stop {
    fn texts(&self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.clone()],
            Self::Several(texts) => texts.clone(),
        }
    }
}

// === impl Content ===

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text or a list of content parts")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Content {
            texts: vec![Cow::Borrowed(text)],
            images: 0,
        })
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Content {
            texts: vec![Cow::Owned(text.to_owned())],
            images: 0,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut content = Content::default();
        while let Some(part) = parts.next_element::<Part<'de>>()? {
            content.texts.extend(part.text);
            content.images += usize::from(part.image_url.is_some());
        }
        Ok(content)
    }
}

#[cfg(test)]
mod tests;
