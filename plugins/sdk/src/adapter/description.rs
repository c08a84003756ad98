//! Describing an adapter: what it can do and what the operator has to configure.

use super::{CredentialField, Description, Endpoint};
use crate::words::Operation;

/// JSON Schema of settings that have no member.
pub(crate) const NO_SETTINGS: &str = r#"{"type": "object", "additionalProperties": false}"#;

impl Description {
    /// `vendor`: the vendor's name in lower case. `version`: `env!("CARGO_PKG_VERSION")`. All else is empty.
    pub fn new(vendor: &str, version: &str) -> Self {
        Self {
            vendor: vendor.to_owned(),
            version: version.to_owned(),
            operations: Vec::new(),
            endpoints: Vec::new(),
            credentials: Vec::new(),
            settings_schema: NO_SETTINGS.to_owned(),
            reply_headers: Vec::new(),
            features: "{}".to_owned(),
        }
    }

    pub fn operations(mut self, operations: impl IntoIterator<Item = Operation>) -> Self {
        self.operations.extend(operations.into_iter().map(String::from));
        self
    }

    /// A server the adapter talks to; the first is the one that requests go to unless they say otherwise.
    pub fn endpoint(mut self, name: &str, default_url: Option<&str>) -> Self {
        self.endpoints.push(Endpoint {
            name: name.to_owned(),
            default_url: default_url.map(str::to_owned),
        });
        self
    }

    pub fn credential(mut self, field: CredentialField) -> Self {
        self.credentials.push(field);
        self
    }

    /// JSON Schema of `target.settings`.
    pub fn settings_schema(mut self, schema: &str) -> Self {
        schema.clone_into(&mut self.settings_schema);
        self
    }

    /// The headers of a reply that the adapter wants to see, in lower case.
    pub fn reply_headers<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.reply_headers.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// A JSON object that says what works.
    pub fn features(mut self, features: &str) -> Self {
        features.clone_into(&mut self.features);
        self
    }
}

impl CredentialField {
    /// A field that never reaches the plugin. `help`: one line that tells the operator where to find it.
    pub fn secret(name: &str, help: &str) -> Self {
        Self {
            name: name.to_owned(),
            secret: true,
            required: true,
            help: help.to_owned(),
        }
    }

    /// A field that comes in `target.public`.
    pub fn public(name: &str, help: &str) -> Self {
        Self {
            secret: false,
            ..Self::secret(name, help)
        }
    }

    pub fn optional(self) -> Self {
        Self {
            required: false,
            ..self
        }
    }
}
