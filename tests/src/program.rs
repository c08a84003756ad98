//! Programs that run and end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::marked::unmarked;

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests stand in the checkout")
}

/// The built program. It is not built here: cargo cannot build another package's program for a test.
pub(crate) fn patchbay() -> PathBuf {
    let program = root().join("target/release/patchbay");
    assert!(
        program.is_file(),
        "no {}: run `make build plugins` first",
        program.display()
    );
    program
}

/// Runs `patchbay` with these arguments in the checkout, to its end. `environment`: on top of the test's own.
pub fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    run_with_input(arguments, environment, "")
}

/// The same with this on its standard input, which is no terminal.
pub fn run_with_input(arguments: &[&str], environment: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(patchbay());
    command
        .args(arguments)
        // Compiled once for all tests of all runs.
        .env("XDG_CACHE_HOME", root().join("target/test-cache"))
        .env("NO_PROXY", "127.0.0.1")
        .envs(environment.iter().copied())
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("patchbay runs");
    let stdin = child.stdin.take();
    // A program that reads nothing may have ended.
    let _ = stdin.expect("is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("patchbay ends");
    unmarked("what a command prints", &output.stdout);
    unmarked("what a command complains of", &output.stderr);
    output
}

/// How a program ended; none if it still runs after this time.
pub async fn ended_within(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        sleep(Duration::from_millis(5)).await;
    }
    None
}
