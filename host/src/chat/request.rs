//! What the host must know of a request before it can choose who serves it.
//!
//! Reads only what it needs, and checks only what it reads: the rest is the vendor's business.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use serde_json::value::RawValue;

use super::estimate::{IMAGE, MESSAGE};
use super::{Document, Edit, Operation, Weight};

/// The members that bound the output, the older first.
const OUTPUT_BOUNDS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// A request in canonical form, with what the host read from it.
#[derive(Debug)]
pub struct ChatRequest {
    pub operation: Operation,
    /// The public model's name, as the caller wrote it.
    pub model: String,
    pub streaming: bool,
    /// The caller asked for the usage chunk at the end of the stream.
    pub include_usage: bool,
    pub needs: Needs,
    /// Alternatives asked for (`n`).
    pub choices: u32,
    /// The most that each of them may be, in tokens, if the request says so in a way that can be read.
    pub max_output: Option<u32>,
    /// Estimated (see [`super::Weight`]), images included.
    pub input_tokens: u32,
    /// Estimated, without images.
    pub text_tokens: u32,
    /// `user`: whoever the caller acts for.
    pub end_user: Option<String>,
    document: Document,
}

/// What a model must be able to do to serve a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    pub tools: bool,
    pub vision: bool,
}

/// Why a request cannot even be read.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("the request body is not a JSON object: {0}")]
    NotJson(serde_json::Error),
    #[error("you must provide a {0} parameter")]
    Missing(&'static str),
    #[error("{member}: {problem}")]
    Wrong { member: &'static str, problem: String },
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(default)]
    content: Option<Content>,
    #[serde(borrow, default)]
    tool_calls: Option<&'a RawValue>,
}

/// A message's content: text alone, or parts.
#[derive(Default)]
struct Content {
    text: Weight,
    images: u64,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

// === impl ChatRequest ===

impl ChatRequest {
    /// `default`: the model of a request that names none.
    pub fn parse(operation: Operation, body: Bytes, default: Option<&str>) -> Result<Self, RequestError> {
        let document = Document::parse(body).map_err(RequestError::NotJson)?;
        let model: Option<String> = read(&document, "model")?;
        let model = model
            .or_else(|| default.map(str::to_owned))
            .ok_or(RequestError::Missing("model"))?;
        let streaming = operation == Operation::Chat && read(&document, "stream")?.unwrap_or(false);
        let options: Option<StreamOptions> = read(&document, "stream_options")?;
        let (needs, text, images) = match operation {
            Operation::Chat => read_chat(&document)?,
            Operation::Embeddings => {
                let input = document.get("input").ok_or(RequestError::Missing("input"))?;
                (Needs::default(), weigh(input).tokens(), 0)
            }
        };
        let choices = read(&document, "n")?.filter(|_| operation == Operation::Chat);
        Ok(Self {
            operation,
            model,
            streaming,
            include_usage: options.and_then(|options| options.include_usage).unwrap_or(false),
            needs,
            choices: choices.unwrap_or(1),
            max_output: max_output(&document),
            input_tokens: u32::try_from(text + images * IMAGE).unwrap_or(u32::MAX),
            text_tokens: u32::try_from(text).unwrap_or(u32::MAX),
            end_user: read(&document, "user")?,
            document,
        })
    }

    /// The JSON text of a member the caller sent.
    pub fn member(&self, name: &str) -> Option<&[u8]> {
        self.document.get(name)
    }

    /// The request for one upstream model: its own name, defaults for what the caller left out, no more output tokens
    /// than it can make, and usage asked for at the end of a stream, because the host meters every stream.
    pub fn for_upstream<'a>(
        &self,
        model: &str,
        most_tokens: Option<u32>,
        defaults: impl Iterator<Item = (&'a String, &'a String)>,
    ) -> Document {
        let mut edits = vec![Edit {
            member: "model".into(),
            value: Some(json_text(model)),
        }];
        for (member, value) in defaults {
            if self.document.get(member).is_none() {
                edits.push(Edit {
                    member: member.clone(),
                    value: Some(value.clone().into_bytes()),
                });
            }
        }
        edits.extend(most_tokens.into_iter().flat_map(|most| self.bounded(most)));
        if self.streaming && !self.include_usage {
            edits.push(Edit {
                member: "stream_options".into(),
                value: Some(self.metered_options()),
            });
        }
        self.document.edited(&edits)
    }

