//! What an account, and each of its models, may be used for: places, requests and tokens a minute, quotas, and what
//! vendors say is left. One allowance for each, shared by candidates and kept outside of generations: a limit that is
//! changed takes effect at once, and what was counted stays.
//!
//! Without a limit an attempt costs one atomic read; then nothing is counted, so a limit that is new begins with
//! nothing used. With limits it takes a lock of the allowance's own for some arithmetic. What was booked is settled
//! when it is dropped, whatever happens to the attempt.

mod allowances;
mod booked;
mod bounds;
mod counts;
mod learned;
mod measure;
mod need;
mod quota;
mod refusal;
#[cfg(test)]
mod tests;
mod view;
mod window;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

pub(super) use allowances::Allowances;
pub use booked::{Allowed, Booked};
pub use bounds::Bounds;
pub use learned::Reported;
pub use need::Need;
pub use view::LimitView;

use super::{Gate, Held};
use crate::clock;
use crate::lock::lock;
use crate::storage::{KeyName, QuotaRecord, Storage};
use crate::telemetry::LimitPassed;
use counts::{Booking, Counts};
use measure::{Now, Outcome, Over, Passed};
use need::Demand;
use quota::{Period, Span};

/// One account, or one of its models.
#[derive(Debug)]
pub struct Allowance {
    pub name: Arc<KeyName>,
    gate: Arc<Gate>,
    /// There may be something to count.
    watched: AtomicBool,
    counts: Mutex<Counts>,
    storage: Storage,
}

// === impl Allowance ===

impl Allowance {
    fn new(name: Arc<KeyName>, gate: Arc<Gate>, kept: Option<&QuotaRecord>, storage: Storage) -> Self {
        let now = clock::unix_millis();
        let mut counts = Counts::new(now);
        if let Some(kept) = kept {
            counts.day = Period::restored(Span::Day, kept.day, kept.day_tokens, kept.day_cost, now);
            counts.month = Period::restored(Span::Month, kept.month, kept.month_tokens, kept.month_cost, now);
        }
        Self {
            name,
            gate,
            watched: AtomicBool::new(false),
            counts: Mutex::new(counts),
            storage,
        }
    }

    /// What holds from now on.
    fn configure(&self, bounds: &Bounds) {
        let places = bounds.concurrency.map_or(usize::MAX, |most| most as usize);
        if self.gate.places() != places {
            self.gate.resize(places);
        }
        let mut counts = lock(&self.counts);
        if counts.bounds != *bounds {
            counts.bounds = *bounds;
            let now = now();
            counts.forget_told();
            // Known to whoever has set it.
            let _ = counts.passes(now);
            self.watched.store(counts.are_needed(now.unix), SeqCst);
        }
    }

    /// Why nothing may be asked of it now.
    fn held(&self) -> Option<Held> {
        self.watch(Counts::over)?.map(|over| self.refuse(&over))
    }

    /// Counts an attempt in.
    fn book(&self, demand: impl FnOnce() -> Demand) -> Result<Booking, Held> {
        let booked = self.watch(|counts, now| {
            counts.book(now, &demand()).map_err(|over| {
                let passed = counts.refused(now, &over);
                (over, passed)
            })
        });
        match booked {
            None => Ok(Booking::default()),
            Some(Ok(booking)) => Ok(booking),
            Some(Err((over, passed))) => {
                passed.iter().for_each(|passed| self.tell(passed));
                Err(self.refuse(&over))
            }
        }
    }

    fn settle(&self, booking: &Booking, outcome: Outcome) {
        if !booking.is_counted() {
            return;
        }
        let passes = {
            let mut counts = lock(&self.counts);
            let passes = counts.settle(now(), booking, outcome);
            if counts.bounds.have_quotas() {
                // Within the lock, so that the newest one comes last.
                self.storage.note_quota(self.record(&counts));
            }
            passes
        };
        passes.iter().flatten().for_each(|passed| self.tell(passed));
    }

    /// The vendor says what is left, on the way of this attempt.
    fn learn(&self, reported: &Reported, booking: &mut Booking) {
        let in_flight = self.gate.taken() as u64;
        let mut counts = lock(&self.counts);
        counts.report(now(), reported, booking, in_flight);
        self.watched.store(true, SeqCst);
    }

    fn quota_left(&self) -> f64 {
        self.watch(Counts::quota_left).unwrap_or(f64::INFINITY)
    }

    /// Looks at the counts, if there is anything to be counted.
    fn watch<T>(&self, look: impl FnOnce(&mut Counts, Now) -> T) -> Option<T> {
        if !self.watched.load(SeqCst) {
            return None;
        }
        let mut counts = lock(&self.counts);
        let now = now();
        if !counts.are_needed(now.unix) {
            // What a vendor has said is over.
            self.watched.store(false, SeqCst);
            return None;
        }
        Some(look(&mut counts, now))
    }

    fn record(&self, counts: &Counts) -> QuotaRecord {
        QuotaRecord {
            key: self.name.clone(),
            day: counts.day.begins(),
            day_tokens: counts.day.tokens,
            day_cost: counts.day.cost,
            month: counts.month.begins(),
            month_tokens: counts.month.tokens,
            month_cost: counts.month.cost,
        }
    }

    fn refuse(&self, over: &Over) -> Held {
        refusal::held(over, self.name.model.is_none(), clock::unix_millis())
    }

    fn tell(&self, passed: &Passed) {
        LimitPassed {
            key: &self.name,
            limit: passed.bound.name(),
            used_up: passed.told == quota::Told::UsedUp,
            used: passed.used,
            most: passed.most,
        }
        .emit();
    }
}

fn now() -> Now {
    Now {
        unix: clock::unix_millis(),
        up: clock::up_millis(),
    }
}
