//! What the host reads from answers and stream chunks in passing: does it carry output, is it finished, is it an
//! error, what did it use.
//!
//! Runs for every event of every stream, so it allocates nothing it can borrow.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Tokens;
use super::usage::UsageMember;

/// One stream chunk.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ChunkPeek {
    /// It carries output of the model.
    pub token: bool,
    /// Choices in this chunk that gave a reason for having finished.
    pub finished: u32,
    pub choices: u32,
    pub usage: Option<Tokens>,
    /// It is an error in the middle of a stream.
    pub error: bool,
}

/// One whole answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AnswerPeek {
    pub usage: Option<Tokens>,
    /// It is an error that came as a success.
    pub error: bool,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<UsageMember>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<Content>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    usage: Option<UsageMember>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

/// Whether any member but `role` says something.
struct Delta {
    token: bool,
}

/// Whether a value says something: not null, not an empty string, not an empty list.
struct Content(bool);

/// A JSON object. Derived structs alone would read a list as well.
struct Object<T>(T);

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

// === impl ChunkPeek ===

impl ChunkPeek {
    pub fn read(chunk: &[u8]) -> Result<Self, serde_json::Error> {
        let Object(chunk) = serde_json::from_slice::<Object<Chunk>>(chunk)?;
        let choices = chunk.choices.unwrap_or_default();
        let count = |test: fn(&Choice) -> bool| {
            u32::try_from(choices.iter().filter(|choice| test(choice)).count()).unwrap_or(u32::MAX)
        };
        Ok(Self {
            token: choices
                .iter()
                .any(|choice| choice.delta.as_ref().is_some_and(|delta| delta.token)),
            finished: count(|choice| matches!(choice.finish_reason, Some(Content(true)))),
            choices: count(|_| true),
            usage: chunk.usage.map(Tokens::from),
            error: chunk.error.is_some(),
        })
    }

    /// The chunk that exists only because usage was asked for.
    pub fn is_usage_only(&self) -> bool {
        self.choices == 0 && self.usage.is_some()
    }
}

// === impl AnswerPeek ===

impl AnswerPeek {
    pub fn read(answer: &[u8]) -> Result<Self, serde_json::Error> {
        let Object(answer) = serde_json::from_slice::<Object<Answer>>(answer)?;
        Ok(Self {
            usage: answer.usage.map(Tokens::from),
            error: answer.error.is_some(),
        })
    }
}

// === impl Object ===

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Read(std::marker::PhantomData))
    }
}

// === impl Delta ===

impl<'de> Deserialize<'de> for Delta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Delta;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a delta object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Delta, A::Error> {
                let mut token = false;
                while let Some(Key(key)) = map.next_key()? {
                    let Content(says_something) = map.next_value()?;
                    token |= says_something && key != "role";
                }
                Ok(Delta { token })
            }
        }

        deserializer.deserialize_map(Read)
    }
}

// === impl Content ===

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_unit<E>(self) -> Result<Content, E> {
                Ok(Content(false))
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content(!text.is_empty()))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Content, E> {
                Ok(Content(true))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Content, E> {
                Ok(Content(true))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Content, E> {
                Ok(Content(true))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Content, E> {
                Ok(Content(true))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
                let mut any = false;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    any = true;
                }
                Ok(Content(any))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Content(true))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peek(chunk: &str) -> ChunkPeek {
        ChunkPeek::read(chunk.as_bytes()).unwrap()
    }

    #[test]
    fn only_output_counts_as_a_token() {
        for (delta, token) in [
            (r#"{"role":"assistant"}"#, false),
            (r#"{"role":"assistant","content":"","refusal":null}"#, false),
            (r#"{"content":"a"}"#, true),
            (r#"{"reasoning_content":"hm"}"#, true),
            (r#"{"tool_calls":[{"index":0}]}"#, true),
            (r#"{"tool_calls":[]}"#, false),
            (r#"{"refusal":"no"}"#, true),
            ("{}", false),
            ("null", false),
        ] {
            let chunk =
                format!(r#"{{"id":"1","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#);
            assert_eq!(peek(&chunk).token, token, "{delta}");
        }
    }

    #[test]
    fn finish_usage_and_error_are_seen() {
        let last = peek(r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":null}"#);
        assert_eq!((last.finished, last.choices, last.usage), (1, 1, None));
        let usage = peek(r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#);
        assert!(usage.is_usage_only());
        assert_eq!(usage.usage.unwrap().output, 4);
        assert!(peek(r#"{"error":{"message":"overloaded"}}"#).error);
        assert!(!peek(r#"{"error":null,"choices":[]}"#).error);
        assert!(ChunkPeek::read(b"{\"choices\":").is_err());
        assert!(ChunkPeek::read(b"not json").is_err());
        assert!(ChunkPeek::read(b"[]").is_err());
        assert!(AnswerPeek::read(b"[]").is_err());
    }
}
