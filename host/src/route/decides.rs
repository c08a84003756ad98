//! The strategies that may decide for one public model, each with what it remembers.

use std::sync::Arc;

use super::{Memory, Ranker};
use crate::config::Strategy;

/// A strategy that is configured for a public model, whether it works or not.
#[derive(Debug)]
pub struct Decides {
    pub strategy: Strategy,
    /// Or why it is not there.
    pub ranker: Result<Arc<Ranker>, String>,
    pub memory: Arc<Memory>,
}

// === impl Decides ===

impl Decides {
    /// name@version, or the name where there is none.
    pub fn identity(&self) -> &str {
        match &self.ranker {
            Ok(ranker) => ranker.identity(),
            Err(_) => &self.strategy.name,
        }
    }

    /// Frees what only the current generation needs.
    pub fn retire(&self) {
        if let Ok(ranker) = &self.ranker {
            ranker.retire();
        }
    }
}
