//! A moving average that everybody may write to.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How much the newest observation weighs.
const NEWEST: f64 = 0.2;

/// NaN until the first observation.
#[derive(Debug)]
pub(super) struct Average(AtomicU64);

// === impl Average ===

impl Average {
    pub(super) fn unknown() -> Self {
        Self(AtomicU64::new(f64::NAN.to_bits()))
    }

    pub(super) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }

    pub(super) fn observe(&self, value: f64) {
        let step = |bits: u64| {
            let before = f64::from_bits(bits);
            let after = if before.is_nan() {
                value
            } else {
                before + NEWEST * (value - before)
            };
            Some(after.to_bits())
        };
        // The closure always returns Some, so this cannot fail.
        let _ = self.0.fetch_update(Relaxed, Relaxed, step);
    }
}
