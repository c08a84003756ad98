//! How long a vendor asks to be left alone, in the forms that are about: milliseconds, seconds, an HTTP date,
//! durations like `1m30s`.

use crate::adapter::{Head, Millis};

/// `retry-after-ms` before `retry-after`, as the vendor's own clients read them. A zero says nothing: some
/// servers send `retry-after-ms: 0` beside `retry-after: 1`. A date in the past counts as zero too.
pub fn retry_after(head: &Head, now: Millis) -> Option<Millis> {
    let in_millis = head.header("retry-after-ms").and_then(|value| millis(value, 1.0));
    let in_seconds = || {
        let value = head.header("retry-after")?;
        duration(value).or_else(|| http_date(value).map(|date| date.saturating_sub(now)))
    };
    in_millis
        .filter(|&delay| delay > 0)
        .or_else(in_seconds)
        .filter(|&delay| delay > 0)
}

/// A duration as Go writes it (`1m30s`, `8.64s`, `132ms`, `6m0s`), or a bare number of seconds. Rounded up to
/// whole milliseconds, so that nobody comes back too early.
pub fn duration(text: &str) -> Option<Millis> {
    let text = text.trim();
    if let Some(seconds) = millis(text, 1000.0) {
        return Some(seconds);
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(unit_at);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        total += number.parse::<f64>().ok()? * millis_in(unit)?;
        rest = next;
    }
    (!text.is_empty()).then(|| whole(total))
}

/// An HTTP date in its one form that servers may still send (RFC 9110, section 5.6.7):
/// `Sun, 06 Nov 1994 08:49:37 GMT`, as Unix time.
pub fn http_date(text: &str) -> Option<Millis> {
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let year: u64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let is_real = (1970..=9999).contains(&year) && (1..=31).contains(&day);
    // A leap second is the sixtieth.
    if words.next()? != "GMT" || !is_real || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let month = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    .iter()
    .position(|name| *name == month)?;
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1000)
}

/// `month` counts from 0. `year` is 1970 or later, by the Gregorian calendar.
fn days_since_1970(year: u64, month: usize, day: u64) -> u64 {
    const DAYS_BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_days_before = |year: u64| year / 4 - year / 100 + year / 400;
    let is_leap = leap_days_before(year) > leap_days_before(year - 1);
    let leap_days = leap_days_before(year - 1) - leap_days_before(1969);
    let leap_day = u64::from(is_leap && month > 1);
    (year - 1970) * 365 + leap_days + DAYS_BEFORE[month] + leap_day + day - 1
}

fn millis_in(unit: &str) -> Option<f64> {
    Some(match unit {
        "h" => 3_600_000.0,
        "m" => 60_000.0,
        "s" => 1000.0,
        "ms" => 1.0,
        "us" | "µs" | "μs" => 0.001,
        "ns" => 0.000_001,
        _ => return None,
    })
}

/// A plain decimal, without sign or exponent.
fn millis(number: &str, factor: f64) -> Option<Millis> {
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = number.parse().ok()?;
    plain.then(|| whole(number * factor))
}

/// Rounded up, but for what is only the error of binary fractions. Too much becomes the most there is.
fn whole(millis: f64) -> Millis {
    (millis - 1e-6).ceil() as Millis
}
