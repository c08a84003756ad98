//! How long a vendor asks to be left alone, in the forms that are about: milliseconds, seconds, an HTTP date,
//! durations like `1m30s`.

use super::http_date;
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
