//! What must outlive the process: the state of every key and its history, what is used of quotas, and what was set at
//! run time, in one SQLite file.
//!
//! Callers hand over plain data and take none of SQLite's types. Nobody waits for the disk unless he asks to: the
//! connection that writes lives on a thread of its own, which gathers what is noted and commits it together. Reads
//! have a connection of their own and never wait for a write. Nothing here knows what a state or a class means, and
//! credentials come here sealed or not at all.

mod changes;
mod error;
mod queue;
mod quotas;
mod report;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::lock::lock;
pub use changes::{KeptChange, KeptValue};
pub use error::StorageError;
use error::Task;
use queue::Queue;
use writer::Writer;

/// An account as a whole, or one of its models.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName {
    pub vendor: String,
    pub account: String,
    /// The vendor's name for it, never empty; `None` is the account as a whole.
    pub model: Option<String>,
}

/// What is known of a key. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    pub key: KeyName,
    pub state: String,
    /// Of the failure that led to the state.
    pub class: Option<String>,
    /// Rechecks so far.
    pub attempts: u32,
    /// When the state is to be looked at again.
    pub until: Option<u64>,
    /// When the state began.
    pub since: u64,
    pub first_error: Option<u64>,
    pub last_error: Option<u64>,
    /// At most 2,000 bytes are kept of it.
    pub message: Option<String>,
    /// A fingerprint of the credential that the record is about, never the credential.
    pub credential: Option<String>,
}

/// A change of state, or a failure. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEvent {
    pub at: u64,
    pub key: KeyName,
    pub from: String,
    pub to: String,
    pub class: Option<String>,
    /// At most 2,000 bytes are kept of it.
    pub message: Option<String>,
    /// At most 2,000 bytes are kept of it.
    pub vendor_code: Option<String>,
    pub until: Option<u64>,
}

/// What was used of a key's quotas, in the periods that were the present ones. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaRecord {
    pub key: Arc<KeyName>,
    /// When the day began.
    pub day: u64,
    pub day_tokens: u64,
    /// US dollars.
    pub day_cost: f64,
    /// When the month began.
    pub month: u64,
    pub month_tokens: u64,
    /// US dollars.
    pub month_cost: f64,
}

/// The database. Clones share it; when the last one is dropped, what is left is written, which blocks for as long as
/// the disk takes.
#[derive(Clone)]
pub struct Storage(Arc<Open>);

struct Open {
    path: PathBuf,
    /// There is a file; without one everything lies in memory.
    lasting: bool,
    queue: Arc<Queue>,
    reader: Arc<Mutex<Connection>>,
    /// The one that the thread writes with.
    writes: Arc<Mutex<Connection>>,
    /// There until it is joined.
    writer: Option<JoinHandle<()>>,
}

// === impl KeyName ===

impl KeyName {
    /// Whether `other` is this key, or a model of this account.
    fn covers(&self, other: &Self) -> bool {
        self.vendor == other.vendor
            && self.account == other.account
            && (self.model.is_none() || self.model == other.model)
    }
}

// === impl Storage ===

