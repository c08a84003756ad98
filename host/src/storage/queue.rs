//! What waits to be written: gathered by whoever has something, taken by the thread that writes.
//!
//! Bounded: one record of either kind for each key, and so many events. Nobody who hands something over waits for more than another
//! one doing the same.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{KeyEvent, KeyName, KeyRecord, QuotaRecord, StorageError};
use crate::lock::lock;

/// How long notes are gathered. The rest of the 100 ms is for writing them.
const GATHER: Duration = Duration::from_millis(50);
/// How long to wait after a failure, unless somebody is waiting.
const PAUSE: Duration = Duration::from_secs(1);
/// Noted events that may wait.
pub(super) const MOST_EVENTS: usize = 4_000;
/// Bytes of a text that came from outside.
pub(super) const LONGEST_TEXT: usize = 2_000;

/// Changes in the order in which they are applied: what is forgotten first, since it was removed from the rest.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) forgotten: Vec<KeyName>,
    pub(super) records: HashMap<KeyName, KeyRecord>,
    pub(super) quotas: HashMap<Arc<KeyName>, QuotaRecord>,
    pub(super) events: Vec<KeyEvent>,
}

/// Told how the writing went.
pub(super) type Waiting = oneshot::Sender<Result<(), StorageError>>;

/// What the writer takes.
pub(super) struct Work {
    pub(super) batch: Batch,
    pub(super) waiting: Vec<Waiting>,
    /// Nothing will follow.
    pub(super) last: bool,
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    batch: Batch,
    waiting: Vec<Waiting>,
    /// When the batch is to be written, if there is one.
    due: Option<Instant>,
    dropped: u64,
    closed: bool,
}

// === impl Batch ===

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.forgotten.is_empty()
            && self.records.is_empty()
            && self.quotas.is_empty()
            && self.events.is_empty()
    }

    fn put(&mut self, mut record: KeyRecord) {
        shorten(&mut record.message);
        self.records.insert(record.key.clone(), record);
    }

    fn add(&mut self, mut event: KeyEvent) {
        shorten(&mut event.message);
        shorten(&mut event.vendor_code);
        self.events.push(event);
    }

    fn forget(&mut self, key: &KeyName) {
        self.records.retain(|known, _| !key.covers(known));
        self.quotas.retain(|known, _| !key.covers(known));
        self.events.retain(|event| !key.covers(&event.key));
        self.forgotten.retain(|known| !key.covers(known));
        self.forgotten.push(key.clone());
    }

    /// Both in one, as if the `newer` changes had come after these.
    fn followed_by(mut self, newer: Self) -> Self {
        for key in &newer.forgotten {
            self.forget(key);
        }
        self.records.extend(newer.records);
        self.quotas.extend(newer.quotas);
        self.events.extend(newer.events);
        self
    }
}

// === impl Queue ===

impl Queue {
    pub(super) fn note(&self, record: KeyRecord, event: Option<KeyEvent>) {
        let mut state = lock(&self.state);
        state.batch.put(record);
        match event {
            Some(event) if state.batch.events.len() < MOST_EVENTS => state.batch.add(event),
            Some(_) => state.dropped += 1,
            None => {}
        }
        self.schedule(state);
    }

    pub(super) fn note_quota(&self, record: QuotaRecord) {
        let mut state = lock(&self.state);
        state.batch.quotas.insert(record.key.clone(), record);
        self.schedule(state);
    }

    pub(super) fn forget(&self, key: &KeyName) {
        let mut state = lock(&self.state);
        state.batch.forget(key);
        self.schedule(state);
    }

    pub(super) fn keep(
        &self,
        record: KeyRecord,
        event: Option<KeyEvent>,
    ) -> oneshot::Receiver<Result<(), StorageError>> {
        let mut state = lock(&self.state);
        state.batch.put(record);
        if let Some(event) = event {
            state.batch.add(event);
        }
        self.wait_for(state)
    }

    pub(super) fn flush(&self) -> oneshot::Receiver<Result<(), StorageError>> {
        self.wait_for(lock(&self.state))
    }

    /// Records and events that wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> (usize, usize) {
        let batch = &lock(&self.state).batch;
        (batch.records.len(), batch.events.len())
    }

    pub(super) fn dropped(&self) -> u64 {
        lock(&self.state).dropped
    }

    /// The writer ends after the next batch.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_one();
    }

    /// The writer has ended: nobody is to wait for it.
    pub(super) fn abandon(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        state.waiting.clear();
    }

    /// Waits until there is something to do.
    pub(super) fn next(&self) -> Work {
        let mut state = lock(&self.state);
        loop {
            let left = state.due.map(|due| due.saturating_duration_since(Instant::now()));
            if state.closed || !state.waiting.is_empty() || left.is_some_and(|left| left.is_zero()) {
                state.due = None;
                return Work {
                    batch: mem::take(&mut state.batch),
                    waiting: mem::take(&mut state.waiting),
                    last: state.closed,
                };
            }
            state = match left {
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// For a batch that could not be written: to be tried again, with what has come since.
    pub(super) fn put_back(&self, batch: Batch) {
        let mut state = lock(&self.state);
        let mut batch = batch.followed_by(mem::take(&mut state.batch));
        // The oldest go, so that the history ends with what happened last.
        let excess = batch.events.len().saturating_sub(MOST_EVENTS);
        batch.events.drain(..excess);
        state.dropped += excess as u64;
        state.batch = batch;
        state.due = Some(Instant::now() + PAUSE);
    }

    fn schedule(&self, mut state: MutexGuard<'_, State>) {
        if state.due.is_none() {
            state.due = Some(Instant::now() + GATHER);
            self.changed.notify_one();
        }
    }

    fn wait_for(&self, mut state: MutexGuard<'_, State>) -> oneshot::Receiver<Result<(), StorageError>> {
        let (waiting, outcome) = oneshot::channel();
        if !state.closed {
            state.waiting.push(waiting);
            self.changed.notify_one();
        }
        outcome
    }
}

fn shorten(text: &mut Option<String>) {
    if let Some(text) = text {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    }
}
