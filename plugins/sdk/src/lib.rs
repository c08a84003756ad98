//! What every patchbay plugin written in Rust shares. A plugin implements one trait, [`adapter::Adapter`] or
//! [`strategy::Strategy`], and exports it with one macro; the rest of the crate makes that short.
//!
//! Everything but the export itself also runs natively, so a plugin is tested as plain Rust with [`testkit`].
//! The crate must never reach for a clock, a file or a network in a component: there is none.
//!
//! In reading order:
//! - [`words`]: the string sets of the contract as enums;
//! - [`adapter`]: a vendor's API, its requests, failures and progress, and [`export_adapter!`];
//! - [`strategy`]: a way to choose, and [`export_strategy!`];
//! - [`canonical`]: the JSON that callers speak;
//! - [`classify`]: what an error reply of an OpenAI-style server means;
//! - [`log`]: the gateway's log, and the panic hook;
//! - [`testkit`]: drives plugins natively.

pub mod adapter;
#[doc(hidden)]
pub mod bindings;
pub mod canonical;
pub mod classify;
pub mod log;
pub mod strategy;
#[cfg(not(target_arch = "wasm32"))]
pub mod testkit;
pub mod words;

/// Unix time, or a duration, in milliseconds.
pub type Millis = u64;
