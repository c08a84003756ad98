//! Embeddings: vectors that depend on nothing but the input's text.

use axum::body::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::ask::EmbeddingsAsk;
use crate::reply::Reply;
use crate::vendors::Refusal;
use crate::vendors::request::{parse, refuse, words};

/// Dimensions where the request names none; small, since only equality matters here.
const DIMENSIONS: usize = 16;
/// The most dimensions answered, as at OpenAI's largest model.
const MOST_DIMENSIONS: usize = 3_072;

#[derive(Deserialize)]
struct Request {
    model: String,
    input: Input,
    encoding_format: Option<Encoding>,
    dimensions: Option<usize>,
}

/// What vectors are asked for: a text or a token array, one or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    TokenArrays(Vec<Vec<u32>>),
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    Float,
    Base64,
}

#[derive(Serialize)]
struct Answer<'a> {
    object: &'static str,
    data: Vec<Embedding>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Vector,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector {
    Floats(Vec<f32>),
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

pub(super) fn read(body: &[u8]) -> Result<EmbeddingsAsk, Refusal> {
    let request: Request = parse(body)?;
    let dimensions = request.dimensions.unwrap_or(DIMENSIONS);
    if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
        return Err(refuse(format!("dimensions must be from 1 to {MOST_DIMENSIONS}")));
    }
    let inputs = request.input.into_texts();
    if inputs.is_empty() {
        return Err(refuse("input must not be empty".to_owned()));
    }
    let base64 = request.encoding_format == Some(Encoding::Base64);
    Ok(EmbeddingsAsk {
        model: request.model,
        inputs,
        dimensions,
        base64,
    })
}

pub(super) fn write(ask: &EmbeddingsAsk) -> Reply {
    let embedding = |(index, input): (usize, &String)| {
        let floats = vector(input, ask.dimensions);
        let embedding = if ask.base64 {
            Vector::Base64(base64(&little_endian(&floats)))
        } else {
            Vector::Floats(floats)
        };
        Embedding {
            object: "embedding",
            index,
            embedding,
        }
    };
    let tokens = ask.inputs.iter().map(|input| words(input)).sum();
    let answer = Answer {
        object: "list",
        data: ask.inputs.iter().enumerate().map(embedding).collect(),
        model: &ask.model,
        usage: Usage {
            prompt_tokens: tokens,
            total_tokens: tokens,
        },
    };
    #[expect(
        clippy::expect_used,
        reason = "the answer is strings and numbers, which always serialise"
    )]
    let body = serde_json::to_vec(&answer).expect("an embeddings answer serialises");
    Reply::whole(StatusCode::OK, Bytes::from(body), 1)
}

/// A vector of components from -1 to 1 that only this text has, or nearly so.
fn vector(input: &str, dimensions: usize) -> Vec<f32> {
    // FNV-1a over the text seeds a linear congruential generator with Knuth's MMIX constants.
    let seed = input.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let step = |state: &u64| {
        Some(
            state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407),
        )
    };
    let states = std::iter::successors(step(&seed), step);
    states
        .take(dimensions)
        .map(|state| f32::from((state >> 48) as u16) / 32_767.5 - 1.0)
        .collect()
}

fn little_endian(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|float| float.to_le_bytes()).collect()
}

/// Standard base64 with padding, RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| {
            bits << 8 | usize::from(group.get(at).copied().unwrap_or(0))
        });
        for at in 0..4 {
            let letter = char::from(ALPHABET[bits >> (18 - 6 * at) & 63]);
            encoded.push(if at <= group.len() { letter } else { '=' });
        }
    }
    encoded
}

// === impl Input ===

impl Input {
    fn into_texts(self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text],
            Self::Texts(texts) => texts,
            Self::Tokens(tokens) => vec![written(&tokens)],
            Self::TokenArrays(arrays) => arrays.iter().map(|tokens| written(tokens)).collect(),
        }
    }
}

/// A token array as text, one word per token.
fn written(tokens: &[u32]) -> String {
    tokens.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn answer(request: &Value) -> Value {
        let ask = read(request.to_string().as_bytes()).unwrap();
        serde_json::from_slice(&write(&ask).events[0].bytes).unwrap()
    }

    #[test]
    fn base64_matches_the_examples_of_rfc_4648() {
        for (bytes, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), encoded);
        }
    }

    #[test]
    fn equal_texts_have_equal_vectors_and_others_do_not() {
        let answer = answer(&json!({"model": "m", "input": ["a b", "c", "a b"], "dimensions": 4}));
        let vector = |at: usize| &answer["data"][at]["embedding"];
        assert_eq!((vector(0), vector(0).as_array().unwrap().len()), (vector(2), 4));
        assert_ne!(vector(0), vector(1));
        assert_eq!(answer["usage"], json!({"prompt_tokens": 5, "total_tokens": 5}));
    }

    #[test]
    fn components_lie_between_minus_one_and_one() {
        let vector = vector("text", MOST_DIMENSIONS);
        assert!(vector.iter().all(|component| component.abs() <= 1.0));
        assert!(
            vector.iter().any(|component| *component < -0.9)
                && vector.iter().any(|component| *component > 0.9)
        );
    }

    #[test]
    fn token_arrays_are_inputs_too() {
        for (input, vectors) in [(json!("a"), 1), (json!([1, 2]), 1), (json!([[1, 2], [3]]), 2)] {
            let answer = answer(&json!({"model": "m", "input": input, "encoding_format": "base64"}));
            assert_eq!(answer["data"].as_array().unwrap().len(), vectors);
            // 16 floats of 4 bytes
            assert_eq!(answer["data"][0]["embedding"].as_str().unwrap().len(), 88);
        }
    }

    #[test]
    fn empty_inputs_and_wild_dimensions_are_refused() {
        for extra in [
            json!({"input": []}),
            json!({"input": "a", "dimensions": 0}),
            json!({"input": 5}),
        ] {
            let mut request = json!({"model": "m"});
            request
                .as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            assert_eq!(
                read(request.to_string().as_bytes()).unwrap_err().status,
                StatusCode::BAD_REQUEST
            );
        }
    }
}
