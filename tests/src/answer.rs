//! What callers get: whole answers, and streams event by event.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use crate::marked::unmarked;

/// An answer that was read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// The members of OpenAI's error envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    pub message: String,
    pub kind: String,
    pub code: Option<String>,
    pub param: Option<String>,
}

/// An answer under way. Dropped, it closes its connection.
#[derive(Debug)]
pub struct Stream {
    pub status: u16,
    pub headers: HeaderMap,
    body: Incoming,
    /// What has arrived and is not a whole event yet.
    rest: BytesMut,
    comments: Vec<Comment>,
    /// Whether the body ended as HTTP says it must; none until it ends.
    clean: Option<bool>,
}

/// A comment in a stream.
#[derive(Debug, Clone)]
pub struct Comment {
    pub at: Instant,
    /// What stands after `: `.
    pub text: String,
}

/// One event of a stream.
#[derive(Debug, Clone)]
pub struct Event {
    pub at: Instant,
    /// What stands after `data: `.
    pub data: String,
}

/// A stream that was read to its end.
#[derive(Debug, Clone)]
pub struct Streamed {
    pub status: u16,
    pub headers: HeaderMap,
    pub events: Vec<Event>,
    pub comments: Vec<Comment>,
    /// Whether the body ended as HTTP says it must.
    pub clean: bool,
}

// === impl Answer ===

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("text")
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// What the model said.
    #[track_caller]
    pub fn content(&self) -> String {
        let said = self.json()["choices"][0]["message"]["content"]
            .as_str()
            .map(str::to_owned);
        said.unwrap_or_else(|| panic!("{}: no content in {}", self.status, self.text()))
    }

    /// A header's value; empty without one.
    pub fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }

    /// The error, which must be in the envelope and nothing beside it.
    #[track_caller]
    pub fn error(&self) -> ApiError {
        assert!(self.status >= 400, "{}: {}", self.status, self.text());
        assert_eq!(self.header("content-type"), "application/json");
        ApiError::read(&self.json())
    }
}

// === impl ApiError ===

impl ApiError {
    #[track_caller]
    pub fn read(envelope: &Value) -> Self {
        let members: Vec<_> = envelope.as_object().unwrap().keys().collect();
        assert_eq!(members, ["error"], "{envelope}");
        let error = &envelope["error"];
        assert_eq!(error.as_object().unwrap().len(), 4, "{envelope}");
        let text = |member: &str| error[member].as_str().map(str::to_owned);
        Self {
            message: text("message").unwrap(),
            kind: text("type").unwrap(),
            code: text("code"),
            param: text("param"),
        }
    }
}

// === impl Stream ===

impl Stream {
    pub(crate) fn new(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        unmarked("a head", format!("{:?}", head.headers).as_bytes());
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            rest: BytesMut::new(),
            comments: Vec::new(),
            clean: None,
        }
    }

    pub fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }

    /// The next event; none after the last.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.rest.windows(2).position(|two| two == b"\n\n") {
                let event = self.rest.split_to(end + 2);
                let event = std::str::from_utf8(&event[..end]).expect("text");
                if let Some(data) = self.read(event) {
                    return Some(data);
                }
                continue;
            }
            let bytes = self.frame().await?;
            self.rest.extend_from_slice(&bytes);
        }
    }

    /// Comments may stand before the one line of data, or alone.
    fn read(&mut self, event: &str) -> Option<Event> {
        let at = Instant::now();
        let mut lines = event.split('\n').peekable();
        while let Some(text) = lines.next_if(|line| line.starts_with(':')) {
            let text = text
                .strip_prefix(": ")
                .expect("a space after the colon")
                .to_owned();
            self.comments.push(Comment { at, text });
        }
        let data = lines.next()?;
        let data = data.strip_prefix("data: ").expect("a line of data");
        assert!(lines.next().is_none() && !data.contains('\r'), "{event:?}");
        Some(Event {
            at,
            data: data.to_owned(),
        })
    }

    /// Reads on to the end. What is no whole event must not be there.
    pub async fn to_end(mut self) -> Streamed {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        assert!(self.rest.is_empty(), "after the last event: {:?}", self.rest);
        let clean = self.clean == Some(true);
        Streamed {
            status: self.status,
            headers: self.headers,
            events,
            comments: self.comments,
            clean,
        }
    }

    /// Reads all of it as one body, which must end properly.
    pub async fn whole(mut self) -> Answer {
        let mut body = BytesMut::new();
        while let Some(bytes) = self.frame().await {
            body.extend_from_slice(&bytes);
        }
        assert_eq!(self.clean, Some(true), "the answer broke off after {body:?}");
        unmarked("an answer", &body);
        Answer {
            status: self.status,
            headers: self.headers,
            body: body.freeze(),
        }
    }

    /// Reads all of it, whatever it is, and says whether it ended properly.
    pub async fn raw(mut self) -> (Bytes, bool) {
        let mut body = BytesMut::new();
        while let Some(bytes) = self.frame().await {
            body.extend_from_slice(&bytes);
        }
        (body.freeze(), self.clean == Some(true))
    }

    async fn frame(&mut self) -> Option<Bytes> {
        while self.clean.is_none() {
            match self.body.frame().await {
                None => self.clean = Some(true),
                Some(Err(_)) => self.clean = Some(false),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => {
                        unmarked("an answer", &bytes);
                        return Some(bytes);
                    }
                    Err(_trailers) => {}
                },
            }
        }
        None
    }
}

// === impl Streamed ===

impl Streamed {
    pub fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }

    /// Everything but the end mark, as JSON.
    pub fn chunks(&self) -> Vec<Value> {
        let chunks = self.events.iter().filter(|event| event.data != "[DONE]");
        chunks
            .map(|event| serde_json::from_str(&event.data).expect("JSON"))
            .collect()
    }

    /// What the model said.
    pub fn content(&self) -> String {
        let chunks = self.chunks();
        let deltas = chunks
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
        deltas.collect()
    }

    /// The end mark came, last and once.
    pub fn is_done(&self) -> bool {
        let marks = self.events.iter().filter(|event| event.data == "[DONE]").count();
        marks == 1 && self.events.last().is_some_and(|event| event.data == "[DONE]")
    }

    /// The error that the stream ended with, if it did.
    pub fn error(&self) -> Option<ApiError> {
        let last: Value = serde_json::from_str(&self.events.last()?.data).ok()?;
        last.get("error").is_some().then(|| ApiError::read(&last))
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}
