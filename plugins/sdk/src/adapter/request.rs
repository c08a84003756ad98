//! Building the request that the host is to send:
//! `Request::post("/chat/completions").json_unchanged().bearer("api_key").sse().canonical()`.

use serde::Serialize;

use super::{Body, CredentialHeader, CredentialUse, CredentialValue, Edit, Framing, Header, Request};
use crate::canonical::to_json;

impl Request {
    /// `path` is appended to the endpoint's base URL and begins with a slash.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path.into())
    }

    /// See [`Request::get`].
    pub fn post(path: impl Into<String>) -> Self {
        Self::new("POST", path.into())
    }

    /// Any of the methods that the contract allows.
    pub fn new(method: &str, path: String) -> Self {
        Self {
            endpoint: None,
            method: method.to_owned(),
            path,
            headers: Vec::new(),
            credentials: Vec::new(),
            body: Body::Empty,
            framing: Framing::Whole,
            canonical: false,
            want_head: false,
        }
    }

    /// Sends it to another endpoint than the first described.
    pub fn endpoint(self, name: &str) -> Self {
        Self {
            endpoint: Some(name.to_owned()),
            ..self
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(Header::new(name, value));
        self
    }

    /// The canonical request as it is. Never copied into the plugin.
    pub fn json_unchanged(self) -> Self {
        self.json_body(Body::Unchanged)
    }

    /// The canonical request with some top-level members set or removed by the host. Without any it is unchanged.
    pub fn json_edited(self, edits: Vec<Edit>) -> Self {
        self.json_body(if edits.is_empty() {
            Body::Unchanged
        } else {
            Body::Edited(edits)
        })
    }

    /// A body of the adapter's own.
    pub fn json(self, body: &impl Serialize) -> Self {
        self.json_body(Body::Bytes(to_json(body)))
    }

    /// Lets the host write `authorization: Bearer <field>`.
    pub fn bearer(self, field: &str) -> Self {
        self.credential_header("authorization", "Bearer ", field)
    }

    /// Lets the host write a credential field, after `prefix`, into a header.
    pub fn credential_header(self, name: &str, prefix: &str, field: &str) -> Self {
        self.credential(CredentialUse::Header(CredentialHeader {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            value: CredentialValue::Field(field.to_owned()),
        }))
    }

    /// Any other use of a credential.
    pub fn credential(mut self, credential: CredentialUse) -> Self {
        self.credentials.push(credential);
        self
    }

    /// A successful reply comes as server-sent events.
    pub fn sse(self) -> Self {
        Self {
            framing: Framing::Sse,
            ..self
        }
    }

    /// A successful reply comes as one JSON value per line.
    pub fn ndjson(self) -> Self {
        Self {
            framing: Framing::Ndjson,
            ..self
        }
    }

    /// A successful reply is canonical already and passes the exchange by.
    pub fn canonical(self) -> Self {
        Self {
            canonical: true,
            ..self
        }
    }

    /// The exchange wants to see the head of a canonical success too.
    pub fn want_head(self) -> Self {
        Self {
            want_head: true,
            ..self
        }
    }

    fn json_body(self, body: Body) -> Self {
        Self { body, ..self }.header("content-type", "application/json")
    }
}

impl Edit {
    pub fn set(member: &str, value: &impl Serialize) -> Self {
        Self {
            member: member.to_owned(),
            value: Some(to_json(value)),
        }
    }

    pub fn remove(member: &str) -> Self {
        Self {
            member: member.to_owned(),
            value: None,
        }
    }
}
