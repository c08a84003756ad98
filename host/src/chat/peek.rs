//! What the host reads from answers and stream chunks in passing: does it carry output, is it finished, is it an
//! error, what did it use.
//!
//! Runs for every event of every stream, so it allocates nothing it can borrow.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::usage::UsageMember;
use super::{Tokens, Weight};

/// One stream chunk.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ChunkPeek {
    pub choices: Vec<ChoicePeek>,
    /// The output in it.
    pub weight: Weight,
    pub usage: Option<Tokens>,
    /// It is an error in the middle of a stream.
    pub error: bool,
}

/// What a chunk says of one choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChoicePeek {
    pub index: u32,
    /// It carries output of the model.
    pub token: bool,
    /// It calls a tool.
    pub calls: bool,
    /// It gives a reason for having finished.
    pub finished: bool,
}

/// One whole answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AnswerPeek {
    /// It holds an answer at all: a choice, or data.
    pub answers: bool,
    /// A choice does not say why it has finished.
    pub unfinished: bool,
    /// The output in it.
    pub weight: Weight,
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
    index: Option<u32>,
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<Content>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    choices: Option<Vec<AnswerChoice>>,
    #[serde(default)]
    data: Option<Vec<IgnoredAny>>,
    #[serde(default)]
    usage: Option<UsageMember>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct AnswerChoice {
    #[serde(default)]
    message: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<Content>,
}

/// What the members but `role` say.
#[derive(Default)]
struct Delta {
    token: bool,
    calls: bool,
    weight: Weight,
}

/// Whether a value says something (it is not null, not an empty string, not an empty list), and how much.
#[derive(Default)]
struct Content {
    says: bool,
    weight: Weight,
}

/// A JSON object. Derived structs alone would read a list as well.
struct Object<T>(T);

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

// === impl ChunkPeek ===

impl ChunkPeek {
    pub fn read(chunk: &[u8]) -> Result<Self, serde_json::Error> {
        let Object(chunk) = serde_json::from_slice::<Object<Chunk>>(chunk)?;
        let mut peek = Self {
            choices: Vec::new(),
            weight: Weight::default(),
            usage: chunk.usage.map(Tokens::from),
            error: chunk.error.is_some(),
        };
        for (position, choice) in (0..).zip(chunk.choices.unwrap_or_default()) {
            let delta = choice.delta.unwrap_or_default();
            peek.weight += delta.weight;
            peek.choices.push(ChoicePeek {
                index: choice.index.unwrap_or(position),
                token: delta.token,
                calls: delta.calls,
                finished: choice.finish_reason.is_some_and(|reason| reason.says),
            });
        }
        Ok(peek)
    }

    /// It carries output of the model.
    pub fn token(&self) -> bool {
        self.choices.iter().any(|choice| choice.token)
    }

    /// The chunk that exists only because usage was asked for.
    pub fn is_usage_only(&self) -> bool {
        self.choices.is_empty() && self.usage.is_some()
    }
}

// === impl AnswerPeek ===

impl AnswerPeek {
    pub fn read(answer: &[u8]) -> Result<Self, serde_json::Error> {
        let Object(answer) = serde_json::from_slice::<Object<Answer>>(answer)?;
        let choices = answer.choices.unwrap_or_default();
        let mut peek = Self {
            answers: choices.iter().any(|choice| choice.message.is_some())
                || answer.data.is_some_and(|data| !data.is_empty()),
            unfinished: false,
            weight: Weight::default(),
            usage: answer.usage.map(Tokens::from),
            error: answer.error.is_some(),
        };
        for choice in choices {
            peek.unfinished |= !choice.finish_reason.is_some_and(|reason| reason.says);
            peek.weight += choice.message.unwrap_or_default().weight;
        }
        Ok(peek)
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
                let mut delta = Delta::default();
                while let Some(Key(key)) = map.next_key()? {
                    let content: Content = map.next_value()?;
                    if content.says && key != "role" {
                        delta.token = true;
                        delta.calls |= key == "tool_calls";
                        delta.weight += content.weight;
                    }
                }
                Ok(delta)
            }
        }

        deserializer.deserialize_map(Read)
    }
}

// === impl Content ===

impl Content {
    const OF_NO_WEIGHT: Self = Self {
        says: true,
        weight: Weight::ZERO,
    };
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_unit<E>(self) -> Result<Content, E> {
                Ok(Content::default())
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content {
                    says: !text.is_empty(),
                    weight: Weight::of(text),
                })
            }

            fn visit_bool<E>(self, _: bool) -> Result<Content, E> {
                Ok(Content::OF_NO_WEIGHT)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Content, E> {
                Ok(Content::OF_NO_WEIGHT)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Content, E> {
                Ok(Content::OF_NO_WEIGHT)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Content, E> {
                Ok(Content::OF_NO_WEIGHT)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
                let mut all = Content::default();
                while let Some(item) = list.next_element::<Content>()? {
                    all.says = true;
                    all.weight += item.weight;
                }
                Ok(all)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
                let mut all = Content::OF_NO_WEIGHT;
                while let Some((IgnoredAny, value)) = map.next_entry::<IgnoredAny, Content>()? {
                    all.weight += value.weight;
                }
                Ok(all)
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
            assert_eq!(peek(&chunk).token(), token, "{delta}");
        }
    }

    #[test]
    fn finish_usage_and_error_are_seen() {
        let last = peek(r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":null}"#);
        assert!(last.choices[0].finished && !last.choices[0].token && last.usage.is_none());
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

    #[test]
    fn choices_are_told_apart() {
        let both = peek(
            r#"{"choices":[{"index":1,"delta":{"tool_calls":[{"function":{"arguments":"abcd"}}]}},
                {"delta":{"content":"efgh"},"finish_reason":"stop"}]}"#,
        );
        let told: Vec<_> = both
            .choices
            .iter()
            .map(|choice| (choice.index, choice.calls, choice.finished))
            .collect();
        assert_eq!(told, [(1, true, false), (1, false, true)]);
        assert_eq!(both.weight.tokens(), 2);
    }

    #[test]
    fn a_whole_answer_has_one_and_says_that_it_is_finished() {
        let read = |answer: &str| AnswerPeek::read(answer.as_bytes()).unwrap();
        let said =
            read(r#"{"choices":[{"message":{"role":"assistant","content":"abcd"},"finish_reason":"stop"}]}"#);
        assert!(said.answers && !said.unfinished);
        assert_eq!(said.weight.tokens(), 1);
        assert!(read(r#"{"choices":[{"message":{},"finish_reason":null}]}"#).unfinished);
        assert!(read(r#"{"data":[{"embedding":[1]}]}"#).answers);
        for nothing in ["{}", r#"{"choices":[]}"#, r#"{"choices":null,"data":[]}"#] {
            assert!(!read(nothing).answers, "{nothing}");
        }
    }
}
