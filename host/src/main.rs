//! The `patchbay` program: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use patchbay::cli::Cli;

/// Gives memory back after a burst, which glibc's allocator does late where many threads allocate.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

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