impl Storage {
    /// Opens the database at `path` and brings it to the present form. A file that is not there is made, readable by
    /// this user alone, and its folder with it.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened or written, that is something else, or that a newer patchbay has written. Such a
    /// file stays as it is.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let writer = schema::open(path)?;
        let reader = schema::open_reader(path)?;
        let started = Self::start(path, shared(writer), shared(reader));
        started.map_err(|error| StorageError::unopened(path, &error))
    }

    /// For a gateway without a place to write: works like any other, and nothing of it is left at the end.
    ///
    /// # Panics
    ///
    /// Where neither memory nor a thread is to be had.
    #[expect(
        clippy::expect_used,
        reason = "needs some memory and a thread, as all of the program does"
    )]
    pub fn in_memory() -> Self {
        let connection = shared(schema::in_memory().expect("a database in memory can be made"));
        let reader = connection.clone();
        Self::start(Path::new("in memory"), connection, reader).expect("a thread can be started")
    }

    fn start(
        path: &Path,
        writer: Arc<Mutex<Connection>>,
        reader: Arc<Mutex<Connection>>,
    ) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let lasting = !Arc::ptr_eq(&writer, &reader);
        let writes = writer.clone();
        let writer = Writer::new(path.to_owned(), queue.clone(), writer);
        let thread = thread::Builder::new().name("storage".into());
        let writer = thread.spawn(move || writer.run())?;
        Ok(Self(Arc::new(Open {
            path: path.to_owned(),
            lasting,
            queue,
            reader,
            writes,
            writer: Some(writer),
        })))
    }

    /// Every record that has been written, by name.
    ///
    /// # Errors
    ///
    /// What hinders reading.
    pub fn keys(&self) -> Result<Vec<KeyRecord>, StorageError> {
        self.read(rows::keys)
    }

    /// What was used of every key's quotas, by name.
    ///
    /// # Errors
    ///
    /// What hinders reading.
    pub fn quotas(&self) -> Result<Vec<QuotaRecord>, StorageError> {
        self.read(quotas::all)
    }

    /// The newest events of an account and its models, newest first, at most `most`. Blocks for as long as the disk
    /// takes.
    ///
    /// # Errors
    ///
    /// What hinders reading.
    pub fn history(&self, vendor: &str, account: &str, most: usize) -> Result<Vec<KeyEvent>, StorageError> {
        self.read(|connection| rows::history(connection, vendor, account, most))
    }

    /// Has it written within 100 ms. Never waits: of a key that is noted faster than the disk takes it, only the
    /// newest record is written, and events that are too many are dropped.
    pub fn note(&self, record: KeyRecord, event: Option<KeyEvent>) {
        self.0.queue.note(record, event);
    }

    /// Has it written within 100 ms. Never waits: of a key that is noted faster than the disk takes it, only the newest
    /// record is written.
    pub fn note_quota(&self, record: QuotaRecord) {
        self.0.queue.note_quota(record);
    }

    /// Has it written at once. Its place among other changes is that of the call; what is returned resolves when it is
    /// safe on the disk.
    ///
    /// # Errors
    ///
    /// What hinders writing. The record is still the newest one, and is written as soon as that works again.
    pub fn keep(
        &self,
        record: KeyRecord,
        event: Option<KeyEvent>,
    ) -> impl Future<Output = Result<(), StorageError>> + Send + use<> {
        written(self.0.queue.keep(record, event))
    }

    /// Removes all that is kept of a model, or of an account with all of its models, within 100 ms.
    pub fn forget(&self, key: &KeyName) {
        self.0.queue.forget(key);
    }

    /// Resolves when everything handed over before is safe on the disk.
    ///
    /// # Errors
    ///
    /// What hinders writing.
    pub fn flush(&self) -> impl Future<Output = Result<(), StorageError>> + Send + use<> {
        written(self.0.queue.flush())
    }

    /// Everything that was set at run time, in the order in which it was.
    ///
    /// # Errors
    ///
    /// What hinders reading.
    pub fn changes(&self) -> Result<Vec<KeptChange>, StorageError> {
        self.read(changes::all)
    }

    /// Keeps the `new` changes and drops those at the paths that are `gone`: all of it or nothing, and safe on the disk
    /// when it returns. Blocks for as long as the disk takes.
    ///
    /// # Errors
    ///
    /// What hinders writing; then nothing has changed, and nothing will.
    pub fn change(&self, gone: &[String], new: &[KeptChange]) -> Result<(), StorageError> {
        let commit = || {
            let mut connection = lock(&self.0.writes);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            changes::write(&transaction, gone, new)?;
            transaction.commit()
        };
        commit().map_err(|error| StorageError::failed(Task::Write, &self.0.path, &error))
    }

    /// Sixteen random bytes that this database was made with.
    ///
    /// # Errors
    ///
    /// What hinders reading.
    pub fn salt(&self) -> Result<Vec<u8>, StorageError> {
        self.read(changes::salt)
    }

    /// The file; none when everything is gone with the process.
    pub fn file(&self) -> Option<&Path> {
        self.0.lasting.then_some(&*self.0.path)
    }

    /// How many events have been dropped because more came than could be written.
    pub fn dropped(&self) -> u64 {
        self.0.queue.dropped()
    }

    fn read<T>(&self, rows: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StorageError> {
        rows(&lock(&self.0.reader)).map_err(|error| StorageError::failed(Task::Read, &self.0.path, &error))
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Storage").field(&self.0.path).finish()
    }
}

// === impl Open ===

impl Drop for Open {
    fn drop(&mut self) {
        self.queue.close();
        // It has nothing to say but that it has panicked, which was on the log.
        let _ = self.writer.take().map(JoinHandle::join);
    }
}

fn shared(connection: Connection) -> Arc<Mutex<Connection>> {
    Arc::new(Mutex::new(connection))
}

async fn written(outcome: oneshot::Receiver<Result<(), StorageError>>) -> Result<(), StorageError> {
    outcome.await.unwrap_or(Err(StorageError::Stopped))
}
