//! The thread that writes: one commit for all that has gathered.
//!
//! When the disk does not take it, that is said once, and what can be held in memory is tried again.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, TransactionBehavior};

use super::error::{StorageError, Task};
use super::queue::{Batch, Queue};
use super::rows;
use crate::lock::lock;

pub(super) struct Writer {
    path: PathBuf,
    queue: Arc<Queue>,
    connection: Arc<Mutex<Connection>>,
    /// The last attempt failed.
    failing: bool,
    /// It was said that events are dropped.
    told: bool,
}

/// Nobody waits for a thread that has ended, not even when it panicked.
struct Ending(Arc<Queue>);

// === impl Writer ===

impl Writer {
    pub(super) fn new(path: PathBuf, queue: Arc<Queue>, connection: Arc<Mutex<Connection>>) -> Self {
        Self {
            path,
            queue,
            connection,
            failing: false,
            told: false,
        }
    }

    /// Until the queue is closed.
    pub(super) fn run(mut self) {
        let _ending = Ending(self.queue.clone());
        loop {
            let work = self.queue.next();
            let outcome = self.write(&work.batch);
            self.tell(&outcome, work.last);
            for waiting in work.waiting {
                // Who has gone away does not want to know.
                let _ = waiting.send(outcome.clone());
            }
            if work.last {
                return;
            }
            if outcome.is_err() {
                self.queue.put_back(work.batch);
            }
        }
    }

    fn write(&self, batch: &Batch) -> Result<(), StorageError> {
        if batch.is_empty() {
            return Ok(());
        }
        let commit = || {
            let mut connection = lock(&self.connection);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            rows::write(&transaction, batch)?;
            transaction.commit()
        };
        commit().map_err(|error| StorageError::failed(Task::Write, &self.path, &error))
    }

    fn tell(&mut self, outcome: &Result<(), StorageError>, last: bool) {
        match outcome {
            Err(error) if last => tracing::error!("{error}; the latest changes are lost"),
            Err(error) if !self.failing => {
                tracing::error!("{error}; until then changes are held in memory");
            }
            Ok(()) if self.failing => tracing::info!("the database can be written again"),
            _ => {}
        }
        self.failing = outcome.is_err();
        if !self.told && self.queue.dropped() > 0 {
            self.told = true;
            tracing::warn!("more happens to keys than can be written, so their history has gaps");
        }
    }
}

// === impl Ending ===

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
