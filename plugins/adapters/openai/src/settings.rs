//! What the operator may set, for servers that differ from OpenAI's own.

use std::collections::BTreeMap;

use serde::Deserialize;

/// JSON Schema of [`Settings`].
pub(crate) const SCHEMA: &str = include_str!("settings.schema.json");

/// The schema says what each member means.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) chat_path: String,
    pub(crate) embeddings_path: String,
    pub(crate) models_path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) credential_header: String,
    pub(crate) credential_prefix: String,
    pub(crate) remove_members: Vec<String>,
    pub(crate) rename_max_tokens: Option<bool>,
    pub(crate) read_limits: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            chat_path: "/chat/completions".to_owned(),
            embeddings_path: "/embeddings".to_owned(),
            models_path: "/models".to_owned(),
            headers: BTreeMap::new(),
            credential_header: "authorization".to_owned(),
            credential_prefix: "Bearer ".to_owned(),
            remove_members: Vec::new(),
            rename_max_tokens: None,
            read_limits: false,
        }
    }
}
