//! patchbay: an LLM gateway whose knowledge of vendors and of routing lives in WebAssembly components.
//!
//! A request comes in over [`http`]. The [`pipeline`] is its journey, told in one file: it takes the current
//! [`generation`], finds out who is asking, reads the canonical request ([`chat`]), and has the model's [`route`]
//! rank the candidates, which is where a strategy [`plugin`] speaks; the [`decision`] is kept, so that it can be
//! explained and replayed ([`replay`]). It leases the first candidate from the
//! [`pool`] and starts an exchange with that candidate's adapter plugin. What the adapter wants sent, [`upstream`]
//! sends, with the credential that the adapter never sees; what comes back, the adapter turns into canonical form,
//! or it passes straight through. A [`stream`] reaches the caller metered and ends exactly once. Every ending is
//! one record of [`usage`], which [`telemetry`] logs and counts. What must outlive the process lies in [`storage`],
//! credentials sealed by [`seal`]; what operators are told of their accounts has the shapes of [`accounts`].
//!
//! [`app`] owns the one pointer to the current generation and replaces it when the [`config`] file or a component
//! changes on disk, or when a setting is changed at run time.

pub mod accounts;
pub mod app;
pub mod chat;
pub mod check;
pub mod cli;
pub mod config;
pub mod decision;
pub mod failure;
pub mod generation;
pub mod http;
pub mod pipeline;
pub mod plugin;
pub mod pool;
pub mod replay;
pub mod route;
pub mod seal;
pub mod storage;
pub mod stream;
pub mod telemetry;
pub mod upstream;
pub mod usage;

mod clock;
mod lock;
