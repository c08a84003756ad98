//! Reading what the vendor sent.

use serde::de::DeserializeOwned;

use super::{Event, Failure, Head, Header, Reply};
use crate::words::FailureKind;

impl Header {
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

impl Head {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name. Only described headers are here.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(header.value.trim())
    }
}

impl Reply {
    /// The body as `T`, or a `malformed_reply`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        parse(&self.body)
    }
}

impl Event {
    /// The marker that ends a stream of the canonical dialect.
    pub fn is_done(&self) -> bool {
        self.data.trim_ascii() == b"[DONE]"
    }

    /// The data as `T`, or a `malformed_reply`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        parse(&self.data)
    }
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(|error| {
        Failure::new(FailureKind::MalformedReply).message(format!("cannot read the vendor's reply: {error}"))
    })
}
