//! Where keys tell what becomes of them: to the storage, and to whoever waits for a key to change.

use tokio::sync::Notify;

use crate::storage::Storage;

/// Shared by all keys.
#[derive(Debug)]
pub struct Journal {
    pub storage: Storage,
    /// Wakes those who wait, at every change of any key.
    pub changed: Notify,
}

// === impl Journal ===

impl Journal {
    pub fn new(storage: Storage) -> Self {
        Self {
            storage,
            changed: Notify::new(),
        }
    }
}
