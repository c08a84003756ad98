//! What the host keeps beside one guest instance: its limits, its log, and the payload of the exchange under way.
//!
//! Never holds a credential.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Resource;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

use super::bindings::v0_1::log::{Host as LogHost, Level};
use super::bindings::v0_1::{calls, types};
use super::conduct::Conduct;
use super::engine::{Engine, TICK};
use super::error::{Exceeded, Limit};
use super::lane::{Lane, hand_over, thread_time};
use super::log::{Voice, readable};
use super::payload::Payload;
use super::room::Room;
use crate::config::Limits;

/// What all instances of one plugin share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) limits: Arc<Limits>,
    pub(super) lane: Arc<Lane>,
    pub(super) voice: Arc<Voice>,
    pub(super) conduct: Arc<Conduct>,
}

impl Shared {
    /// The same limits, and nothing else in common: how these instances behave says nothing about the others.
    pub(super) fn apart(&self, voice: &str) -> Self {
        Self {
            limits: self.limits.clone(),
            lane: Arc::new(self.lane.apart()),
            voice: Arc::new(Voice::new(voice)),
            conduct: self.conduct.clone(),
        }
    }
}

/// The host's side of one instance.
#[derive(Debug)]
pub(super) struct State {
    shared: Shared,
    stack: usize,
    memory: usize,
    exceeded: Option<Limit>,
    logged: usize,
    last_error: Option<String>,
    watch: Watch,
    payload: Option<Arc<Payload>>,
    request_id: Option<Arc<str>>,
    pub(super) room: Room,
}

/// The time of one call: ticks of the engine's clock, and processor time of the thread from some of them on.
#[derive(Debug, Default)]
struct Watch {
    ticks: u32,
    at_first_tick: Duration,
    at_half: Option<Duration>,
}

/// The guest's handle to the payload. It is lent for one call only, so there is only one.
#[derive(Debug)]
#[expect(
    unreachable_pub,
    reason = "the generated bindings re-export it under their own name"
)]
pub struct PayloadHandle;

/// A store whose limits hold from before instantiation on.
pub(super) fn new_store(engine: &Engine, shared: &Shared) -> Store<State> {
    let state = State {
        shared: shared.clone(),
        stack: engine.stack(),
        memory: 0,
        exceeded: None,
        logged: 0,
        last_error: None,
        watch: Watch::default(),
        payload: None,
        request_id: None,
        room: Room::default(),
    };
    let limits = &shared.limits;
    let mut store = Store::new(engine.wasmtime(), state);
    store.limiter(|state| state);
    store.set_hostcall_fuel(limits.host_data);
    store.set_max_component_handles(limits.handles);
    store.epoch_deadline_callback(|mut store| Ok(store.data_mut().check_time()));
    before_call(&mut store);
    store
}

/// To be called before every call into the guest: what is counted per call begins anew.
pub(super) fn before_call(store: &mut Store<State>) {
    let state = store.data_mut();
    state.exceeded = None;
    state.logged = 0;
    state.last_error = None;
    state.watch = Watch::default();
    store.set_epoch_deadline(1);
}

// === impl State ===

impl State {
    pub(super) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    pub(super) fn plugin(&self) -> &str {
        self.shared.voice.plugin()
    }

    /// A guest's stack, in bytes.
    pub(super) fn stack(&self) -> usize {
        self.stack
    }

    /// Linear memory of the instance, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    pub(super) fn exceeded(&self) -> Option<Limit> {
        self.exceeded
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.last_error.clone()
    }

    /// Lends the payload to the guest for the calls that follow.
    pub(super) fn lend(&mut self, payload: Arc<Payload>) -> Resource<PayloadHandle> {
        self.payload = Some(payload);
        Resource::new_borrow(0)
    }

    pub(super) fn take_back(&mut self) {
        self.payload = None;
    }

    /// Writes a line that the guest said. More than the limit of one call ends the call.
    pub(super) fn say(&mut self, level: Level, message: &str) -> wasmtime::Result<()> {
        self.logged = self.logged.saturating_add(message.len());
        let most = self.shared.limits.log;
        if self.logged > most {
            return Err(Exceeded(Limit::Log(most)).into());
        }
        let line = readable(message);
        self.shared.voice.say(self.request_id.as_deref(), level, &line);
        if level == Level::Error {
            self.last_error = Some(line);
        }
        Ok(())
    }

    /// What the guest said last on its error output is what it has to say if it fails now.
    pub(super) fn complain(&mut self, message: &str) -> wasmtime::Result<()> {
        self.say(Level::Warn, message)?;
        self.last_error = Some(readable(message));
        Ok(())
    }

    /// Whose request the next call is about.
    pub(super) fn about(&mut self, request_id: &Arc<str>) {
        self.request_id = Some(request_id.clone());
    }

    /// Called at every tick in the middle of a guest call.
    ///
    /// At the second one the call has lasted for 5 to 10 ms: too long for a thread that others wait for. When half
    /// of the call's time has passed by the clock, only the processor time of the thread counts from then on, so
    /// that on a busy machine a call is not punished for waiting: a loop ends when the limit is up, a call that is
    /// not let run gets longer.
    fn check_time(&mut self) -> UpdateDeadline {
        let now = thread_time();
        let watch = &mut self.watch;
        watch.ticks += 1;
        if watch.ticks == 1 {
            watch.at_first_tick = now;
        }
        let was_running = now.saturating_sub(watch.at_first_tick) >= TICK / 2;
        if watch.ticks == 2 && was_running && !self.shared.lane.is_trusted() {
            self.shared.lane.overran();
            hand_over();
        }
        let half = self.shared.limits.call / 2;
        if TICK * watch.ticks < half {
            return UpdateDeadline::Continue(1);
        }
        let at_half = *watch.at_half.get_or_insert(now);
        if now.saturating_sub(at_half) < half {
            UpdateDeadline::Continue(1)
        } else {
            UpdateDeadline::Interrupt
        }
    }

    fn payload(&self) -> wasmtime::Result<&Payload> {
        self.payload
            .as_deref()
            .ok_or_else(|| wasmtime::Error::msg("the payload is only there during `start`"))
    }
}

/// Counts over all memories of the instance: the limit is the instance's.
impl ResourceLimiter for State {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let most = self.shared.limits.memory;
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > most {
            self.exceeded = Some(Limit::Memory(most));
            return Ok(false);
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let most = self.shared.limits.table_elements;
        let fits = desired <= most;
        if !fits {
            self.exceeded = Some(Limit::TableElements(most));
        }
        Ok(fits)
    }

    fn instances(&self) -> usize {
        self.shared.limits.core_instances
    }

    fn tables(&self) -> usize {
        self.shared.limits.tables
    }

    fn memories(&self) -> usize {
        self.shared.limits.memories
    }
}

impl types::Host for State {}

impl calls::Host for State {}

impl calls::HostPayload for State {
    fn size(&mut self, _: Resource<PayloadHandle>) -> wasmtime::Result<u64> {
        Ok(self.payload()?.bytes().len() as u64)
    }

    fn bytes(&mut self, _: Resource<PayloadHandle>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.payload()?.bytes().to_vec())
    }

    fn outline(&mut self, _: Resource<PayloadHandle>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.payload()?.outline().to_vec())
    }

    fn drop(&mut self, _: Resource<PayloadHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl LogHost for State {
    fn emit(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.say(level, &message)
    }
}
