//! The live side of a key's standing: one for each account, one for each account together with a model.
//!
//! A key without trouble costs one atomic read; only one that has some takes its lock, which is the key's own.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::health::{Health, Turn};
use super::journal::Journal;
use super::rules::Rules;
use super::standing::{Admission, Change, Millis, Standing, State};
use crate::clock;
use crate::failure::Failure;
use crate::lock::lock;
use crate::storage::{KeyEvent, KeyName, StorageError};
use crate::telemetry::{HealthTurned, KeyChanged};

/// Resolves when a change is safe on the disk.
pub type Kept = Pin<Box<dyn Future<Output = Result<(), StorageError>> + Send>>;

/// One key.
#[derive(Debug)]
pub struct Key {
    pub name: KeyName,
    pub health: Health,
    /// Held by the one probe that is under way.
    pub probing: tokio::sync::Mutex<()>,
    standing: Mutex<Standing>,
    journal: Arc<Journal>,
    /// Of the credentials that the standing is about.
    fingerprint: Mutex<Option<String>>,
    /// The same as a number. What others have brought about says nothing of it.
    credentials: AtomicU64,
    /// The standing is one that nothing has to be looked up for.
    clear: AtomicBool,
    /// Whoever holds it still is the last one to do so.
    forgotten: AtomicBool,
    /// The version of a plugin whose word moved it last, and where it stood before the first such word.
    before: Mutex<Option<(u64, Standing)>>,
}

/// The right to ask a key. It is a trial if others wait for what comes of it; ended without a word, the next one may
/// try.
#[derive(Debug)]
pub struct Pass {
    key: Arc<Key>,
    trial: AtomicBool,
    /// With which credentials is asked.
    credentials: u64,
}

/// How long an answer took: to its end, and to the first token of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    pub latency: Duration,
    pub first_token: Option<Duration>,
}

/// A fingerprint as a number: its first eight bytes.
pub fn number_of(fingerprint: &str) -> u64 {
    let digits = fingerprint.get(..16).unwrap_or(fingerprint);
    u64::from_str_radix(digits, 16).unwrap_or(0)
}

// === impl Key ===

impl Key {
    /// One that nothing is known of, or one whose standing has been kept, with the fingerprint of its credentials.
    pub fn new(name: KeyName, kept: Option<(Standing, Option<String>)>, journal: Arc<Journal>) -> Self {
        let (standing, fingerprint) = kept.unwrap_or_else(|| (Standing::new(clock::unix_millis()), None));
        Self {
            name,
            health: Health::new(),
            probing: tokio::sync::Mutex::new(()),
            clear: AtomicBool::new(standing.is_clear()),
            standing: Mutex::new(standing),
            journal,
            credentials: AtomicU64::new(fingerprint.as_deref().map_or(0, number_of)),
            fingerprint: Mutex::new(fingerprint),
            forgotten: AtomicBool::new(false),
            before: Mutex::new(None),
        }
    }

    /// Nothing is kept of it from now on.
    pub fn forget(&self) {
        // Under the lock, so that what is being handed to the storage comes there before it is forgotten.
        let _standing = lock(&self.standing);
        self.forgotten.store(true, SeqCst);
    }

    /// From now on it has these credentials. Others than before clear what its predecessor has caused; they, and those
    /// of a new key, are to be verified where there is somebody to do it.
    pub fn has_credentials(&self, fingerprint: &str, verify: bool) {
        let before = lock(&self.fingerprint).replace(fingerprint.to_owned());
        if before.as_deref() == Some(fingerprint) {
            return;
        }
        self.credentials.store(number_of(fingerprint), SeqCst);
        lock(&self.before).take();
        match before {
            None if !verify => {}
            _ if verify => self.set(Standing::verify),
            _ => self.set(Standing::reset),
        }
    }

    /// Whether the configuration has it in use. Back in use, it is to be verified where there is somebody to do it.
    pub fn is_enabled(&self, enabled: bool, verify: bool) {
        if !enabled {
            self.set(Standing::switch_off);
        } else if self.change(Standing::switch_on).is_some() && verify {
            self.set(Standing::verify);
        }
    }

    /// Whether it would be let through now. Changes nothing.
    pub fn outlook(&self) -> Admission {
        if self.clear.load(SeqCst) {
            return Admission::Yes;
        }
        lock(&self.standing).outlook(clock::unix_millis())
    }

    /// The right to ask with these credentials (see [`number_of`]), or until when there is none. Those that it had before
    /// may be used by whoever has begun with them, but never for a trial.
    pub fn pass(self: &Arc<Self>, credentials: u64) -> Result<Pass, Option<Millis>> {
        if self.clear.load(SeqCst) {
            return Ok(self.let_through(false, credentials));
        }
        let mut standing = lock(&self.standing);
        let now = clock::unix_millis();
        let admission = if self.has(credentials) {
            standing.admit(now)
        } else {
            standing.outlook(now)
        };
        match admission {
            Admission::Yes => Ok(self.let_through(false, credentials)),
            Admission::Trial if self.has(credentials) => Ok(self.let_through(true, credentials)),
            Admission::Trial => Err(Some(now)),
            Admission::No(until) => Err(until),
        }
    }

    /// The same for a probe, which is not made with other credentials than those it has now.
    pub fn pass_probe(self: &Arc<Self>, credentials: u64, by_hand: bool) -> Result<Pass, Option<Millis>> {
        let mut standing = lock(&self.standing);
        if !self.has(credentials) {
            return Err(None);
        }
        match standing.examine(clock::unix_millis(), by_hand) {
            Admission::Yes => Ok(self.let_through(false, credentials)),
            Admission::Trial => Ok(self.let_through(true, credentials)),
            Admission::No(until) => Err(until),
        }
    }

