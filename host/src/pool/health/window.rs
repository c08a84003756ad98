//! Successes and failures over the last five minutes, counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::pool::standing::Millis;

/// Each counts so much time, in milliseconds ...
const SLOT: Millis = 30_000;
/// ... and there are so many of them.
const SLOTS: usize = 10;

/// In each slot, from the top: the last 16 bits of its number, 24 bits of successes, 24 bits of failures. A number
/// comes again after 22 days: whoever was not asked for exactly that long has old counts for half a minute.
#[derive(Debug, Default)]
pub(super) struct Window([AtomicU64; SLOTS]);

const COUNT: u64 = (1 << 24) - 1;

// === impl Window ===

impl Window {
    pub(super) fn count(&self, now: Millis, success: bool) {
        let number = now / SLOT;
        let Some(slot) = self.0.get(index(number)) else {
            return;
        };
        let add = |bits: u64| {
            let bits = if bits >> 48 == tag(number) {
                bits
            } else {
                tag(number) << 48
            };
            let (succeeded, failed) = counts(bits);
            // Full after 16 million in half a minute; what is more says nothing new.
            if succeeded == COUNT || failed == COUNT {
                return None;
            }
            Some(bits + if success { 1 << 24 } else { 1 })
        };
        let _ = slot.fetch_update(Relaxed, Relaxed, add);
    }

    /// Successes and failures.
    pub(super) fn sum(&self, now: Millis) -> (u32, u32) {
        let newest = now / SLOT;
        let numbers = (0..SLOTS as u64).filter_map(|back| newest.checked_sub(back));
        let (mut succeeded, mut failed) = (0, 0);
        for number in numbers {
            let bits = self.0.get(index(number)).map_or(0, |slot| slot.load(Relaxed));
            if bits >> 48 == tag(number) {
                let (good, bad) = counts(bits);
                succeeded += good;
                failed += bad;
            }
        }
        // Ten slots of 24 bits.
        (
            u32::try_from(succeeded).unwrap_or(u32::MAX),
            u32::try_from(failed).unwrap_or(u32::MAX),
        )
    }
}

fn tag(number: u64) -> u64 {
    number & 0xffff
}

fn index(number: u64) -> usize {
    usize::try_from(number % SLOTS as u64).unwrap_or(0)
}

fn counts(bits: u64) -> (u64, u64) {
    ((bits >> 24) & COUNT, bits & COUNT)
}
