//! Instances of one adapter: fresh for each exchange, or, where the operator trusts the plugin, kept for the next.

use crossbeam_queue::ArrayQueue;
use wasmtime::Store;

use super::bindings::v0_1::{AdapterPlugin, AdapterPluginPre};
use super::engine::Engine;
use super::store::{State, new_store};
use crate::config::Limits;

/// Idle instances kept.
const IDLE: usize = 64;
/// Exchanges one instance serves before it is replaced, so that a guest that leaks does not grow for ever.
const EXCHANGES: u32 = 10_000;

/// How one adapter comes by instances.
pub(super) struct Instances {
    engine: Engine,
    identity: String,
    limits: Limits,
    pre: AdapterPluginPre<State>,
    idle: ArrayQueue<Instance>,
}

/// A guest and the host's side of it.
pub(super) struct Instance {
    pub(super) store: Store<State>,
    pub(super) guest: AdapterPlugin,
    served: u32,
}

// === impl Instances ===

impl Instances {
    pub(super) fn new(
        engine: Engine,
        identity: String,
        limits: Limits,
        pre: AdapterPluginPre<State>,
    ) -> Self {
        Self {
            engine,
            identity,
            limits,
            pre,
            idle: ArrayQueue::new(IDLE),
        }
    }

    /// An instance that has served others only if `reuse` allows it. A failed instantiation leaves the store
    /// behind, which knows why.
    pub(super) fn take(&self, reuse: bool) -> Result<Instance, (wasmtime::Error, Store<State>)> {
        if let Some(idle) = reuse.then(|| self.idle.pop()).flatten() {
            return Ok(idle);
        }
        let mut store = new_store(&self.engine, self.identity.clone(), &self.limits);
        match self.pre.instantiate(&mut store) {
            Ok(guest) => Ok(Instance {
                store,
                guest,
                served: 0,
            }),
            Err(error) => Err((error, store)),
        }
    }

    /// Keeps an instance that is sound for another exchange.
    pub(super) fn give_back(&self, mut instance: Instance) {
        instance.served += 1;
        if instance.served < EXCHANGES {
            // A full queue means that there are enough of them.
            let _ = self.idle.push(instance);
        }
    }
}
