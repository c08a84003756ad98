//! The wall clock and random bits, each read in one place.
//!
//! Durations are measured with `tokio::time::Instant`, which tests can pause.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// When the time was asked for first.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Unix time in milliseconds.
pub(crate) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The day that a Unix time in milliseconds falls on, by UTC: "2026-11-21".
///
/// Counts from March of the year 0, so that a leap day is the last of its year, in cycles of 400 years.
pub(crate) fn date(unix_millis: u64) -> String {
    let days = unix_millis / 86_400_000 + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    format!("{:04}-{month:02}-{of_month:02}", cycle * 400 + year + next_year)
}

/// Milliseconds since some moment of this process, by a clock that never goes back, whatever is done to the wall
/// clock. For windows that must not be opened by setting a clock.
pub(crate) fn up_millis() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// 64 random bits, for strategies and request ids.
pub(crate) fn entropy() -> u64 {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_by_the_calendar() {
        const DAY: u64 = 86_400;
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (DAY - 1, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_782_400 + DAY, "2000-03-01"),
            (1_709_164_800, "2024-02-29"),
            (1_735_603_200, "2024-12-31"),
            (1_735_689_600, "2025-01-01"),
            (1_795_219_199, "2026-11-20"),
            (4_107_456_000, "2100-02-28"),
            (4_107_456_000 + DAY, "2100-03-01"),
        ] {
            assert_eq!(date(seconds * 1000), expected, "{seconds}");
        }
    }
}
