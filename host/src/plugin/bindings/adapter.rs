//! An adapter's guest of any version, in the newest version's words.

use wasmtime::Store;
use wasmtime::component::{InstancePre, Resource, ResourceAny};

use super::v0_1::adapter as wit;
use super::v0_1::types;
use super::{Version, v0_0, v0_1};
use crate::plugin::store::{PayloadHandle, State};

/// What came of `start`: the exchange, and what to do first.
type Started = Result<(ResourceAny, wit::Progress), types::Failure>;

/// A component that has been linked, not yet instantiated.
pub(in crate::plugin) enum AdapterPre {
    V0_0(v0_0::AdapterPluginPre<State>),
    V0_1(v0_1::AdapterPluginPre<State>),
}

/// An instance.
pub(in crate::plugin) enum AdapterGuest {
    V0_0(v0_0::AdapterPlugin),
    V0_1(v0_1::AdapterPlugin),
}

// === impl AdapterPre ===

impl AdapterPre {
    pub(in crate::plugin) fn new(version: Version, pre: InstancePre<State>) -> wasmtime::Result<Self> {
        Ok(match version {
            Version::V0_0 => Self::V0_0(v0_0::AdapterPluginPre::new(pre)?),
            Version::V0_1 => Self::V0_1(v0_1::AdapterPluginPre::new(pre)?),
        })
    }

    pub(in crate::plugin) fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<AdapterGuest> {
        Ok(match self {
            Self::V0_0(pre) => AdapterGuest::V0_0(pre.instantiate(store)?),
            Self::V0_1(pre) => AdapterGuest::V0_1(pre.instantiate(store)?),
        })
    }
}

// === impl AdapterGuest ===

impl AdapterGuest {
    pub(in crate::plugin) fn describe(&self, store: &mut Store<State>) -> wasmtime::Result<wit::Description> {
        match self {
            Self::V0_0(guest) => Ok(guest.patchbay_plugin_adapter().call_describe(store)?.into()),
            Self::V0_1(guest) => guest.patchbay_plugin_adapter().call_describe(store),
        }
    }

    pub(in crate::plugin) fn start(
        &self,
        store: &mut Store<State>,
        call: &wit::Call,
        target: &wit::Target,
        payload: Resource<PayloadHandle>,
    ) -> wasmtime::Result<Started> {
        match self {
            Self::V0_0(guest) => {
                let exchange = guest.patchbay_plugin_adapter().exchange();
                let started = exchange.call_start(store, &call.into(), &target.into(), payload)?;
                Ok(started.map(|(handle, progress)| (handle, progress.into())))
            }
            Self::V0_1(guest) => {
                let exchange = guest.patchbay_plugin_adapter().exchange();
                exchange.call_start(store, call, target, payload)
            }
        }
    }

    pub(in crate::plugin) fn advance(
        &self,
        store: &mut Store<State>,
        exchange: ResourceAny,
        now: u64,
        input: wit::Input,
    ) -> wasmtime::Result<wit::Progress> {
        match self {
            Self::V0_0(guest) => {
                let input = input.try_into()?;
                let guest = guest.patchbay_plugin_adapter().exchange();
                Ok(guest.call_advance(store, exchange, &input)?.into())
            }
            Self::V0_1(guest) => {
                let guest = guest.patchbay_plugin_adapter().exchange();
                guest.call_advance(store, exchange, now, &input)
            }
        }
    }
}
