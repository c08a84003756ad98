//! What all exchanges share. Everything in it is counted or swapped atomically; only the recorder has a
//! lock, and that must never be held while an exchange waits.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::record::Recorder;
use crate::rules::RuleBook;
use crate::tally::{AccountSnapshot, Tallies};

/// The simulator at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    pub uptime_ms: u128,
    /// TCP connections open now, the control API's own among them.
    pub connections: u64,
    /// TCP connections accepted since the start, also those that never asked for anything.
    pub accepted: u64,
    /// Requests under way now; requests to the control API are not counted.
    pub in_flight: u64,
    /// Requests received since the start.
    pub received: u64,
    pub accounts: Vec<AccountSnapshot>,
}

#[derive(Debug)]
pub(crate) struct State {
    started: Instant,
    sequence: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) rules: RuleBook,
    pub(crate) recorder: Recorder,
    pub(crate) tallies: Tallies,
}

// === impl State ===

impl State {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            sequence: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            rules: RuleBook::default(),
            recorder: Recorder::new(),
            tallies: Tallies::default(),
        }
    }

    /// Time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Relaxed) + 1
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            uptime_ms: self.now().as_millis(),
            connections: self.connections.load(Relaxed),
            accepted: self.accepted.load(Relaxed),
            in_flight: self.tallies.in_flight(),
            received: self.sequence.load(Relaxed),
            accounts: self.tallies.list(),
        }
    }
}
