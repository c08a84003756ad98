//! The simulator over real sockets: what callers see, what it records, how it starts and stops.
#![expect(
    clippy::unwrap_used,
    reason = "a test's own functions fail the test the way its body does"
)]

mod answers;
mod anthropic;
mod behaviours;
mod client;
mod control;
mod doors;
mod faults;
mod program;
mod raw;
mod records;
mod streams;
mod wire;
