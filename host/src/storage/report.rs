//! The whole history, read row by row: it may be longer than anybody wants to hold in memory.

use rusqlite::Connection;

use super::{KeyEvent, Storage, StorageError, rows};

/// Messages are left out: a report counts.
const ALL: &str = "
    SELECT vendor, account, model, at, \"from\", \"to\", class, NULL, NULL, until
    FROM history ORDER BY vendor, account, model, number";

impl Storage {
    /// Tells of every event that has been kept, without its texts: key by key, each key's from the oldest on. Nobody
    /// else can read meanwhile, so `tell` must be quick.
    ///
    /// # Errors
    ///
    /// What hinders reading.
    pub fn recount(&self, mut tell: impl FnMut(&KeyEvent)) -> Result<(), StorageError> {
        self.read(|connection: &Connection| {
            let mut statement = connection.prepare_cached(ALL)?;
            for event in statement.query_map([], rows::event)? {
                tell(&event?);
            }
            Ok(())
        })
    }
}
