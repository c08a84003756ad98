//! Vectors made of hashes: the same text always gives the same vector, of length one. Nothing else about them
//! means anything, so they are good for trying things only.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use patchbay_sdk::adapter::{Call, Chunk, Failure, Progress};
use patchbay_sdk::canonical::{EmbeddingsRequest, Input, Usage};
use serde_json::{Value, json};

const DEFAULT_DIMENSIONS: u32 = 8;
const MAX_DIMENSIONS: u32 = 4096;

pub(crate) fn answer(call: &Call, request: &EmbeddingsRequest) -> Result<Progress, Failure> {
    let dimensions = request.dimensions.unwrap_or(DEFAULT_DIMENSIONS);
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        return Err(Failure::invalid(
            "dimensions",
            format!("dimensions must be between 1 and {MAX_DIMENSIONS}"),
        ));
    }
    let encode = match request.encoding_format.as_deref() {
        None | Some("float") => as_floats,
        Some("base64") => as_base64,
        Some(_) => {
            return Err(Failure::invalid(
                "encoding_format",
                "encoding_format must be float or base64",
            ));
        }
    };
    let items = items(&request.input);
    let data: Vec<Value> = (0u32..)
        .zip(&items)
        .map(|(index, item)| {
            let embedding = encode(&vector(&item.bytes, dimensions));
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let usage = Usage::new(items.iter().map(|item| item.tokens).sum(), 0);
    let counts = usage.counts();
    let answer = json!({
        "object": "list", "data": data, "model": call.model,
        "usage": {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.total_tokens},
    });
    Ok(Progress::done().chunk(Chunk::token(&answer)).counts(counts))
}

/// One thing to embed.
struct Item {
    bytes: Vec<u8>,
    tokens: u64,
}

fn items(input: &Input) -> Vec<Item> {
    let text = |text: &String| Item {
        bytes: text.as_bytes().to_vec(),
        tokens: text.split_whitespace().count() as u64,
    };
    let list = |tokens: &Vec<u32>| Item {
        bytes: tokens.iter().flat_map(|token| token.to_le_bytes()).collect(),
        tokens: tokens.len() as u64,
    };
    match input {
        Input::Text(one) => vec![text(one)],
        Input::Texts(many) => many.iter().map(text).collect(),
        Input::Tokens(one) => vec![list(one)],
        Input::TokenLists(many) => many.iter().map(list).collect(),
    }
}

fn vector(bytes: &[u8], dimensions: u32) -> Vec<f32> {
    let seed = bytes.iter().fold(FNV_OFFSET, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)
    });
    let signed = |bits: u64| (bits >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
    let numbers: Vec<f64> = (0..dimensions).map(|at| signed(mixed(seed, at))).collect();
    let length = numbers.iter().map(|number| number * number).sum::<f64>().sqrt();
    numbers.iter().map(|number| (number / length) as f32).collect()
}

// FNV-1a, 64 bits.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Number `at` of SplitMix64's sequence.
fn mixed(seed: u64, at: u32) -> u64 {
    let mut bits = seed.wrapping_add((u64::from(at) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn as_floats(vector: &[f32]) -> Value {
    json!(vector)
}

/// 32-bit floats, the lowest byte first.
fn as_base64(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    Value::String(STANDARD.encode(bytes))
}
