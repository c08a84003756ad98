//! How long something takes: a moving average, and percentiles of the recent ones.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::pool::average::Average;

/// Observations that percentiles are taken of.
const RECENT: usize = 128;
/// The percentile that strategies see is taken anew after so many.
const EVERY: u32 = 8;

/// Observations of one kind.
#[derive(Debug)]
pub struct Timing {
    average_ms: Average,
    /// The bits of an `f64`.
    p95_ms: AtomicU64,
    count: AtomicU32,
    /// Milliseconds as `f32`; NaN where there was none yet.
    recent: [AtomicU32; RECENT],
}

/// Milliseconds; NaN without an observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentiles {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

// === impl Timing ===

impl Timing {
    pub(super) fn observe(&self, time: Duration) {
        let ms = time.as_secs_f64() * 1e3;
        self.average_ms.observe(ms);
        let count = self.count.fetch_add(1, Relaxed);
        if let Some(slot) = self.recent.get(count as usize % RECENT) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "24 bits tell times apart well enough"
            )]
            slot.store((ms as f32).to_bits(), Relaxed);
        }
        if count.is_multiple_of(EVERY) {
            let p95 = self.percentiles().p95;
            self.p95_ms.store(p95.to_bits(), Relaxed);
        }
    }

    /// Moving average; NaN before the first.
    pub fn average_ms(&self) -> f64 {
        self.average_ms.get()
    }

    /// The 95th percentile, at most eight observations old; NaN before the first.
    pub fn p95_ms(&self) -> f64 {
        f64::from_bits(self.p95_ms.load(Relaxed))
    }

    /// The last 128, in milliseconds, in no order.
    pub fn recent(&self) -> impl Iterator<Item = f32> {
        let times = self.recent.iter().map(|slot| f32::from_bits(slot.load(Relaxed)));
        times.take_while(|time| !time.is_nan())
    }

    /// Of the last 128.
    pub fn percentiles(&self) -> Percentiles {
        let mut times = [0.0_f32; RECENT];
        let mut many = 0;
        for (place, time) in times.iter_mut().zip(self.recent()) {
            *place = time;
            many += 1;
        }
        Percentiles::of(times.get_mut(..many).unwrap_or_default())
    }
}

// === impl Percentiles ===

impl Percentiles {
    /// By nearest rank.
    pub fn of(times: &mut [f32]) -> Self {
        times.sort_unstable_by(f32::total_cmp);
        let rank = |percent: usize| {
            let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(place).map_or(f64::NAN, |time| f64::from(*time))
        };
        Self {
            p50: rank(50),
            p95: rank(95),
            p99: rank(99),
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            average_ms: Average::unknown(),
            p95_ms: AtomicU64::new(f64::NAN.to_bits()),
            count: AtomicU32::new(0),
            recent: std::array::from_fn(|_| AtomicU32::new(f32::NAN.to_bits())),
        }
    }
}
