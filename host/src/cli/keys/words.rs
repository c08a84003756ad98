//! The words and colours that all that is said of accounts shares.

use anstyle::Style;

use crate::accounts::{KeyView, Traffic};
use crate::cli::style::{BAD, GOOD, PASSING, PLAIN, QUIET, painted};
use crate::cli::table::Cell;
use crate::cli::text::{clean, span};

/// Longest name of a state that is shown, in columns.
const LONGEST_STATE: usize = 20;

/// How a key stands, in its colour; of one that is available, how well it serves, unless that is well.
pub(in crate::cli) fn shown_key(key: &KeyView) -> String {
    let (style, text) = standing(key);
    painted(style, &text)
}

pub(in crate::cli) fn key_cell(key: &KeyView) -> Cell {
    let (style, text) = standing(key);
    Cell::styled(style, text)
}

fn standing(key: &KeyView) -> (Style, String) {
    match key.health.as_deref() {
        Some(health @ ("degraded" | "unhealthy")) if key.state == "available" => {
            (PASSING, format!("available, {health}"))
        }
        _ => (style(&key.state), clean(&key.state, LONGEST_STATE)),
    }
}

/// The state in its colour.
pub(in crate::cli) fn shown_state(state: &str) -> String {
    painted(style(state), &clean(state, LONGEST_STATE))
}

pub(in crate::cli) fn state_cell(state: &str) -> Cell {
    Cell::styled(style(state), clean(state, LONGEST_STATE))
}

/// The colour of a state.
pub(in crate::cli) fn style(state: &str) -> Style {
    match state {
        "available" => GOOD,
        "cooling down" | "half-open" | "rechecking" | "verifying" => PASSING,
        "out of service" | "disabled by failure" => BAD,
        "disabled by hand" | "unavailable" | "unused" => QUIET,
        _ => PLAIN,
    }
}

/// What goes first: 0 needs somebody most.
pub(in crate::cli) fn urgency(state: &str) -> u8 {
    match state {
        "disabled by failure" => 0,
        "out of service" => 1,
        "rechecking" => 2,
        "unavailable" => 3,
        "half-open" => 4,
        "cooling down" => 5,
        "verifying" => 6,
        "available" => 8,
        "disabled by hand" => 9,
        "unused" => 10,
        _ => 7,
    }
}

/// Whether it may stay like this for long, or for good, if nobody does anything.
pub(in crate::cli) fn needs_somebody(state: &str) -> bool {
    urgency(state) <= urgency("unavailable")
}

/// How long the trouble, or the lack of it, has lasted.
pub(in crate::cli) fn for_how_long(key: &KeyView, now: u64) -> String {
    let trouble = key.first_error.filter(|_| key.state != "available");
    let since = trouble.or(key.since);
    since.map_or_else(String::new, |since| span(now.saturating_sub(since)))
}

pub(in crate::cli) fn next_try(key: &KeyView, now: u64) -> String {
    match (key.state.as_str(), key.next_recheck) {
        _ if key.due => "now".to_owned(),
        ("half-open" | "rechecking", _) => "under way".to_owned(),
        (_, Some(at)) => format!("in {}", span(at.saturating_sub(now).max(1000))),
        ("disabled by failure", None) => "by hand".to_owned(),
        (_, None) => String::new(),
    }
}

/// Why it is not available: the class and what the vendor said.
pub(in crate::cli) fn note(key: &KeyView) -> Option<String> {
    if key.state == "available" {
        return None;
    }
    match (&key.class, &key.message) {
        (Some(class), Some(message)) if !message.is_empty() => Some(format!("{class}: {message}")),
        (Some(said), _) | (None, Some(said)) => Some(said.clone()),
        (None, None) => None,
    }
}

pub(in crate::cli) fn percent(traffic: &Traffic) -> String {
    traffic.success_rate.map_or_else(String::new, |rate| {
        // Not 100 % while anything fails.
        let percent = (rate * 100.0).clamp(0.0, 100.0);
        let shown = if percent < 100.0 {
            percent.min(99.0).round()
        } else {
            percent
        };
        format!("{shown:.0}%")
    })
}

pub(in crate::cli) fn shown_latency(millis: Option<f64>) -> String {
    millis.map_or_else(String::new, |millis| {
        if millis < 999.5 {
            format!("{millis:.0} ms")
        } else {
            format!("{:.1} s", millis / 1000.0)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_read_them() {
        let traffic = |success_rate| Traffic {
            success_rate,
            ..Traffic::default()
        };
        for (rate, shown) in [
            (None, ""),
            (Some(1.0), "100%"),
            (Some(0.9999), "99%"),
            (Some(0.0), "0%"),
        ] {
            assert_eq!(percent(&traffic(rate)), shown);
        }
        for (millis, shown) in [
            (None, ""),
            (Some(0.4), "0 ms"),
            (Some(999.6), "1.0 s"),
            (Some(12_345.0), "12.3 s"),
        ] {
            assert_eq!(shown_latency(millis), shown);
        }
    }
}
