//! The end-to-end tests' harness: a gateway as its operator starts it, callers as they meet it, and what both can
//! see of it.
//!
//! The gateway is the real program with a real configuration file. Nothing here may reach into it, and nothing
//! waits for a fixed time where it can wait for an event.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it must be"
)]

mod answer;
mod callers;
mod client;
mod components;
mod gateway;
mod marked;
mod program;
mod wait;

pub use answer::{Answer, ApiError, Comment, Event, Stream, Streamed};
pub use callers::{Callers, Seen};
pub use client::Client;
pub use components::{component, other_version};
pub use gateway::{ADMIN_KEY, Gateway, KEY, LISTEN, SERVER, new_folder};
pub use marked::MARK;
pub use program::{ended_within, root, run, run_with_input};
pub use wait::{SOON, eventually};
