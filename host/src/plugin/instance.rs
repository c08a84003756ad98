//! Instances of one adapter: how exchanges come by them, and what becomes of them afterwards.
//!
//! An exchange has an instance to itself, prepared ahead of need and thrown away at its end, so that nothing of one
//! caller can reach another. Where the operator has granted reuse, instances are kept for the next exchange, and
//! when all the plugin may have are in use, an exchange joins others in theirs.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crossbeam_queue::{ArrayQueue, SegQueue};
use tokio::runtime::Handle;
use tokio::sync::{Mutex as TurnTaking, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::{AdapterGuest, AdapterPre};
use super::conduct::Conduct;
use super::demand::Demand;
use super::engine::{Engine, Slot};
use super::error::{Limit, PluginError, Problem};
use super::lane::To;
use super::store::{Shared, State, before_call, new_store};
use crate::lock::lock;
use crate::telemetry::PluginFailed;

/// Instances kept ready, whether prepared or idle.
const READY: usize = 64;
/// Exchanges one instance serves before it is replaced, so that a guest that leaks does not grow for ever.
const EXCHANGES: u32 = 10_000;
/// Exchanges in one instance at once, where reuse is granted.
const TENANTS: u32 = 64;
/// How long an attempt waits for a free instance.
const INSTANCE_WAIT: Duration = Duration::from_secs(1);

/// How one adapter comes by instances.
pub(super) struct Instances {
    engine: Engine,
    shared: Shared,
    pre: AdapterPre,
    reuse: bool,
    slots: Arc<Semaphore>,
    ready: ArrayQueue<Arc<Home>>,
    pub(super) demand: Demand,
    /// Homes that exchanges may join. Only with reuse.
    homes: Mutex<Vec<Weak<Home>>>,
    resting: AtomicBool,
}

/// A guest and the host's side of it.
pub(super) struct Instance {
    pub(super) store: Store<State>,
    pub(super) guest: AdapterGuest,
}

/// One instance and the exchanges in it, of which one is called at a time.
pub(super) struct Home {
    /// None once a call has failed: such an instance is never used again.
    instance: Arc<TurnTaking<Option<Instance>>>,
    /// Exchanges in it.
    tenants: AtomicU32,
    served: AtomicU32,
    /// A call has failed: nobody else is to come in.
    lost: AtomicBool,
    /// Exchanges that ended while another one was being called.
    left: SegQueue<ResourceAny>,
    slots: Mutex<Option<Slots>>,
}

/// The right to one instance: the plugin's and the gateway's.
struct Slots {
    _plugin: OwnedSemaphorePermit,
    _engine: Slot,
}

/// The right of one exchange to be in a home; gives itself back when dropped.
pub(super) struct Tenancy {
    instances: Arc<Instances>,
    home: Arc<Home>,
    /// What the guest keeps for this exchange.
    pub(super) exchange: Option<ResourceAny>,
}

// === impl Instances ===

impl Instances {
    pub(super) fn new(engine: Engine, shared: Shared, pre: AdapterPre, reuse: bool) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(shared.limits.instances as usize)),
            engine,
            shared,
            pre,
            reuse,
            ready: ArrayQueue::new(READY),
            demand: Demand::default(),
            homes: Mutex::default(),
            resting: AtomicBool::new(false),
        }
    }

    /// Room for an exchange: a prepared instance, a kept one, a new one, or a place in another's.
    pub(super) async fn enter(self: &Arc<Self>) -> Result<Tenancy, PluginError> {
        let short = |limit| self.error("exchange.start", Problem::short_of(limit));
        let plugin = match self.slots.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => match self.join() {
                Some(home) => return Ok(self.tenancy(home)),
                None => self.wait_for_slot().await.map_err(short)?,
            },
        };
        let slots = Slots {
            _plugin: plugin,
            _engine: self.engine.slot().await.map_err(short)?,
        };
        let ready = self.ready.pop();
        self.demand.took(ready.is_some(), self.ready.len());
        if !self.reuse && self.demand.ask(self.ready.len()) {
            self.engine.prepare(self);
        }
        let home = match ready {
            Some(home) => home,
            None => {
                let instances = self.clone();
                let made = self.shared.lane.run(To::Begin, move || instances.make()).await;
                made.map_err(short)??
            }
        };
        home.tenants.store(1, Ordering::Release);
        *lock(&home.slots) = Some(slots);
        Ok(self.tenancy(home))
    }

    /// Makes an instance ahead of need. False when there are enough, or it cannot be made.
    pub(super) fn prepare_one(&self) -> bool {
        if self.resting.load(Ordering::Relaxed) || !self.demand.wants_more(self.ready.len()) {
            return false;
        }
        // Why it cannot be made, the exchange that needs it will find out and say.
        self.make().is_ok_and(|home| self.ready.push(home).is_ok())
    }

    /// Lets go of instances that nobody has asked for lately.
    pub(super) fn look_back(&self) {
        let keep = self.demand.look_back();
        while self.ready.len() > keep && self.ready.pop().is_some() {}
    }

    /// Frees what is ready: another version of the plugin serves, though exchanges may still be under way here.
    pub(super) fn rest(&self) {
        self.resting.store(true, Ordering::Relaxed);
        while self.ready.pop().is_some() {}
    }

    pub(super) fn wake(&self) {
        self.resting.store(false, Ordering::Relaxed);
    }

    async fn wait_for_slot(&self) -> Result<OwnedSemaphorePermit, Limit> {
        let permit = timeout(INSTANCE_WAIT, self.slots.clone().acquire_owned()).await;
        match permit {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Limit::Instances(self.shared.limits.instances)),
        }
    }

    /// A fresh instance. A failed instantiation leaves the store behind, which knows why.
    fn make(&self) -> Result<Arc<Home>, PluginError> {
        let mut store = new_store(&self.engine, &self.shared);
        let guest = self
            .pre
            .instantiate(&mut store)
            .map_err(|error| PluginError::from_call("instantiation", &error, store.data()))?;
        self.demand.costs(store.data().memory());
        let home = Arc::new(Home {
            instance: Arc::new(TurnTaking::new(Some(Instance { store, guest }))),
            tenants: AtomicU32::new(0),
            served: AtomicU32::new(0),
            lost: AtomicBool::new(false),
            left: SegQueue::new(),
            slots: Mutex::new(None),
        });
        if self.reuse {
            let mut homes = lock(&self.homes);
            homes.retain(|home| home.strong_count() > 0);
            homes.push(Arc::downgrade(&home));
        }
        Ok(home)
    }

    /// A place beside others, where it is least crowded.
    fn join(&self) -> Option<Arc<Home>> {
        if !self.reuse {
            return None;
        }
        let homes: Vec<Arc<Home>> = lock(&self.homes).iter().filter_map(Weak::upgrade).collect();
        let open = homes
            .into_iter()
            .filter(|home| !home.lost.load(Ordering::Relaxed))
            .min_by_key(|home| match home.tenants.load(Ordering::Acquire) {
                0 => u32::MAX,
                tenants => tenants,
            })?;
        // Nobody joins the last one to leave.
        let join = |tenants| (1..TENANTS).contains(&tenants).then(|| tenants + 1);
        let joined = open
            .tenants
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, join);
        joined.is_ok().then_some(open)
    }

    fn tenancy(self: &Arc<Self>, home: Arc<Home>) -> Tenancy {
        Tenancy {
            instances: self.clone(),
            home,
            exchange: None,
        }
    }

    /// The last exchange has left: the instance serves others, or is thrown away.
    fn vacated(&self, home: Arc<Home>) {
        let slots = lock(&home.slots).take();
        let served = home.served.fetch_add(1, Ordering::Relaxed) + 1;
        let sound = home.instance.try_lock().is_ok_and(|instance| instance.is_some());
        if self.reuse && sound && served < EXCHANGES && !self.resting.load(Ordering::Relaxed) {
            // A full queue means that there are enough of them.
            let _ = self.ready.push(home);
        }
        drop(slots);
    }

    fn error(&self, function: &'static str, problem: Problem) -> PluginError {
        PluginError {
            plugin: self.shared.voice.plugin().to_owned(),
            function,
            problem,
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn conduct(&self) -> &Arc<Conduct> {
        &self.shared.conduct
    }
}

// === impl Tenancy ===

impl Tenancy {
    /// Calls into the instance when it is this exchange's turn. After an error nobody calls into it again.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        function: &'static str,
        to: To,
        call: impl FnOnce(&mut Instance) -> Result<T, PluginError> + Send + 'static,
    ) -> Result<T, PluginError> {
        let mut turn = self.home.instance.clone().lock_owned().await;
        let home = self.home.clone();
        let instances = self.instances.clone();
        let lost = move || instances.error(function, Problem::Lost);
        let done = self.instances.shared.lane.run(to, move || {
            let Some(mut instance) = turn.take() else {
                return Err(lost());
            };
            // Together they have the time of one call.
            before_call(&mut instance.store);
            while let Some(left) = home.left.pop() {
                if left.resource_drop(&mut instance.store).is_err() {
                    home.lost.store(true, Ordering::Relaxed);
                    return Err(lost());
                }
            }
            before_call(&mut instance.store);
            let result = call(&mut instance);
            match result {
                Ok(_) => *turn = Some(instance),
                Err(_) => home.lost.store(true, Ordering::Relaxed),
            }
            result
        });
        done.await
            .map_err(|limit| self.instances.error(function, Problem::short_of(limit)))?
    }

    /// The guest frees what it kept for the exchange, so that the instance can serve others.
    fn leave(&self, exchange: ResourceAny) {
        let Ok(mut turn) = self.home.instance.clone().try_lock_owned() else {
            self.home.left.push(exchange);
            return;
        };
        let conduct = self.instances.conduct().clone();
        let free = move || {
            let Some(mut instance) = turn.take() else { return };
            before_call(&mut instance.store);
            match exchange.resource_drop(&mut instance.store) {
                Ok(()) => *turn = Some(instance),
                Err(error) => {
                    let error = PluginError::from_call("exchange.drop", &error, instance.store.data());
                    PluginFailed { error: &error }.emit();
                    conduct.trapped();
                }
            }
        };
        let lane = self.instances.shared.lane.clone();
        match Handle::try_current() {
            Ok(runtime) if lane.is_slow() => {
                let instance = self.home.instance.clone();
                runtime.spawn(async move {
                    if lane.run(To::Begin, free).await.is_err() {
                        // Nobody had the time to free anything in it.
                        instance.lock().await.take();
                    }
                });
            }
            Ok(_) | Err(_) => lane.run_here(free),
        }
    }
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        if let Some(exchange) = self.exchange.take().filter(|_| self.instances.reuse) {
            self.leave(exchange);
        }
        if self.home.tenants.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.instances.vacated(self.home.clone());
        }
    }
}
