//! `patchbay:plugin@0.1.0`, the newest version: the types that the host converts everything else to.

pub(in crate::plugin) use adapter_world::exports::patchbay::plugin::adapter;
// `types` is public because the bindings of other versions re-export it; nothing outside can name this module.
#[expect(
    unreachable_pub,
    reason = "the generated bindings of other versions re-export it"
)]
pub use adapter_world::patchbay::plugin::types;
pub(in crate::plugin) use adapter_world::patchbay::plugin::{calls, log};
pub(in crate::plugin) use adapter_world::{AdapterPlugin, AdapterPluginPre};
pub(in crate::plugin) use control_world::{Control, ControlIndices};
pub(in crate::plugin) use strategy_world::exports::patchbay::plugin::strategy;
pub(in crate::plugin) use strategy_world::{StrategyPlugin, StrategyPluginIndices};
use wasmtime::component::{HasSelf, Linker};

use crate::plugin::store::State;

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

/// What a strategy may export besides: alone, so that one that does and one that does not have the same types.
mod control_world {
    wasmtime::component::bindgen!({
        path: "../wit/0.1.0",
        inline: "package patchbay:host; world control { export patchbay:plugin/control@0.1.0; }",
        world: "patchbay:host/control",
    });
}

/// What plugins of this version may import.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    calls::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    log::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}
