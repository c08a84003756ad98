//! The live side of a key's standing: one for each account, one for each account together with a model.
//!
//! A key without trouble costs one atomic read; only one that has some takes its lock, which is the key's own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::rules::Rules;
use super::standing::{Admission, Change, Millis, Standing};
use crate::clock;
use crate::failure::Failure;
use crate::lock::lock;
use crate::telemetry::KeyChanged;

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName {
    pub vendor: String,
    pub account: String,
    /// None: the account as a whole.
    pub model: Option<String>,
}

/// One key.
#[derive(Debug)]
pub struct Key {
    pub name: KeyName,
    standing: Mutex<Standing>,
    /// The standing is one that nothing has to be looked up for.
    clear: AtomicBool,
}

/// The right to ask a key. It is a trial if others wait for what comes of it; ended without a word, the next one may
/// try.
#[derive(Debug)]
pub struct Pass {
    key: std::sync::Arc<Key>,
    trial: AtomicBool,
}

// === impl Key ===

impl Key {
    pub fn new(name: KeyName) -> Self {
        Self {
            name,
            standing: Mutex::new(Standing::new(clock::unix_millis())),
            clear: AtomicBool::new(true),
        }
    }

    /// Whether it would be let through now. Changes nothing.
    pub fn outlook(&self) -> Admission {
        if self.clear.load(SeqCst) {
            return Admission::Yes;
        }
        lock(&self.standing).outlook(clock::unix_millis())
    }

    /// The right to ask, or until when there is none.
    pub fn pass(self: &std::sync::Arc<Self>) -> Result<Pass, Option<Millis>> {
        let trial = if self.clear.load(SeqCst) {
            false
        } else {
            match lock(&self.standing).admit(clock::unix_millis()) {
                Admission::Yes => false,
                Admission::Trial => true,
                Admission::No(until) => return Err(until),
            }
        };
        Ok(Pass {
            key: self.clone(),
            trial: AtomicBool::new(trial),
        })
    }

    /// As it stands now.
    pub fn standing(&self) -> Standing {
        lock(&self.standing).clone()
    }

    /// Back to service, by hand.
    pub fn reset(&self) {
        self.change(|standing, now| standing.reset(now));
    }

    fn change(&self, act: impl FnOnce(&mut Standing, Millis) -> Option<Change>) {
        let change = {
            let mut standing = lock(&self.standing);
            let change = act(&mut standing, clock::unix_millis());
            self.clear.store(standing.is_clear(), SeqCst);
            change
        };
        if let Some(change) = change {
            KeyChanged {
                key: &self.name,
                change: &change,
            }
            .emit();
        }
    }
}

// === impl Pass ===

impl Pass {
    pub fn succeeded(&self) {
        if self.key.clear.load(SeqCst) {
            return;
        }
        let trial = self.trial.swap(false, SeqCst);
        self.key.change(|standing, now| standing.succeeded(now, trial));
    }

    pub fn failed(&self, failure: &Failure, rules: &Rules) {
        let trial = self.trial.swap(false, SeqCst);
        let share = f64::from(u16::try_from(clock::entropy() & 0xffff).unwrap_or(0)) / 65_535.0;
        self.key
            .change(|standing, now| standing.failed(now, failure, trial, rules, share));
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.trial.swap(false, SeqCst) {
            self.key.change(|standing, now| {
                standing.released(now, true);
                None
            });
        }
    }
}
