//! The `patchbay` program: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use patchbay::cli::Cli;
use tikv_jemallocator::Jemalloc;

/// Its background thread gives memory back to the system even while nothing happens: compiling a component takes
/// much for a short time, and a gateway that is reloaded under load should come back to the size it had.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            #[expect(
                clippy::print_stderr,
                reason = "the one place where the program says why it failed"
            )]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
