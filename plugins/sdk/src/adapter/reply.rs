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

    /// The data of an event that is to be translated. What is no JSON object is noise: none, and a warning. A
    /// broken object is a `malformed_reply`, because a piece of the answer is lost; once the answer is
    /// `complete` it is noise too.
    pub fn object<T: DeserializeOwned>(
        &self,
        complete: bool,
        warnings: &mut Vec<String>,
    ) -> Result<Option<T>, Failure> {
        let data = self.data.trim_ascii();
        let problem = if data.starts_with(b"{") {
            match parse(data) {
                Ok(object) => return Ok(Some(object)),
                Err(failure) if !complete => return Err(failure),
                Err(failure) => failure.message,
            }
        } else if data.is_empty() || self.is_done() {
            return Ok(None);
        } else {
            format!("{} bytes that are no JSON object", data.len())
        };
        warnings.push(format!("an event of the stream was skipped: {problem}"));
        Ok(None)
    }
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(|error| {
        Failure::new(FailureKind::MalformedReply).message(format!("cannot read the vendor's reply: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_event_is_an_object_or_noise_or_malformed() {
        let read = |data: &str, complete: bool| {
            let (data, mut warnings) = (data.as_bytes().to_vec(), Vec::new());
            let object = Event { name: None, data }.object::<Value>(complete, &mut warnings);
            (object.map_err(|failure| failure.kind()), warnings.len())
        };
        for complete in [false, true] {
            assert_eq!(read(" {\"a\": 1}  ", complete), (Ok(Some(json!({"a": 1}))), 0));
            assert_eq!(read("keep-alive", complete), (Ok(None), 1));
            assert_eq!(read("  ", complete), (Ok(None), 0));
            assert_eq!(read("[DONE]", complete), (Ok(None), 0));
        }
        assert_eq!(read("{\"a\":", false), (Err(FailureKind::MalformedReply), 0));
        assert_eq!(read("{\"a\":", true), (Ok(None), 1));
    }
}