    fn has(&self, credentials: u64) -> bool {
        self.credentials.load(SeqCst) == credentials
    }

    fn let_through(self: &Arc<Self>, trial: bool, credentials: u64) -> Pass {
        Pass {
            key: self.clone(),
            trial: AtomicBool::new(trial),
            credentials,
        }
    }

    /// As it stands now.
    pub fn standing(&self) -> Standing {
        lock(&self.standing).clone()
    }

    /// To be tried by the next request, by hand.
    pub fn hasten(&self) {
        self.set(Standing::hasten);
    }

    /// Back to service, by hand.
    pub fn reset(&self) {
        lock(&self.before).take();
        self.set(Standing::reset);
    }

    /// Undoes what the words of this version of a plugin have done to it.
    pub fn undo(&self, plugin: u64) {
        let before = lock(&self.before).take_if(|(by, _)| *by == plugin);
        if let Some((_, before)) = before {
            self.set(|standing, now| standing.undo(before, now));
        }
    }

    /// A change that nobody waits for to be on the disk.
    fn set(&self, act: impl FnOnce(&mut Standing, Millis) -> Option<Change>) {
        drop(self.change(act));
    }

    /// What takes the key out of service, or leaves it alone because its vendor wants that, is written at once, and what
    /// is returned resolves when it is; anything else is written behind, and what is returned has resolved. None where
    /// nothing has changed.
    fn change(&self, act: impl FnOnce(&mut Standing, Millis) -> Option<Change>) -> Option<Kept> {
        // Held over what is handed to the storage, so that it comes there in the order in which it happened.
        let mut standing = lock(&self.standing);
        let now = clock::unix_millis();
        let change = act(&mut standing, now);
        self.clear.store(standing.is_clear(), SeqCst);
        let change = change?;
        if self.forgotten.load(SeqCst) {
            return None;
        }
        let record = standing.record(self.name.clone(), lock(&self.fingerprint).clone());
        let event = self.event(&change, now);
        let wished = change
            .failure
            .as_ref()
            .is_some_and(|failure| failure.retry_after.is_some());
        let kept: Kept = match change.to {
            State::OutOfService { .. } | State::DisabledByFailure { .. } | State::DisabledByHand => {
                Box::pin(self.journal.storage.keep(record, Some(event)))
            }
            // A vendor has asked for it, and does not know of restarts.
            State::CoolingDown { .. } if wished => Box::pin(self.journal.storage.keep(record, Some(event))),
            State::Verifying { .. }
            | State::Available { .. }
            | State::CoolingDown { .. }
            | State::HalfOpen { .. }
            | State::Rechecking { .. } => {
                self.journal.storage.note(record, Some(event));
                Box::pin(std::future::ready(Ok(())))
            }
        };
        drop(standing);
        KeyChanged {
            key: &self.name,
            change: &change,
        }
        .emit();
        self.journal.changed.notify_waiters();
        Some(kept)
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

    fn turned(&self, turn: Turn) {
        if let Some((from, to)) = turn {
            HealthTurned {
                key: &self.name,
                from,
                to,
            }
            .emit();
        }
    }
}

// === impl Pass ===

impl Pass {
    /// A complete answer.
    pub fn succeeded(&self, took: Took) {
        self.observed(took);
        if self.key.clear.load(SeqCst) {
            return;
        }
        let trial = self.trial.swap(false, SeqCst);
        drop(self.tell(|standing, now| standing.succeeded(now, trial)));
    }

    /// The answer is not complete, but has come so far that nobody has to wait for its end to try the key.
    pub fn proved(&self) {
        if self.trial.swap(false, SeqCst) {
            drop(self.tell(|standing, now| standing.succeeded(now, true)));
        }
    }

    /// The answer to a probe.
    pub fn answered(&self, took: Took) {
        self.observed(took);
        let trial = self.trial.swap(false, SeqCst);
        drop(self.tell(|standing, now| standing.answered(now, trial)));
    }

    /// Unless the key has other credentials by now.
    fn tell(&self, act: impl FnOnce(&mut Standing, Millis) -> Option<Change>) -> Option<Kept> {
        let told = |standing: &mut Standing, now| {
            let still = self.key.has(self.credentials);
            still.then(|| act(standing, now)).flatten()
        };
        self.key.change(told)
    }

    fn observed(&self, took: Took) {
        let health = &self.key.health;
        let turn = health.succeeded(clock::unix_millis(), took.latency, took.first_token);
        self.key.turned(turn);
    }

    /// An attempt failed; whose fault it is, is not said.
    pub fn missed(&self) {
        let turn = self.key.health.failed(clock::unix_millis());
        self.key.turned(turn);
    }

    /// It failed in a way that speaks of this key, in the words of `plugin` (see `Adapter::number`). What is returned is
    /// there if the key has changed, and resolves when that is as safe on the disk as it must be before anybody is asked
    /// again.
    pub fn failed(&self, failure: &Failure, rules: &Rules, plugin: u64) -> Option<Kept> {
        let trial = self.trial.swap(false, SeqCst);
        let share = f64::from(u16::try_from(clock::entropy() & 0xffff).unwrap_or(0)) / 65_535.0;
        self.tell(|standing, now| {
            // Nobody listens any more to a version that has been taken back.
            if self.key.journal.is_disowned(plugin) {
                return standing.released(now, trial);
            }
            let before = standing.clone();
            let change = standing.failed(now, failure, trial, rules, share)?;
            let mut kept = lock(&self.key.before);
            if kept.as_ref().is_none_or(|(by, _)| *by != plugin) {
                *kept = Some((plugin, before));
            }
            Some(change)
        })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.trial.swap(false, SeqCst) {
            drop(self.tell(|standing, now| standing.released(now, true)));
            self.key.journal.changed.notify_waiters();
        }
    }
}
