//! The list of models in canonical form.

use patchbay_sdk::adapter::{Chunk, Progress};
use patchbay_sdk::classify;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Page {
    data: Vec<Model>,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    display_name: Option<String>,
    created_at: Option<String>,
    /// The two lengths are in tokens.
    max_input_tokens: Option<u64>,
    max_tokens: Option<u64>,
}

/// None if the body is no list of models. The lengths that the vendor tells are kept, in the words that the
/// configuration has for them.
pub(crate) fn list(body: &[u8]) -> Option<Progress> {
    let page: Page = serde_json::from_slice(body).ok()?;
    let data: Vec<Value> = page.data.into_iter().map(canonical).collect();
    let progress = Progress::done().chunk(Chunk::token(&json!({"object": "list", "data": data})));
    Some(if page.has_more && data.len() > 1 {
        progress.warning("the vendor has more models than one page of its list holds")
    } else {
        progress
    })
}

fn canonical(model: Model) -> Value {
    let created = model
        .created_at
        .as_deref()
        .and_then(classify::rfc3339)
        .unwrap_or(0)
        / 1000;
    let mut canonical =
        json!({"id": model.id, "object": "model", "created": created, "owned_by": "anthropic"});
    let more = [
        ("display_name", model.display_name.map(Value::from)),
        ("context_length", model.max_input_tokens.map(Value::from)),
        ("max_output_tokens", model.max_tokens.map(Value::from)),
    ];
    for (member, value) in more {
        if let Some(value) = value {
            canonical[member] = value;
        }
    }
    canonical
}
