//! Everything that can go wrong at a vendor, in every kind of request: whole and streamed, passing and translated,
//! with and without another candidate, and with a caller who leaves. One oracle judges them all: an answer is complete
//! or an error that nobody can overlook, in time, and nothing goes on behind it.
//!
//! Prints a table of what came of each, and goes on with a crowd of streams that meet all of it together. An argument
//! runs only those cells whose names hold it; `crowd` runs the crowd alone.
#![expect(
    clippy::unwrap_used,
    reason = "a test's own functions fail the test the way its body does"
)]

mod caller;
mod cell;
mod crowd;
mod fault;
mod faults;
mod matrix;
mod oracle;
mod reading;
mod stage;
mod table;

use std::process::ExitCode;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let mut failed = 0;
    if wanted != ["crowd"] {
        failed += matrix::run(&wanted).await;
    }
    if wanted.is_empty() || wanted == ["crowd"] {
        failed += crowd::run().await;
    }
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
