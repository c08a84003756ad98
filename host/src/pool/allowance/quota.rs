//! What was used this day and this month, by the calendar of UTC.
//!
//! A period ends when the clock says so, whichever way it goes: a clock that was wrong and is set right must not leave
//! a quota used up for years.

use crate::pool::Millis;

const DAY: Millis = 24 * 3600 * 1000;

/// What a quota is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    Day,
    Month,
}

/// Use in one period.
#[derive(Debug, Clone)]
pub(super) struct Period {
    span: Span,
    /// Unix time in milliseconds.
    begins: Millis,
    ends: Millis,
    pub(super) tokens: u64,
    /// US dollars.
    pub(super) cost: f64,
    pub(super) told_tokens: Told,
    pub(super) told_cost: Told,
}

/// What was said of a quota in this period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Told {
    Nothing,
    Warned,
    UsedUp,
}

// === impl Period ===

impl Period {
    pub(super) fn new(span: Span, now: Millis) -> Self {
        let (begins, ends) = span.around(now);
        Self {
            span,
            begins,
            ends,
            tokens: 0,
            cost: 0.0,
            told_tokens: Told::Nothing,
            told_cost: Told::Nothing,
        }
    }

    /// As it was kept; nothing of it if it is over.
    pub(super) fn restored(span: Span, begins: Millis, tokens: u64, cost: f64, now: Millis) -> Self {
        let mut period = Self::new(span, now);
        if period.begins == begins {
            period.tokens = tokens;
            period.cost = if cost.is_finite() { cost.max(0.0) } else { 0.0 };
        }
        period
    }

    /// The period of now: a new one begins with nothing.
    pub(super) fn turn(&mut self, now: Millis) {
        if !(self.begins..self.ends).contains(&now) {
            *self = Self::new(self.span, now);
        }
    }

    pub(super) fn add(&mut self, tokens: u64, cost: f64) {
        self.tokens = self.tokens.saturating_add(tokens);
        self.cost += cost;
    }

    pub(super) fn begins(&self) -> Millis {
        self.begins
    }

    pub(super) fn ends(&self) -> Millis {
        self.ends
    }
}

// === impl Span ===

impl Span {
    /// Beginning and end of the period that a time is in.
    fn around(self, now: Millis) -> (Millis, Millis) {
        let day = now / DAY;
        match self {
            Self::Day => (day * DAY, (day + 1) * DAY),
            Self::Month => {
                let months = month_of(day);
                (first_day(months) * DAY, first_day(months + 1) * DAY)
            }
        }
    }
}

/// Months since March of the year 0, of a day since 1970. The era, year and month of a day in the proleptic Gregorian
/// calendar, in which a year begins with March so that the leap day is its last.
fn month_of(day: u64) -> u64 {
    // Days since 0000-03-01.
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    (era * 400 + year) * 12 + month
}

/// The first day of such a month, since 1970.
fn first_day(months: u64) -> u64 {
    let (year, month) = (months / 12, months % 12);
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    days - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T03:19:53Z
    const NOW: Millis = 1_795_231_193_000;

    #[test]
    fn periods_are_those_of_the_calendar() {
        // Seconds, by `date -u -d DATE +%s`.
        for (at, begins, ends) in [
            (1_795_231_193, 1_793_491_200, 1_796_083_200), // 2026-11-21: November of 30 days
            (1_793_491_200, 1_793_491_200, 1_796_083_200), // its first moment
            (1_796_083_199, 1_793_491_200, 1_796_083_200), // its last second
            (1_709_164_800, 1_706_745_600, 1_709_251_200), // 2024-02-29: February of a leap year
            (1_740_700_800, 1_738_368_000, 1_740_787_200), // 2025-02-28: and of another
            (4_107_542_399, 4_105_123_200, 4_107_542_400), // 2100-02-28: no leap year
            (1_735_689_599, 1_733_011_200, 1_735_689_600), // 2024-12-31
            (0, 0, 2_678_400),
        ] {
            let period = Period::new(Span::Month, at * 1000);
            assert_eq!((period.begins, period.ends), (begins * 1000, ends * 1000), "{at}");
        }
        let day = Period::new(Span::Day, NOW);
        assert_eq!((day.begins, day.ends), (1_795_219_200_000, 1_795_305_600_000));
    }

    #[test]
    fn a_new_period_begins_with_nothing_also_after_a_clock_was_wrong() {
        let mut day = Period::new(Span::Day, NOW);
        day.add(10, 0.5);
        day.told_tokens = Told::UsedUp;
        day.turn(NOW + 20 * 3600 * 1000);
        assert_eq!((day.tokens, day.told_tokens), (10, Told::UsedUp));
        day.turn(NOW + 400 * DAY);
        assert_eq!((day.tokens, day.cost, day.told_tokens), (0, 0.0, Told::Nothing));
        day.add(3, 0.1);
        day.turn(NOW);
        assert_eq!(day.tokens, 0);
    }

    #[test]
    fn what_was_kept_of_a_period_that_is_over_is_forgotten() {
        let begins = Period::new(Span::Day, NOW).begins;
        let restore = |begins, cost| Period::restored(Span::Day, begins, 7, cost, NOW);
        assert_eq!((restore(begins, 0.5).tokens, restore(begins, 0.5).cost), (7, 0.5));
        assert_eq!(restore(begins - DAY, 0.5).tokens, 0);
        assert_eq!(restore(begins, f64::NAN).cost, 0.0);
    }
}
