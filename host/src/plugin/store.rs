//! What the host keeps beside one guest instance: its limits, its log, and the payload of the exchange under way.
//!
//! Never holds a credential.

use std::time::Duration;

use bytes::Bytes;
use rustix::time::{ClockId, clock_gettime};
use wasmtime::component::Resource;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

use super::bindings::v0_1::log::{Host as LogHost, Level};
use super::bindings::v0_1::{calls, types};
use super::engine::{Engine, ticks};
use super::error::{Limit, NotSupported};
use crate::config::Limits;

/// A log message is cut to this many bytes.
const LOG_MESSAGE: usize = 2048;
/// Messages of one call beyond this number are dropped.
const LOG_MESSAGES: u32 = 20;
/// Handles a guest may hold at once; an exchange needs two.
const HANDLES: usize = 1024;

/// The host's side of one instance.
#[derive(Debug)]
pub(super) struct State {
    plugin: String,
    limits: Limits,
    memory: usize,
    exceeded: Option<Limit>,
    messages: u32,
    last_error: Option<String>,
    /// The thread's processor time when half of the time of the call was over.
    first_look: Option<Duration>,
    payload: Option<Bytes>,
}

/// The guest's handle to the payload. An instance serves one exchange, so there is only one.
#[derive(Debug)]
#[expect(
    unreachable_pub,
    reason = "the generated bindings re-export it under their own name"
)]
pub struct PayloadHandle;

/// A store whose limits hold from before instantiation on.
pub(super) fn new_store(engine: &Engine, plugin: String, limits: &Limits) -> Store<State> {
    let state = State {
        plugin,
        limits: limits.clone(),
        memory: 0,
        exceeded: None,
        messages: 0,
        last_error: None,
        first_look: None,
        payload: None,
    };
    let mut store = Store::new(engine.wasmtime(), state);
    store.limiter(|state| state);
    store.set_hostcall_fuel(limits.output);
    store.set_max_component_handles(HANDLES);
    store.epoch_deadline_callback(|mut store| Ok(store.data_mut().check_time()));
    before_call(&mut store);
    store
}

/// To be called before every call into the guest: what is counted per call begins anew.
pub(super) fn before_call(store: &mut Store<State>) {
    let state = store.data_mut();
    state.exceeded = None;
    state.messages = 0;
    state.last_error = None;
    state.first_look = None;
    let half = ticks(state.limits.call / 2);
    store.set_epoch_deadline(half);
}

// === impl State ===

impl State {
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn exceeded(&self) -> Option<Limit> {
        self.exceeded
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.last_error.clone()
    }

    /// Lends the payload to the guest for the calls that follow.
    pub(super) fn lend(&mut self, payload: Bytes) -> Resource<PayloadHandle> {
        self.payload = Some(payload);
        Resource::new_borrow(0)
    }

    pub(super) fn take_back(&mut self) {
        self.payload = None;
    }

    /// Called in the middle of a guest call, first when half of its time has passed by the clock. From then on only
    /// the processor time of the thread counts, so that on a busy machine a call is not punished for waiting: a
    /// loop ends when the limit is up, a call that is not let run gets longer.
    fn check_time(&mut self) -> UpdateDeadline {
        let half = self.limits.call / 2;
        let now = thread_time();
        let spent = match self.first_look {
            Some(then) => now.saturating_sub(then),
            None => {
                self.first_look = Some(now);
                Duration::ZERO
            }
        };
        match half.checked_sub(spent) {
            Some(left) if !left.is_zero() => UpdateDeadline::Continue(ticks(left)),
            Some(_) | None => UpdateDeadline::Interrupt,
        }
    }

    fn payload(&self) -> wasmtime::Result<&Bytes> {
        self.payload
            .as_ref()
            .ok_or_else(|| wasmtime::Error::msg("the payload is only there during `start`"))
    }
}

/// Counts over all memories of the instance: the limit is the instance's.
impl ResourceLimiter for State {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.limits.memory {
            self.exceeded = Some(Limit::Memory(self.limits.memory));
            return Ok(false);
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= self.limits.table_elements;
        if !fits {
            self.exceeded = Some(Limit::TableElements(self.limits.table_elements));
        }
        Ok(fits)
    }
}

impl types::Host for State {}

impl calls::Host for State {}

impl calls::HostPayload for State {
    fn size(&mut self, _: Resource<PayloadHandle>) -> wasmtime::Result<u64> {
        Ok(self.payload()?.len() as u64)
    }

    fn bytes(&mut self, _: Resource<PayloadHandle>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.payload()?.to_vec())
    }

    fn outline(&mut self, _: Resource<PayloadHandle>) -> wasmtime::Result<Vec<u8>> {
        Err(NotSupported("payload.outline").into())
    }

    fn drop(&mut self, _: Resource<PayloadHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl LogHost for State {
    fn emit(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.messages += 1;
        if self.messages > LOG_MESSAGES {
            return Ok(());
        }
        let message = readable(&message);
        let plugin = self.plugin.as_str();
        match level {
            Level::Debug => tracing::debug!(plugin, "{message}"),
            Level::Info => tracing::info!(plugin, "{message}"),
            Level::Warn => tracing::warn!(plugin, "{message}"),
            Level::Error => {
                tracing::error!(plugin, "{message}");
                self.last_error = Some(message);
            }
        }
        Ok(())
    }
}

/// Processor time this thread has used.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or(0),
        time.tv_nsec.try_into().unwrap_or(0),
    )
}

/// A guest's words on one line of bounded length, without control characters that could forge another line.
pub(super) fn readable(text: &str) -> String {
    let cut = text
        .char_indices()
        .nth(LOG_MESSAGE)
        .map_or(text, |(at, _)| &text[..at]);
    cut.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
