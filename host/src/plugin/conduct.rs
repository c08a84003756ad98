//! How one version of a plugin behaves in service, and when that is bad enough to go back to the version before.
//!
//! Judges and never acts: whoever builds the next generation looks at the verdict.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use tokio::sync::Notify;

use crate::config::Rollback;
use crate::lock::lock;

/// Outcomes that are remembered, as bits.
const REMEMBERED: u32 = 64;

/// What is known of one version.
#[derive(Debug)]
pub(super) struct Conduct {
    rules: Rollback,
    /// Told when the verdict falls.
    alarm: Arc<Notify>,
    /// The share of failures of the version before, if there is one to go back to.
    before: OnceLock<f64>,
    /// Traps in a row, and the last of them.
    traps: Mutex<(u32, Option<Instant>)>,
    /// The latest outcomes, the newest in the lowest bit; 1 is a failure.
    outcomes: AtomicU64,
    attempts: AtomicU32,
    failures: AtomicU32,
    verdict: OnceLock<String>,
}

// === impl Conduct ===

impl Conduct {
    pub(super) fn new(rules: Rollback, alarm: Arc<Notify>) -> Self {
        Self {
            rules,
            alarm,
            before: OnceLock::new(),
            traps: Mutex::default(),
            outcomes: AtomicU64::new(0),
            attempts: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            verdict: OnceLock::new(),
        }
    }

    /// From now on it is on probation: there is a version to go back to, whose share of failures was this.
    pub(super) fn follows(&self, before: &Self) {
        let _ = self.before.set(before.share());
    }

    /// Why it should not serve any more.
    pub(super) fn verdict(&self) -> Option<&str> {
        self.verdict.get().map(String::as_str)
    }

    /// A call ended in a trap, over a limit or against the contract.
    pub(super) fn trapped(&self) {
        if self.rules.traps == 0 || self.before.get().is_none() {
            return;
        }
        let now = Instant::now();
        let mut traps = lock(&self.traps);
        let soon = |last: Instant| now.duration_since(last) <= self.rules.within;
        let (count, last) = *traps;
        *traps = if last.is_some_and(soon) {
            (count + 1, Some(now))
        } else {
            (1, Some(now))
        };
        if traps.0 >= self.rules.traps {
            self.condemn(format!(
                "{} failed calls within {} s of each other",
                traps.0,
                self.rules.within.as_secs()
            ));
        }
    }

    /// What it served came to an end.
    pub(super) fn attempted(&self, failed: bool) {
        let bit = u64::from(failed);
        let note = |outcomes: u64| Some(outcomes << 1 | bit);
        let _ = self
            .outcomes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, note);
        let failures = self.failures.fetch_add(u32::from(failed), Ordering::Relaxed) + u32::from(failed);
        let attempts = self.attempts.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        // Once: what happens later is no longer because of the swap.
        if attempts == self.rules.attempts
            && let Some(before) = self.before.get()
        {
            let share = f64::from(failures) / f64::from(attempts);
            if share > self.rules.share && share > before * self.rules.times {
                self.condemn(format!(
                    "{:.0} % of its first {attempts} attempts failed, {:.0} % before the swap",
                    share * 100.0,
                    before * 100.0
                ));
            }
        }
    }

    /// The share of failures among the latest attempts, 0 without any.
    fn share(&self) -> f64 {
        let known = self.attempts.load(Ordering::Relaxed).min(REMEMBERED);
        if known == 0 {
            return 0.0;
        }
        let outcomes = self.outcomes.load(Ordering::Relaxed) & (u64::MAX >> (REMEMBERED - known));
        f64::from(outcomes.count_ones()) / f64::from(known)
    }

    fn condemn(&self, why: String) {
        if self.verdict.set(why).is_ok() {
            self.alarm.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
