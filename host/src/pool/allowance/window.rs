//! How much there was in the last minute, never too little: a ring of counts, one for each second.
//!
//! A second that began less than a minute ago, or that a minute ago was not over yet, counts in full. One more is
//! added because what is counted here reaches the vendor a little later, and not always equally late: two requests
//! that were counted a minute apart must not arrive within one. So what is counted leaves after 61 to 62 seconds.
//!
//! Times are milliseconds of a clock that never goes back.

/// Milliseconds of a clock that never goes back, from an arbitrary beginning.
pub(super) type Uptime = u64;

/// Seconds that are told apart: a minute, the one that is not over yet, and one for what is on its way.
const SECONDS: u64 = 62;

#[derive(Debug, Clone)]
pub(super) struct Window {
    /// By second, modulo [`SECONDS`].
    counts: [u64; SECONDS as usize],
    sum: u64,
    /// The second that was counted in last.
    newest: u64,
}

// === impl Window ===

impl Window {
    pub(super) fn new() -> Self {
        Self {
            counts: [0; SECONDS as usize],
            sum: 0,
            newest: 0,
        }
    }

    /// What counts now.
    pub(super) fn sum(&mut self, now: Uptime) -> u64 {
        self.turn(now);
        self.sum
    }

    pub(super) fn add(&mut self, now: Uptime, count: u64) {
        self.turn(now);
        self.counts[slot(self.newest)] += count;
        self.sum += count;
    }

    /// What was added then was not used; if it counts no more, nothing changes.
    pub(super) fn take_back(&mut self, now: Uptime, added: Uptime, count: u64) {
        self.turn(now);
        let second = added / 1000;
        if second + SECONDS > self.newest {
            let counted = &mut self.counts[slot(second)];
            let count = count.min(*counted);
            *counted -= count;
            self.sum -= count;
        }
    }

    /// When no more than `most` will be left, in milliseconds from now.
    pub(super) fn falls_to(&mut self, now: Uptime, most: u64) -> u64 {
        self.turn(now);
        let mut left = self.sum;
        let oldest = self.newest.saturating_sub(SECONDS - 1);
        for second in oldest..=self.newest {
            if left <= most {
                break;
            }
            left -= self.counts[slot(second)];
            if left <= most {
                return ((second + SECONDS) * 1000).saturating_sub(now);
            }
        }
        0
    }

    fn turn(&mut self, now: Uptime) {
        let second = (now / 1000).max(self.newest);
        let passed = (second - self.newest).min(SECONDS);
        for gone in self.newest + 1..=self.newest + passed {
            let count = std::mem::take(&mut self.counts[slot(gone)]);
            self.sum -= count;
        }
        self.newest = second;
    }
}

fn slot(second: u64) -> usize {
    // Less than SECONDS, so it fits.
    usize::try_from(second % SECONDS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_leaves_after_a_minute_and_one_or_two_seconds() {
        for begin in [0, 1, 500, 999, 1000, 123_456_789] {
            let mut window = Window::new();
            window.add(begin, 3);
            assert_eq!(window.sum(begin + 61_000), 3, "{begin}");
            let leaves = window.falls_to(begin + 61_000, 0);
            assert!((1..=1000).contains(&leaves), "{begin}: {leaves}");
            assert_eq!(window.sum(begin + 61_000 + leaves - 1), 3, "{begin}");
            assert_eq!(window.sum(begin + 61_000 + leaves), 0, "{begin}");
        }
    }

    #[test]
    fn room_comes_as_the_oldest_leave() {
        let mut window = Window::new();
        for (at, count) in [(500, 2), (10_000, 3), (10_400, 1), (30_000, 4)] {
            window.add(at, count);
        }
        let wait = |window: &mut Window, most| window.falls_to(40_000, most);
        assert_eq!(wait(&mut window, 10), 0);
        assert_eq!(wait(&mut window, 8), 22_000);
        assert_eq!(wait(&mut window, 7), 32_000);
        assert_eq!(wait(&mut window, 4), 32_000);
        assert_eq!(wait(&mut window, 3), 52_000);
    }

    #[test]
    fn taking_back_finds_only_what_still_counts() {
        let mut window = Window::new();
        window.add(1_000, 2);
        window.add(2_000, 5);
        window.take_back(3_000, 1_000, 2);
        assert_eq!(window.sum(3_000), 5);
        window.take_back(3_000, 1_000, 2);
        assert_eq!(window.sum(3_000), 5, "there is nothing left to take");
        window.add(63_500, 7);
        window.take_back(64_000, 2_000, 5);
        assert_eq!(window.sum(64_000), 7, "the ring has come round to another second");
    }

    #[test]
    fn a_long_silence_empties_it() {
        let mut window = Window::new();
        window.add(1_000, 2);
        assert_eq!(window.sum(10_000_000), 0);
        assert_eq!(window.sum(9_000_000), 0, "the clock does not go back");
    }
}
