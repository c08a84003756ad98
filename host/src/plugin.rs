//! The WebAssembly plugin host: loads components, calls them under limits, and checks all they return.
//!
//! The only module that knows wasmtime. It never sees a credential and does no I/O but reading component files;
//! what a guest asks for is returned to the caller as checked data.

mod adapter;
mod bindings;
pub mod build;
mod cache;
mod check;
mod compile;
mod conduct;
mod contract;
mod demand;
mod description;
mod engine;
mod error;
mod folder;
mod instance;
mod lane;
mod load;
mod log;
mod part;
mod payload;
mod prepare;
mod rehearsal;
mod room;
mod schema;
mod store;
mod strategy;
mod target;
mod trial;
mod world;

pub use adapter::{Adapter, Exchange, ExchangeError};
pub use bindings::contract_versions;
pub use contract::{
    Body, Call, Chunk, CredentialUse, Event, Framing, Head, Input, Next, Outgoing, Progress, Turn,
};
pub use description::{CredentialField, Description};
pub use engine::{Engine, EngineError};
pub use error::{Limit, PluginError, Problem};
pub use folder::{Folder, PluginSet, SETTLED, Scanned};
pub use load::{LoadError, Origin, Plugin, Serves, Source};
pub use part::Part;
pub use payload::{Payload, TooLong};
pub use rehearsal::Finding;
pub use strategy::{PoolMember, Ranked, Role, StrategyInstance, StrategyPlugin};
pub use target::{Target, TargetError};
