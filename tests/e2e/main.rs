//! The gateway from outside: every test starts the real program against a simulated vendor of its own and judges
//! by what the caller got, what the vendor saw, and what the metrics and the log say.
#![expect(
    clippy::unwrap_used,
    reason = "a test's own functions fail the test the way its body does"
)]

mod admission;
mod allowance;
mod auth;
mod bad_requests;
mod cancel;
mod changes;
mod changes_cli;
mod changes_kept;
mod changes_refused;
mod changes_verified;
mod chat;
mod cli;
mod configuration;
mod crowd;
mod decisions;
mod drain;
mod failover;
mod files;
mod held;
mod hostile;
mod keys;
mod keys_checked;
mod limits;
mod plugin_files;
mod plugin_list;
mod plugins;
mod quota;
mod reach;
mod reload;
mod replay;
mod replay_exact;
mod reported;
mod rollback;
mod routing;
mod rules;
mod secrets;
mod served;
mod setup;
mod shadow;
mod status;
mod strategies;
mod streams;
mod timeouts;
mod traffic;
mod translated;
mod unwatched;
mod versions;
