//! What was set at run time, kept until it is removed. Read as a whole, written at once.

use rusqlite::{Connection, Transaction, params};

/// A setting and what it was changed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptChange {
    pub path: String,
    /// Unix milliseconds.
    pub at: u64,
    pub value: KeptValue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptValue {
    /// The setting is removed.
    Removed,
    /// JSON, of which anybody may read every word.
    Open(String),
    /// What only the holder of a key can read.
    Sealed(Vec<u8>),
}

/// Its step in [`super::schema::STEPS`]. A change is a value, open or sealed, or neither when the setting is removed. The
/// salt goes into the key that seals, so that one phrase makes different keys for different databases.
pub(super) const STEP: &str = "
    CREATE TABLE changes (
        path TEXT NOT NULL PRIMARY KEY,
        at INTEGER NOT NULL,
        value TEXT,
        sealed BLOB
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE sealing (salt BLOB NOT NULL) STRICT;
    INSERT INTO sealing (salt) VALUES (randomblob(16));
";
const ALL: &str = "SELECT path, at, value, sealed FROM changes ORDER BY at, path";
const PUT: &str = "INSERT OR REPLACE INTO changes (path, at, value, sealed) VALUES (?1, ?2, ?3, ?4)";
const DROP: &str = "DELETE FROM changes WHERE path = ?1";
const SALT: &str = "SELECT salt FROM sealing";

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<KeptChange>> {
    let read = |row: &rusqlite::Row<'_>| {
        let value = match (row.get(2)?, row.get(3)?) {
            (None, None) => KeptValue::Removed,
            (Some(json), _) => KeptValue::Open(json),
            (None, Some(sealed)) => KeptValue::Sealed(sealed),
        };
        Ok(KeptChange {
            path: row.get(0)?,
            at: u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
            value,
        })
    };
    connection.prepare_cached(ALL)?.query_map([], read)?.collect()
}

pub(super) fn salt(connection: &Connection) -> rusqlite::Result<Vec<u8>> {
    connection.query_row(SALT, [], |row| row.get(0))
}

pub(super) fn write(
    transaction: &Transaction<'_>,
    gone: &[String],
    new: &[KeptChange],
) -> rusqlite::Result<()> {
    for path in gone {
        transaction.prepare_cached(DROP)?.execute([path])?;
    }
    for change in new {
        let (value, sealed) = match &change.value {
            KeptValue::Removed => (None, None),
            KeptValue::Open(json) => (Some(json), None),
            KeptValue::Sealed(bytes) => (None, Some(bytes)),
        };
        let at = i64::try_from(change.at).unwrap_or(i64::MAX);
        let parameters = params![change.path, at, value, sealed];
        transaction.prepare_cached(PUT)?.execute(parameters)?;
    }
    Ok(())
}
