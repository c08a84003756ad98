//! What a strategy remembers of a public model, across instances, generations and versions of the plugin.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use arc_swap::{ArcSwap, Guard};

use crate::lock::lock;
use crate::plugin::Role;

/// All memories, by public model and strategy name; a strategy in shadow has one of its own. Outlives every generation.
#[derive(Debug, Default)]
pub struct Memories {
    known: Mutex<HashMap<(String, String, Role), Arc<Memory>>>,
}

/// The state of one strategy for one public model, and the count of its requests.
#[derive(Debug, Default)]
pub struct Memory {
    sequence: AtomicU64,
    state: ArcSwap<Vec<u8>>,
}

// === impl Memories ===

impl Memories {
    /// The same memory each time. For building generations, not for the hot path.
    pub fn of(&self, model: &str, strategy: &str, role: Role) -> Arc<Memory> {
        let mut known = lock(&self.known);
        known
            .entry((model.to_owned(), strategy.to_owned(), role))
            .or_default()
            .clone()
    }
}

// === impl Memory ===

impl Memory {
    /// The number of this request, from 0.
    pub(super) fn turn(&self) -> u64 {
        self.sequence.fetch_add(1, Relaxed)
    }

    /// The number of the next request.
    pub(super) fn turns(&self) -> u64 {
        self.sequence.load(Relaxed)
    }

    /// In bytes.
    pub(super) fn size(&self) -> usize {
        self.state.load().len()
    }

    pub(super) fn read(&self) -> Guard<Arc<Vec<u8>>> {
        self.state.load()
    }

    /// Replaces the state if it is still the one that was read; false if somebody else was faster.
    pub(super) fn replace(&self, read: &Arc<Vec<u8>>, new: Vec<u8>) -> bool {
        let found = self.state.compare_and_swap(read, Arc::new(new));
        Arc::ptr_eq(&found, read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_two_racing_writers_loses() {
        let memories = Memories::default();
        let memory = memories.of("m", "s", Role::Live);
        let (one, two) = (memory.read(), memory.read());
        assert!(memory.replace(&one, vec![1]));
        assert!(!memory.replace(&two, vec![2]));
        assert_eq!(**memories.of("m", "s", Role::Live).read(), vec![1]);
        assert!(memories.of("m", "t", Role::Live).read().is_empty());
        assert!(memories.of("m", "s", Role::Shadow).read().is_empty());
    }
}
