//! The generated bindings, a module per released version of the WIT package, and the one place where versions meet.
//!
//! A component is instantiated with the bindings of the version it was built for. What it says is converted once,
//! here, to the newest version's types; behind [`adapter`] and [`strategy`] nobody knows that there are others.

mod adapter;
mod strategy;
mod v0_0;
pub(super) mod v0_1;
mod versions;

pub(super) use adapter::{AdapterGuest, AdapterPre};
pub(super) use strategy::{StrategyGuest, StrategyPre};
pub use versions::contract_versions;
pub(super) use versions::{PACKAGE, Version};
