//! What guests say: one plugin's lines in the gateway's log, made harmless and bounded in number.
//!
//! A guest's words are never a format, never more than one line, and never enough of them to drown the others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::bindings::v0_1::log::Level;

/// A line is cut to this many characters.
const LINE: usize = 2048;
/// Lines of one plugin in one second; more are counted and left out.
const LINES_A_SECOND: u64 = 100;

/// The voice of one plugin: who speaks, and how much was said lately.
#[derive(Debug)]
pub(super) struct Voice {
    /// name@version, or the name alone while the version is not known.
    plugin: String,
    since: Instant,
    /// The second the count is of, and the count, in one word: 40 bits and 24.
    said: AtomicU64,
}

// === impl Voice ===

impl Voice {
    pub(super) fn new(plugin: impl Into<String>) -> Self {
        Self {
            plugin: plugin.into(),
            since: Instant::now(),
            said: AtomicU64::new(0),
        }
    }

    pub(super) fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Writes one line about a request, unless there were too many in this second.
    pub(super) fn say(&self, request_id: Option<&str>, level: Level, line: &str) {
        let (count, missed) = self.count();
        let plugin = self.plugin();
        if missed > 0 {
            tracing::warn!(
                plugin,
                lines = missed,
                "said more than {LINES_A_SECOND} lines in a second; the rest was left out"
            );
        }
        if count > LINES_A_SECOND {
            return;
        }
        match level {
            Level::Debug => tracing::debug!(plugin, request_id, "{line}"),
            Level::Info => tracing::info!(plugin, request_id, "{line}"),
            Level::Warn => tracing::warn!(plugin, request_id, "{line}"),
            Level::Error => tracing::error!(plugin, request_id, "{line}"),
        }
    }

    /// How many lines there were in this second, this one included; and how many were left out in the second that
    /// ended with this line.
    fn count(&self) -> (u64, u64) {
        let second = self.since.elapsed().as_secs();
        let mut missed = 0;
        let counted = self
            .said
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |said| {
                let (when, count) = (said >> 24, said & 0xff_ffff);
                missed = 0;
                Some(if when == second {
                    said + u64::from(count < 0xff_ffff)
                } else {
                    missed = count.saturating_sub(LINES_A_SECOND);
                    (second << 24) | 1
                })
            });
        let before = counted.unwrap_or_default();
        let count = if before >> 24 == second {
            (before & 0xff_ffff) + 1
        } else {
            1
        };
        (count, missed)
    }
}

/// A guest's words on one line of bounded length, without control characters that could forge another line.
pub(super) fn readable(text: &str) -> String {
    let cut = text.char_indices().nth(LINE).map_or(text, |(at, _)| &text[..at]);
    cut.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(readable("a\nb\r\u{1b}[31mc"), "a b  [31mc");
        assert_eq!(readable(&"é".repeat(5000)).chars().count(), LINE);
    }

    #[test]
    fn what_is_said_too_often_is_counted() {
        let voice = Voice::new("chatty");
        // A second may pass meanwhile, but not three.
        let counts: Vec<u64> = (0..3 * LINES_A_SECOND + 3).map(|_| voice.count().0).collect();
        assert!(counts.iter().any(|count| *count > LINES_A_SECOND), "{counts:?}");
        assert_eq!(counts.first(), Some(&1));
    }
}
