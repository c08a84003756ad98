//! The generated bindings, a module per released version of the WIT package.
//!
//! Versions stay apart here; what leaves this folder speaks [`super::contract`].

pub(super) mod v0_1 {
    //! `patchbay:plugin@0.1.0`

    pub(in crate::plugin) use adapter_world::exports::patchbay::plugin::adapter;
    pub(in crate::plugin) use adapter_world::patchbay::plugin::{calls, log, types};
    pub(in crate::plugin) use adapter_world::{AdapterPlugin, AdapterPluginPre};
    pub(in crate::plugin) use strategy_world::exports::patchbay::plugin::strategy;
    pub(in crate::plugin) use strategy_world::{StrategyPlugin, StrategyPluginPre};

    mod adapter_world {
        wasmtime::component::bindgen!({
            path: "../wit/0.1.0",
            world: "adapter-plugin",
            imports: { default: trappable },
            with: { "patchbay:plugin/calls.payload": crate::plugin::store::PayloadHandle },
        });
    }

    mod strategy_world {
        wasmtime::component::bindgen!({
            path: "../wit/0.1.0",
            world: "strategy-plugin",
            imports: { default: trappable },
            with: {
                "patchbay:plugin/log@0.1.0": super::adapter_world::patchbay::plugin::log,
                "patchbay:plugin/types@0.1.0": super::adapter_world::patchbay::plugin::types,
            },
        });
    }
}
