//! The contract in the host's own words, whichever version of the WIT package a plugin was built for.
//!
//! Types only. What comes from a guest has been checked when it gets here (see [`super::check`]).

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method};
use url::Url;

use crate::chat::{Edit, Operation, TokenClass};
use crate::failure::Failure;
use crate::pool::Reported;

/// One attempt, as an adapter is told about it.
#[derive(Debug, Clone)]
pub struct Call {
    /// In the contract's words.
    pub operation: &'static str,
    /// The upstream model's name.
    pub model: String,
    pub streaming: bool,
    pub request_id: String,
    /// From 1.
    pub attempt: u32,
    /// Unix time in milliseconds.
    pub now: u64,
    /// Unix time in milliseconds.
    pub deadline: u64,
    pub entropy: u64,
}

/// One request to be ranked.
#[derive(Debug, Clone)]
pub struct Turn {
    pub operation: Operation,
    /// The public model's name.
    pub model: String,
    /// The name of the caller's key.
    pub caller: String,
    pub tags: Vec<String>,
    pub streaming: bool,
    pub input_tokens: u32,
    pub sequence: u64,
    pub entropy: u64,
    /// Unix time in milliseconds.
    pub now: u64,
    /// Unix time in milliseconds.
    pub deadline: u64,
}

/// What happened since the exchange was called last.
#[derive(Debug)]
pub enum Input {
    Reply { head: Head, body: Bytes },
    Head(Head),
    Events(Vec<Event>),
    End,
    Pull,
}

/// Status and those headers the adapter has asked for.
#[derive(Debug, Clone)]
pub struct Head {
    pub status: u16,
    pub headers: Vec<(String, String)>,
}

/// One SSE event or one line of NDJSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub name: Option<String>,
    pub data: Bytes,
}

/// What came of a call into an exchange.
#[derive(Debug)]
pub struct Progress {
    pub chunks: Vec<Chunk>,
    /// Totals of the classes the host knows.
    pub usage: Vec<(TokenClass, u64)>,
    /// Limits as the vendor reported them.
    pub limits: Vec<Reported>,
    pub warnings: Vec<String>,
    pub next: Next,
}

/// A piece of the answer in canonical JSON, on one line.
#[derive(Debug)]
pub struct Chunk {
    pub data: Bytes,
    /// It carries output of the model.
    pub token: bool,
}

#[derive(Debug)]
pub enum Next {
    Send(Box<Outgoing>),
    More,
    Pull,
    Done,
    Failed(Failure),
}

/// A request that may leave: its address is one the operator allowed.
#[derive(Debug)]
pub struct Outgoing {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub credentials: Vec<CredentialUse>,
    pub body: Body,
    pub framing: Framing,
    /// A successful reply is canonical already.
    pub canonical: bool,
    /// The exchange wants to see the head of a canonical success too.
    pub want_head: bool,
}

/// Where the host writes a credential field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialUse {
    Header {
        name: HeaderName,
        prefix: String,
        field: String,
    },
    Query {
        parameter: String,
        field: String,
    },
    /// Only with a body of the guest's own.
    Form {
        member: String,
        field: String,
    },
}

impl CredentialUse {
    /// The credential field it writes.
    pub fn field(&self) -> &str {
        match self {
            Self::Header { field, .. } | Self::Query { field, .. } | Self::Form { field, .. } => field,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    /// The canonical request as it is.
    Unchanged,
    Empty,
    /// The canonical request with these edits.
    Edited(Vec<Edit>),
    Bytes(Bytes),
}

/// How a successful reply is cut into events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Whole,
    Sse,
    Ndjson,
}
