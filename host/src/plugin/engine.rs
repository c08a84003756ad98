//! wasmtime, set up once for the whole process: what is compiled in, how instances are pooled, how time is
//! measured.
//!
//! One engine, because instances of several engines in one process have mixed up their types before
//! (GHSA-hgjw-h833-99q9).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use wasmtime::{Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::cache::Cache;
use super::compile::Compiler;
use super::error::Limit;
use super::instance::Instances;
use super::prepare::Preparer;
use crate::config::{LARGEST_MEMORY, LARGEST_TABLE, Plugins};

/// How exact the deadline of a call is. A tick is one atomic increment.
pub(super) const TICK: Duration = Duration::from_millis(5);

/// Instances beside the configured number, for strategies (a few for each public model, in two generations during
/// a reload) and for components being tried out. Costs address space, not memory.
const EXTRA_INSTANCES: u32 = 4000;

/// Memory of a used slot that is wiped and kept rather than given back, in bytes: all that a small Rust guest has.
/// Beyond it the kernel takes the pages and hands out fresh ones, which costs an interrupt on every core.
const KEEP_RESIDENT: usize = 512 * 1024;

/// How long an attempt waits for a free instance.
const INSTANCE_WAIT: Duration = Duration::from_secs(1);

/// The process's wasmtime engine, and the right to use one of a bounded number of instances.
#[derive(Clone)]
pub struct Engine {
    wasmtime: wasmtime::Engine,
    slots: Arc<Semaphore>,
    instances: u32,
    stack: usize,
    in_use: Arc<AtomicUsize>,
    preparer: Preparer,
    cache: Arc<Cache>,
    compiler: Arc<Compiler>,
    alarm: Arc<Notify>,
}

/// The right to hold one instance; gives itself back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    in_use: Arc<AtomicUsize>,
}

#[derive(Debug, thiserror::Error)]
#[error(
    "cannot set up the WebAssembly engine: {0}; if address space is limited (ulimit -v), lower plugins.instances"
)]
pub struct EngineError(String);

// === impl Engine ===

impl Engine {
    /// Reserves address space for `plugins.instances` instances and starts the threads that measure time and prepare
    /// instances.
    pub fn new(plugins: &Plugins) -> Result<Self, EngineError> {
        let broken = |error: std::io::Error| EngineError(error.to_string());
        let wasmtime =
            wasmtime::Engine::new(&config(plugins)).map_err(|error| EngineError(format!("{error:#}")))?;
        tick(&wasmtime).map_err(broken)?;
        Ok(Self {
            slots: Arc::new(Semaphore::new(plugins.instances as usize)),
            instances: plugins.instances,
            stack: plugins.stack,
            in_use: Arc::default(),
            preparer: Preparer::start().map_err(broken)?,
            cache: Arc::new(Cache::new(plugins.cache.clone(), &wasmtime)),
            compiler: Arc::default(),
            alarm: Arc::default(),
            wasmtime,
        })
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }

    /// A guest's stack, in bytes.
    pub(super) fn stack(&self) -> usize {
        self.stack
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(super) fn compiler(&self) -> &Compiler {
        &self.compiler
    }

    /// Rings when it is worth looking at the plugins: a version should not serve any more, or has been compiled.
    pub fn alarm(&self) -> &Arc<Notify> {
        &self.alarm
    }

    /// Has instances made ahead of need.
    pub(super) fn prepare(&self, instances: &Arc<Instances>) {
        self.preparer.prepare(instances);
    }

    /// Waits a bounded time for the right to hold an instance.
    pub(super) async fn slot(&self) -> Result<Slot, Limit> {
        let permit = match self.slots.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let permit = tokio::time::timeout(INSTANCE_WAIT, self.slots.clone().acquire_owned()).await;
                let Ok(Ok(permit)) = permit else {
                    return Err(Limit::AllInstances(self.instances));
                };
                permit
            }
        };
        self.in_use.fetch_add(1, Ordering::Relaxed);
        Ok(Slot {
            _permit: permit,
            in_use: self.in_use.clone(),
        })
    }

    /// Instances that exchanges hold now.
    pub fn instances_in_use(&self) -> usize {
        self.in_use.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("instances", &self.instances)
            .finish_non_exhaustive()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}

fn config(plugins: &Plugins) -> Config {
    let count = plugins.instances.saturating_add(EXTRA_INSTANCES);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(count)
        // A component made by wit-component from one module has up to three core instances, of which one has
        // the memory; components of other toolchains have more, and share what single ones leave.
        .total_core_instances(count.saturating_mul(4))
        .total_memories(count)
        .total_tables(count.saturating_mul(2))
        .max_memory_size(LARGEST_MEMORY)
        .table_elements(LARGEST_TABLE)
        // How many of them an instance may have, its own limits say.
        .max_tables_per_module(100)
        .max_memories_per_module(100)
        .max_component_instance_size(8 << 20)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(16 * 1024)
        // No slot suits one component better than another, so the one used last is the best: it is in the cache.
        .max_unused_warm_slots(0);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        // Small memories are cheaper to copy than to map: mapping ends in a fault for each page that is written
        // and a flush of every core's address cache.
        .memory_init_cow(false)
        // Bounds are checked by instructions, not by guard pages, whose protection would have to be changed for
        // each instance that has grown.
        .signals_based_traps(false)
        .memory_guard_size(0)
        .memory_reservation(LARGEST_MEMORY as u64)
        .max_wasm_stack(plugins.stack)
        .cranelift_opt_level(OptLevel::Speed)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
    config
}

/// One thread advances the clock, and stops by itself when the engine is gone.
fn tick(engine: &wasmtime::Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    thread::Builder::new()
        .name("plugin-clock".into())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                #[expect(clippy::disallowed_methods, reason = "a thread of its own, not a worker")]
                thread::sleep(TICK);
            }
        })?;
    Ok(())
}
