//! Opening a database file: what is ours, what is too new, and the steps from an empty file to the present form.
//!
//! Nothing is written to a file before it is known to be ours or empty.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::error::{StorageError, Task};
use super::{changes, quotas};

/// Marks the file as ours (`PRAGMA application_id`): "ptch".
pub(super) const APPLICATION: i64 = 0x7074_6368;
/// How long another process may hold the file, as the gateway before this one does while it drains.
const PATIENCE: Duration = Duration::from_secs(5);

/// Each leads from the version that is its index to the next (`PRAGMA user_version`). A step that was released never
/// changes; new ones are added at the end.
///
/// An empty `model` is the account as a whole. Events of all keys are numbered in the order in which they came.
pub(super) const STEPS: [&str; 3] = [KEYS, quotas::STEP, changes::STEP];

const KEYS: &str = "
    CREATE TABLE keys (
        vendor TEXT NOT NULL,
        account TEXT NOT NULL,
        model TEXT NOT NULL,
        state TEXT NOT NULL,
        class TEXT,
        attempts INTEGER NOT NULL,
        until INTEGER,
        since INTEGER NOT NULL,
        first_error INTEGER,
        last_error INTEGER,
        message TEXT,
        credential TEXT,
        PRIMARY KEY (vendor, account, model)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE history (
        number INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        vendor TEXT NOT NULL,
        account TEXT NOT NULL,
        model TEXT NOT NULL,
        \"from\" TEXT NOT NULL,
        \"to\" TEXT NOT NULL,
        class TEXT,
        message TEXT,
        vendor_code TEXT,
        until INTEGER
    ) STRICT;
    CREATE INDEX history_of_key ON history (vendor, account, model, number);
";

/// Where a file stands.
struct Form {
    application: i64,
    version: i64,
    empty: bool,
}

/// The connection that writes.
pub(super) fn open(path: &Path) -> Result<Connection, StorageError> {
    let foreign = || StorageError::Foreign {
        path: path.to_owned(),
    };
    let length = create(path).map_err(|error| StorageError::unopened(path, &error))?;
    // SQLite takes one byte for none and writes over it; everything longer it looks at first. Looking ourselves would
    // end the locks that this process has on the file when we close it.
    if length == 1 {
        return Err(foreign());
    }
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => foreign(),
        _ => StorageError::failed(Task::Open, path, &error),
    };
    let mut connection = connect(path).map_err(failed)?;
    let form = Form::of(&connection).map_err(failed)?;
    if !form.is_ours() {
        return Err(foreign());
    }
    let known = STEPS.len() as i64;
    if form.version > known {
        return Err(StorageError::Newer {
            path: path.to_owned(),
            found: form.version,
            known,
        });
    }
    prepare(&mut connection).map_err(failed)?;
    Ok(connection)
}

/// A connection for reading beside the one that writes.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StorageError> {
    let connect = || {
        let connection = connect(path)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    connect().map_err(|error| StorageError::failed(Task::Open, path, &error))
}

pub(super) fn in_memory() -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    prepare(&mut connection)?;
    Ok(connection)
}

/// Makes the file if it is not there, for this user alone; SQLite gives what it puts beside it the same mode. Its length
/// in bytes.
fn create(path: &Path) -> io::Result<u64> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match created {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(fs::metadata(path)?.len()),
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A commit is on the disk when it returns; with less, WAL mode leaves that to the next checkpoint.
    connection.pragma_update(None, "synchronous", "FULL")?;
    migrate(connection, &STEPS)
}

/// Takes the steps that are missing, all of them or none.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    // The version is read inside, since another process may be taking the same steps.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let form = Form::of(&transaction)?;
    let taken = usize::try_from(form.version).unwrap_or(0);
    for step in steps.iter().skip(taken) {
        transaction.execute_batch(step)?;
    }
    if taken < steps.len() {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", steps.len() as i64)?;
    }
    transaction.commit()
}

// === impl Form ===

impl Form {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let number = |name| connection.pragma_query_value(None, name, |row| row.get(0));
        let tables = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)";
        Ok(Self {
            application: number("application_id")?,
            version: number("user_version")?,
            empty: connection.query_row(tables, [], |row| row.get(0))?,
        })
    }

    fn is_ours(&self) -> bool {
        let unused = self.empty && self.application == 0 && self.version == 0;
        unused || self.application == APPLICATION
    }
}
