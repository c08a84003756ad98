//! The latest decisions, in memory, and the way to the recording.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use super::Decision;
use super::recorder::Recorder;
use crate::config::Decisions;
use crate::lock::lock;

/// All that is kept together takes at most so much memory, in bytes.
const HEAVIEST: usize = 64 << 20;

/// Where decisions go. Outlives every generation.
#[derive(Debug, Default)]
pub struct Journal {
    decisions: AtomicU64,
    pools: AtomicU64,
    kept: Mutex<Kept>,
    recorder: Recorder,
}

#[derive(Debug, Default)]
struct Kept {
    /// The oldest first.
    decisions: VecDeque<Arc<Decision>>,
    weight: usize,
    most: usize,
}

// === impl Journal ===

impl Journal {
    /// What holds from now on.
    pub fn configure(&self, wanted: &Decisions) {
        let dropped = {
            let mut kept = lock(&self.kept);
            kept.most = wanted.keep;
            kept.trim()
        };
        drop(dropped);
        self.recorder.record_to(wanted.record.as_ref());
    }

    /// The number of the next decision, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.decisions.fetch_add(1, Relaxed) + 1
    }

    /// The number of the next pool, from 1.
    pub(crate) fn pool_number(&self) -> u64 {
        self.pools.fetch_add(1, Relaxed) + 1
    }

    /// A decision that a request follows from now on.
    pub(crate) fn keep(&self, decision: Arc<Decision>) {
        // Freed when nobody waits for the lock any more.
        let dropped = {
            let mut kept = lock(&self.kept);
            kept.weight += decision.weight();
            kept.decisions.push_back(decision);
            kept.trim()
        };
        drop(dropped);
    }

    /// The request that followed it has ended.
    pub(crate) fn ended(&self, decision: &Arc<Decision>) {
        self.recorder.record(decision);
    }

    /// What was decided for a request, if it is still known.
    pub fn find(&self, request_id: &str) -> Option<Arc<Decision>> {
        let kept = lock(&self.kept);
        let mut latest = kept.decisions.iter().rev();
        latest.find(|decision| decision.request_id == request_id).cloned()
    }

    /// The latest decisions that are wanted, the newest first.
    pub fn latest(&self, most: usize, wanted: impl Fn(&Decision) -> bool) -> Vec<Arc<Decision>> {
        // Requests wait for the lock, so nothing is looked at while it is held.
        let latest: Vec<Arc<Decision>> = lock(&self.kept).decisions.iter().rev().cloned().collect();
        let wanted = latest.into_iter().filter(|decision| wanted(decision));
        wanted.take(most).collect()
    }

    /// Writes what is still to be written of the recording.
    pub fn close(&self) {
        self.recorder.close();
    }
}

// === impl Kept ===

impl Kept {
    /// What is too old or too much.
    fn trim(&mut self) -> Vec<Arc<Decision>> {
        let mut dropped = Vec::new();
        while self.decisions.len() > self.most || self.weight > HEAVIEST {
            let Some(oldest) = self.decisions.pop_front() else {
                break;
            };
            self.weight -= oldest.weight();
            dropped.push(oldest);
        }
        dropped
    }
}
