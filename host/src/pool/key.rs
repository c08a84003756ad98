//! The live side of a key's standing: one for each account, one for each account together with a model.
//!
//! A key without trouble costs one atomic read; only one that has some takes its lock, which is the key's own.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use super::rules::Rules;
use super::standing::{Admission, Change, Millis, Standing, State};
use crate::clock;
use crate::failure::Failure;
use crate::lock::lock;
use crate::storage::{KeyEvent, KeyName, Storage, StorageError};
use crate::telemetry::KeyChanged;

/// Resolves when a change is safe on the disk.
pub type Kept = Pin<Box<dyn Future<Output = Result<(), StorageError>> + Send>>;

/// One key.
#[derive(Debug)]
pub struct Key {
    pub name: KeyName,
    standing: Mutex<Standing>,
    storage: Storage,
    /// Of the credentials that the standing is about.
    fingerprint: Mutex<Option<String>>,
    /// The standing is one that nothing has to be looked up for.
    clear: AtomicBool,
}

/// The right to ask a key. It is a trial if others wait for what comes of it; ended without a word, the next one may
/// try.
#[derive(Debug)]
pub struct Pass {
    key: Arc<Key>,
    trial: AtomicBool,
}

// === impl Key ===

impl Key {
    /// One that nothing is known of, or one whose standing has been kept, with the fingerprint of its credentials.
    pub fn new(name: KeyName, kept: Option<(Standing, Option<String>)>, storage: Storage) -> Self {
        let (standing, fingerprint) = kept.unwrap_or_else(|| (Standing::new(clock::unix_millis()), None));
        Self {
            name,
            clear: AtomicBool::new(standing.is_clear()),
            standing: Mutex::new(standing),
            storage,
            fingerprint: Mutex::new(fingerprint),
        }
    }

    /// From now on it has these credentials. Others than before clear what its predecessor has caused.
    pub fn has_credentials(&self, fingerprint: &str) {
        let before = lock(&self.fingerprint).replace(fingerprint.to_owned());
        if before.is_some_and(|before| before != fingerprint) {
            self.reset();
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
    pub fn pass(self: &Arc<Self>) -> Result<Pass, Option<Millis>> {
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
        let _ = self.change(|standing, now| standing.reset(now));
    }

    /// What takes the key out of service is written at once, and what is returned resolves when it is; anything else is
    /// written behind.
    fn change(&self, act: impl FnOnce(&mut Standing, Millis) -> Option<Change>) -> Option<Kept> {
        // Held over what is handed to the storage, so that it comes there in the order in which it happened.
        let mut standing = lock(&self.standing);
        let now = clock::unix_millis();
        let change = act(&mut standing, now);
        self.clear.store(standing.is_clear(), SeqCst);
        let change = change?;
        let record = standing.record(self.name.clone(), lock(&self.fingerprint).clone());
        let event = self.event(&change, now);
        let kept: Option<Kept> = match change.to {
            State::OutOfService { .. } | State::Disabled { .. } => {
                Some(Box::pin(self.storage.keep(record, Some(event))))
            }
            State::Available { .. }
            | State::CoolingDown { .. }
            | State::HalfOpen { .. }
            | State::Rechecking { .. } => {
                self.storage.note(record, Some(event));
                None
            }
        };
        drop(standing);
        KeyChanged {
            key: &self.name,
            change: &change,
        }
        .emit();
        kept
    }

    fn event(&self, change: &Change, now: Millis) -> KeyEvent {
        let failure = change.failure.as_ref();
        KeyEvent {
            at: now,
            key: self.name.clone(),
            from: change.from.name().to_owned(),
            to: change.to.name().to_owned(),
            class: failure.map(|failure| failure.kind.as_str().to_owned()),
            message: failure.map(|failure| failure.message.clone()),
            vendor_code: failure.and_then(|failure| failure.vendor_code.clone()),
            until: change.to.until(),
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
        let _ = self.key.change(|standing, now| standing.succeeded(now, trial));
    }

    /// What is returned is there if the key is out of service now, and resolves when that is safe on the disk.
    pub fn failed(&self, failure: &Failure, rules: &Rules) -> Option<Kept> {
        let trial = self.trial.swap(false, SeqCst);
        let share = f64::from(u16::try_from(clock::entropy() & 0xffff).unwrap_or(0)) / 65_535.0;
        self.key
            .change(|standing, now| standing.failed(now, failure, trial, rules, share))
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.trial.swap(false, SeqCst) {
            let _ = self.key.change(|standing, now| {
                standing.released(now, true);
                None
            });
        }
    }
}
