//! The log: to standard error, for people on a terminal and as JSON for machines.

mod behind;

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

pub use behind::Flush;

use behind::Behind;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Starts the log. `PATCHBAY_LOG` filters it ("debug", "patchbay=debug,warn"; default "info"). Lines are written
/// behind the requests; dropping what is returned writes the rest.
pub fn start_log(format: LogFormat) -> Flush {
    let filter = EnvFilter::try_from_env("PATCHBAY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let (writer, flush) = Behind::start(stderr());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_target(false);
    // A second start (in tests) leaves the first log in place.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(stderr().is_terminal()).try_init(),
    };
    flush
}
