//! What was received and how it ended. Must never keep a credential apart from the account's key, and
//! never take a lock while recording is off.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::ask::Operation;
use crate::wire::Wire;

/// Requests kept; the oldest go first.
const KEPT: usize = 10_000;
/// The largest body kept, in bytes.
const LARGEST_BODY: usize = 64 * 1024;

/// A request as it came in and what became of it. Times count from the simulator's start, see
/// `Simulator::now`; in JSON they are milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// Counts from 1 over all requests, recorded or not; part of the answer's id.
    pub sequence: u64,
    #[serde(rename = "received_ms", serialize_with = "millis")]
    pub received: Duration,
    /// The connection it came on; they count from 1.
    pub connection: u64,
    pub vendor: String,
    pub account: String,
    /// Empty where the operation has no model or the request could not be read.
    pub model: String,
    pub operation: Operation,
    pub method: String,
    /// Path and query.
    pub path: String,
    /// All but those that carry credentials; of repeated ones the last.
    pub headers: BTreeMap<String, String>,
    /// `null` if it was empty or larger than 64 KiB; a string if it was not JSON.
    pub body: Value,
    /// Whether the caller asked for a stream.
    pub streaming: bool,
    /// The status of the answer.
    pub status: u16,
    /// When the head of the answer was sent; nothing if that did not come to pass yet, or ever.
    #[serde(rename = "answered_ms", serialize_with = "some_millis")]
    pub answered: Option<Duration>,
    /// Nothing while the exchange is under way.
    pub ended: Option<Ended>,
    /// When the connection it came on was closed, by whomever; nothing while that is open.
    #[serde(rename = "disconnected_ms", serialize_with = "some_millis")]
    pub disconnected: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ended {
    #[serde(rename = "at_ms", serialize_with = "millis")]
    pub at: Duration,
    pub how: How,
    /// The vendor's events handed to the socket; a whole reply is one.
    pub events: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    Completed,
    /// The caller was gone before the end.
    CallerLeft,
    /// A rule closed or reset the connection.
    Cut,
}

/// A request as it is kept: cheap to make, put into readable form only when somebody looks.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) sequence: u64,
    pub(crate) received: Duration,
    pub(crate) vendor: String,
    pub(crate) account: String,
    pub(crate) model: String,
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) streaming: bool,
    pub(crate) status: StatusCode,
    pub(crate) wire: Arc<Wire>,
    pub(crate) answered: OnceLock<Duration>,
    pub(crate) ended: OnceLock<Ended>,
}

#[derive(Debug)]
pub(crate) struct Recorder {
    on: AtomicBool,
    entries: Mutex<VecDeque<Arc<Entry>>>,
}

// === impl Recorder ===

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            on: AtomicBool::new(true),
            entries: Mutex::default(),
        }
    }

    pub(crate) fn switch(&self, on: bool) {
        self.on.store(on, Relaxed);
    }

    /// Keeps what `entry` makes, if recording is on; the result takes the end later.
    pub(crate) fn keep(&self, entry: impl FnOnce() -> Entry) -> Option<Arc<Entry>> {
        if !self.on.load(Relaxed) {
            return None;
        }
        let mut entry = entry();
        if entry.body.len() > LARGEST_BODY {
            entry.body = Bytes::new();
        }
        let entry = Arc::new(entry);
        let mut entries = self.entries();
        let oldest = if entries.len() == KEPT {
            entries.pop_front()
        } else {
            None
        };
        entries.push_back(Arc::clone(&entry));
        drop(entries);
        drop(oldest); // not while the lock is held: it may free a large body
        Some(entry)
    }

    pub(crate) fn list(&self) -> Vec<Received> {
        let entries: Vec<Arc<Entry>> = self.entries().iter().cloned().collect();
        entries.iter().map(|entry| entry.readable()).collect()
    }

    pub(crate) fn clear(&self) {
        self.entries().clear();
    }

    /// A panic elsewhere leaves at worst a missing entry, so a poisoned lock is still good.
    fn entries(&self) -> MutexGuard<'_, VecDeque<Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Entry ===

impl Entry {
    fn readable(&self) -> Received {
        let body = match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(_) if self.body.is_empty() => Value::Null,
            Err(_) => Value::from(String::from_utf8_lossy(&self.body)),
        };
        let secret = [
            AUTHORIZATION.as_str(),
            COOKIE.as_str(),
            "api-key",
            "x-api-key",
            "x-goog-api-key",
        ];
        Received {
            sequence: self.sequence,
            received: self.received,
            connection: self.wire.number,
            vendor: self.vendor.clone(),
            account: self.account.clone(),
            model: self.model.clone(),
            operation: self.operation,
            method: self.method.to_string(),
            path: self.uri.to_string(),
            headers: readable(&self.headers)
                .filter(|(name, _)| !secret.contains(&name.as_str()))
                .collect(),
            body,
            streaming: self.streaming,
            status: self.status.as_u16(),
            answered: self.answered.get().copied(),
            ended: self.ended.get().copied(),
            disconnected: self.wire.closed.get().copied(),
        }
    }
}

/// Headers as text.
pub(crate) fn readable(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(move |(name, value)| (name.to_string(), text(value)))
}

fn millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64() * 1e3)
}

#[expect(clippy::ref_option, reason = "serde hands over what the field is")]
fn some_millis<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => millis(duration, serializer),
        None => serializer.serialize_none(),
    }
}
