//! The log: to standard error, for people on a terminal and as JSON for machines.

use std::io::{BufWriter, IsTerminal, stderr};

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Starts the log. `PATCHBAY_LOG` filters it ("debug", "patchbay=debug,warn"; default "info").
///
/// A thread of its own writes the lines behind the requests, many at once; dropping what is returned writes the
/// rest. Lines that nobody takes off our hands are dropped, so that a stuck reader cannot stop the gateway.
pub fn start_log(format: LogFormat) -> WorkerGuard {
    let filter = EnvFilter::try_from_env("PATCHBAY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let (writer, guard) = tracing_appender::non_blocking(BufWriter::with_capacity(1 << 16, stderr()));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_target(false);
    // A second start (in tests) leaves the first log in place.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(stderr().is_terminal()).try_init(),
    };
    guard
}
