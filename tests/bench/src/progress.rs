//! What is going on, on standard error while it runs.

use std::io::Write;
use std::time::Instant;

pub(crate) struct Progress {
    started: Instant,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    pub(crate) fn lane(&self, name: &str) {
        self.say(format_args!("{name}"));
    }

    /// `round` from 0.
    pub(crate) fn step(&self, round: usize, subject: &str, found: &str) {
        self.say(format_args!("  round {}  {subject:<14} {found}", round + 1));
    }

    pub(crate) fn say(&self, what: std::fmt::Arguments<'_>) {
        // Nobody to read it is no reason to stop.
        let _ = writeln!(
            std::io::stderr(),
            "{:>6.1} s  {what}",
            self.started.elapsed().as_secs_f64()
        );
    }
}
