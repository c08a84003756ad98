//! Where keys tell what becomes of them: to the storage, and to whoever waits for a key to change.

use std::collections::HashSet;
use std::sync::Mutex;

use tokio::sync::Notify;

use crate::lock::lock;
use crate::storage::Storage;

/// Shared by all keys.
#[derive(Debug)]
pub struct Journal {
    pub storage: Storage,
    /// Wakes those who wait, at every change of any key.
    pub changed: Notify,
    /// Versions of plugins that have been taken back: what they still say, with requests that began before, does not
    /// count.
    disowned: Mutex<HashSet<u64>>,
}

// === impl Journal ===

impl Journal {
    pub fn new(storage: Storage) -> Self {
        Self {
            storage,
            changed: Notify::new(),
            disowned: Mutex::default(),
        }
    }

    pub fn disown(&self, plugin: u64) {
        lock(&self.disowned).insert(plugin);
    }

    pub fn is_disowned(&self, plugin: u64) -> bool {
        lock(&self.disowned).contains(&plugin)
    }
}
