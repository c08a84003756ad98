//! Words for people and JSON for machines, on standard output; on standard error only that something takes long.

use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anstream::AutoStream;
use clap::ColorChoice;
use serde::Serialize;

/// Between two lines about how far something is.
const PROGRESS: Duration = Duration::from_secs(5);

/// The options of every command that shows what it was told or has found.
#[derive(Debug, clap::Args)]
pub(super) struct Look {
    /// Print all of it as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// When to colour words; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

/// Says now and then on standard error how far something is.
#[derive(Debug)]
pub(super) struct Progress {
    told: Instant,
}

// === impl Look ===

impl Look {
    /// Lines that may be coloured. A reader that has gone away (`| head`) is no error.
    pub(super) fn show(&self, text: &str) {
        let choice = match self.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        let _ = AutoStream::new(std::io::stdout(), choice).write_all(text.as_bytes());
    }
}

// === impl Progress ===

impl Progress {
    pub(super) fn new() -> Self {
        Self { told: Instant::now() }
    }

    pub(super) fn at(&mut self, how_far: impl FnOnce() -> String) {
        if self.told.elapsed() >= PROGRESS {
            self.told = Instant::now();
            let _ = writeln!(std::io::stderr().lock(), "{} ...", how_far());
        }
    }
}

/// One line. A reader that has gone away (`| head`) is no error.
pub(super) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Does something that may take long; after a second standard error says what, for a person who waits.
pub(super) fn patiently<T>(what: &str, work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (done, wait) = channel::<()>();
        scope.spawn(move || {
            if wait.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                let _ = writeln!(std::io::stderr().lock(), "{what} ...");
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// One JSON document.
pub(super) fn say_json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => say(text),
        Err(error) => tracing::error!("cannot write JSON: {error}"),
    }
}
