//! How many instances of a plugin to have ready before anybody asks for one: as many as were missed lately.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Most that are kept ready.
const MOST: usize = 32;
/// Memory that instances kept ready may take together, in bytes; one is kept whatever it takes.
const MEMORY: usize = 64 << 20;

/// What was asked for, and what one costs.
#[derive(Debug, Default)]
pub(super) struct Demand {
    wanted: AtomicUsize,
    /// The fewest that were left ready since [`Self::look_back`].
    fewest: AtomicUsize,
    /// Asked for since then.
    taken: AtomicUsize,
    /// Linear memory of one instance, in bytes.
    cost: AtomicUsize,
    /// Somebody has been asked to prepare more, and has not begun yet.
    asked: AtomicBool,
}

// === impl Demand ===

impl Demand {
    /// One was asked for: was it ready, and how many are ready still.
    pub(super) fn took(&self, was_ready: bool, left: usize) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        self.fewest.fetch_min(left, Ordering::Relaxed);
        if !was_ready {
            let more = |wanted: usize| Some((wanted * 2).clamp(1, self.most()));
            let _ = self
                .wanted
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        }
    }

    /// Too few are ready.
    pub(super) fn wants_more(&self, ready: usize) -> bool {
        ready < self.wanted.load(Ordering::Relaxed)
    }

    /// It is time to have more made, and nobody has been asked yet: at half of what is wanted, so that whoever makes
    /// them is not woken for each.
    pub(super) fn ask(&self, ready: usize) -> bool {
        let due = ready * 2 < self.wanted.load(Ordering::Relaxed);
        due && !self.asked.swap(true, Ordering::Relaxed)
    }

    pub(super) fn answered(&self) {
        self.asked.store(false, Ordering::Relaxed);
    }

    pub(super) fn costs(&self, memory: usize) {
        self.cost.store(memory, Ordering::Relaxed);
    }

    /// What there was too much of is wanted less. How many to keep.
    pub(super) fn look_back(&self) -> usize {
        let taken = self.taken.swap(0, Ordering::Relaxed);
        let spare = self.fewest.swap(usize::MAX, Ordering::Relaxed);
        let wanted = self.wanted.load(Ordering::Relaxed);
        let less = match (taken, wanted) {
            (_, 0) => 0,
            (0, wanted) => wanted.div_ceil(2),
            (_, wanted) => wanted.saturating_sub(spare / 2).max(1),
        };
        self.wanted.store(less, Ordering::Relaxed);
        less
    }

    fn most(&self) -> usize {
        let cost = self.cost.load(Ordering::Relaxed).max(1);
        (MEMORY / cost).clamp(1, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_wanted_and_what_is_spare_is_not() {
        let demand = Demand::default();
        assert!(!demand.wants_more(0), "nobody has asked");
        for _ in 0..4 {
            demand.took(false, 0);
        }
        assert!(demand.wants_more(7) && !demand.wants_more(8));
        assert_eq!(demand.look_back(), 8, "all of them were needed");
        demand.took(true, 6);
        assert_eq!(demand.look_back(), 5, "six were always there");
        for keep in [3, 2, 1, 1] {
            assert_eq!(demand.look_back(), keep, "nobody asks any more");
        }
    }

    #[test]
    fn large_instances_are_few() {
        let demand = Demand::default();
        demand.costs(MEMORY / 2);
        for _ in 0..10 {
            demand.took(false, 0);
        }
        assert!(demand.wants_more(1) && !demand.wants_more(2));
        demand.costs(MEMORY * 2);
        demand.took(false, 0);
        assert!(demand.wants_more(0) && !demand.wants_more(1));
    }
}