    /// Whoever asks for more output than a model can make gets what it can: most vendors would refuse the request, and
    /// another candidate may have another bound. Whoever asks for nothing gets what the vendor gives.
    fn bounded(&self, most: u32) -> impl Iterator<Item = Edit> {
        let asks_for_more = move |member: &&str| {
            let asked = self.document.get(member);
            let asked = asked.and_then(|text| serde_json::from_slice::<f64>(text).ok());
            self.operation == Operation::Chat && asked.is_some_and(|asked| asked > f64::from(most))
        };
        OUTPUT_BOUNDS
            .into_iter()
            .filter(asks_for_more)
            .map(move |member| Edit {
                member: member.into(),
                value: Some(most.to_string().into_bytes()),
            })
    }

    /// `stream_options` with `include_usage` set, whatever else the caller put there.
    fn metered_options(&self) -> Vec<u8> {
        let asked = self
            .document
            .get("stream_options")
            .filter(|text| text.starts_with(b"{"));
        let options = asked.and_then(|text| Document::parse(Bytes::copy_from_slice(text)).ok());
        let metered = Edit {
            member: "include_usage".into(),
            value: Some(b"true".to_vec()),
        };
        match options {
            Some(options) => options.edited(&[metered]).bytes().to_vec(),
            None => br#"{"include_usage":true}"#.to_vec(),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(
    document: &'a Document,
    member: &'static str,
) -> Result<Option<T>, RequestError> {
    match document.get(member) {
        None | Some(b"null") => Ok(None),
        Some(text) => serde_json::from_slice(text)
            .map(Some)
            .map_err(|error| RequestError::Wrong {
                member,
                problem: error.to_string(),
            }),
    }
}

/// Whether a wrong value is an error is the vendor's business.
fn max_output(document: &Document) -> Option<u32> {
    let named = ["max_completion_tokens", "max_tokens"];
    named
        .into_iter()
        .find_map(|name| serde_json::from_slice(document.get(name)?).ok())
}

/// What a chat needs, the tokens of its text, and its images.
fn read_chat(document: &Document) -> Result<(Needs, u64, u64), RequestError> {
    let messages: Vec<Message<'_>> = read(document, "messages")?.ok_or(RequestError::Missing("messages"))?;
    if messages.is_empty() {
        let problem = "an empty list; expected at least one message".to_owned();
        return Err(RequestError::Wrong {
            member: "messages",
            problem,
        });
    }
    let tools = document
        .get("tools")
        .filter(|tools| !matches!(*tools, b"null" | b"[]"));
    let mut text = tools.map_or(Weight::ZERO, weigh);
    let mut images = 0;
    for message in &messages {
        if let Some(content) = &message.content {
            text += content.text;
            images += content.images;
        }
        text += message
            .tool_calls
            .map_or(Weight::ZERO, |calls| Weight::of(calls.get()));
    }
    let needs = Needs {
        tools: tools.is_some(),
        vision: images > 0,
    };
    Ok((needs, text.tokens() + MESSAGE * messages.len() as u64, images))
}

/// JSON text, as it stands.
fn weigh(json: &[u8]) -> Weight {
    std::str::from_utf8(json).map_or(Weight::ZERO, Weight::of)
}

/// A string as JSON text.
pub(crate) fn json_text(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}

// === impl RequestError ===

impl RequestError {
    /// The member of the request at fault.
    pub fn param(&self) -> Option<&'static str> {
        match self {
            Self::NotJson(_) => None,
            Self::Missing(member) | Self::Wrong { member, .. } => Some(member),
        }
    }
}

// === impl Content ===

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of parts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Content {
                    text: Weight::of(text),
                    images: 0,
                })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let mut content = Content::default();
                while let Some(part) = parts.next_element::<Part<'de>>()? {
                    content.text += part.text.as_deref().map_or(Weight::ZERO, Weight::of);
                    content.images += u64::from(part.kind.as_deref() == Some("image_url"));
                }
                Ok(content)
            }
        }

        deserializer.deserialize_any(Read)
    }
}

#[cfg(test)]
mod tests;
