//! Adapter components: described once, then one exchange for each attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::bindings::v0_1::{adapter as wit, types};
use super::bindings::{AdapterGuest, AdapterPre};
use super::check;
use super::contract::{Call, Head, Input, Progress};
use super::description::Description;
use super::engine::Engine;
use super::error::{Limit, PluginError, Problem};
use super::instance::{Instances, Tenancy};
use super::lane::To;
use super::log::Voice;
use super::payload::Payload;
use super::store::{Shared, before_call, new_store};
use super::target::Target;
use crate::config::Grants;
use crate::failure::Failure;

/// Adapters loaded so far, and one: 0 is nobody's number.
static LOADED: AtomicU64 = AtomicU64::new(1);

/// A loaded adapter.
pub struct Adapter {
    number: u64,
    name: String,
    identity: String,
    description: Description,
    instances: Arc<Instances>,
}

/// One attempt inside one instance. Dropping it throws the instance away, or keeps it for the next exchange where
/// reuse is granted and nothing went wrong.
pub struct Exchange {
    adapter: Arc<Adapter>,
    target: Arc<Target>,
    tenancy: Tenancy,
    request_id: Arc<str>,
}

/// Why an exchange did not begin.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The adapter refused the call.
    #[error("{0}")]
    Failed(Failure),
}

// === impl Adapter ===

impl Adapter {
    /// Asks a component what it is, under the limits it will run under.
    pub(super) fn load(
        engine: &Engine,
        name: &str,
        grants: &Grants,
        mut shared: Shared,
        pre: AdapterPre,
    ) -> Result<Self, PluginError> {
        let description = describe(engine, &shared, &pre)?;
        let identity = format!("{name}@{}", description.version);
        shared.voice = Arc::new(Voice::new(identity.clone()));
        let instances = Instances::new(engine.clone(), shared, pre, grants.reuse);
        Ok(Self {
            number: LOADED.fetch_add(1, Relaxed),
            name: name.to_owned(),
            identity,
            description,
            instances: Arc::new(instances),
        })
    }

    /// The file's name without its ending.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells it apart from whatever else has been loaded, other builds of the same version among them.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// name@version
    pub fn identity(&self) -> &str {
        &self.identity
    }

    pub fn description(&self) -> &Description {
        &self.description
    }

    pub fn supports(&self, operation: &str) -> bool {
        self.description.operations.iter().any(|known| known == operation)
    }

    /// How many events of a reply it is handed in one call.
    pub fn most_events(&self) -> usize {
        self.instances.shared().limits.events
    }

    pub(super) fn instances(&self) -> &Instances {
        &self.instances
    }

    /// An attempt through this adapter has ended.
    pub fn attempted(&self, failed: bool) {
        self.instances.conduct().attempted(failed);
    }

    /// A call into it has failed.
    pub fn erred(&self, error: &PluginError) {
        if error.problem.is_fault() {
            self.instances.conduct().trapped();
        }
    }

    /// Starts an exchange. Waits a bounded time if there is no instance for it.
    pub async fn start(
        self: &Arc<Self>,
        call: &Call,
        target: &Arc<Target>,
        payload: Arc<Payload>,
    ) -> Result<(Exchange, Progress), ExchangeError> {
        const FUNCTION: &str = "exchange.start";
        let mut tenancy = self.instances.enter().await?;
        let request_id: Arc<str> = call.request_id.as_str().into();
        let (call, to, about) = (call.to_wit(), target.clone(), request_id.clone());
        let started = tenancy.call(FUNCTION, To::Begin, move |instance| {
            let (store, guest) = (&mut instance.store, &instance.guest);
            let state = store.data_mut();
            state.room.set_time(call.now);
            state.room.set_entropy(call.entropy);
            state.about(&about);
            let payload = state.lend(payload);
            let started = guest.start(store, &call, &to.wit, payload);
            store.data_mut().take_back();
            started.map_err(|error| PluginError::from_call(FUNCTION, &error, store.data()))
        });
        let error = |problem| self.error(FUNCTION, problem);
        let (handle, raw) = match started.await? {
            Ok(started) => started,
            Err(failure) => return Err(ExchangeError::Failed(check::failure(failure).map_err(error)?)),
        };
        tenancy.exchange = Some(handle);
        let progress = check::progress(raw, target, &self.instances.shared().limits).map_err(error)?;
        let exchange = Exchange {
            adapter: self.clone(),
            target: target.clone(),
            tenancy,
            request_id,
        };
        Ok((exchange, progress))
    }

    /// How long a request it makes may be, in bytes.
    pub fn longest_body(&self) -> usize {
        self.instances.shared().limits.body
    }

    /// A request it made became longer than its limit when the caller's base64 was put back.
    pub fn overfilled(&self, function: &'static str) -> PluginError {
        let limit = Limit::Body(self.longest_body());
        self.error(function, Problem::Exceeded { limit, said: None })
    }

    /// An exchange did what the contract does not allow at that point.
    pub fn broke(&self, function: &'static str, what: impl Into<String>) -> PluginError {
        self.error(function, Problem::Broke(what.into()))
    }

    fn error(&self, function: &'static str, problem: Problem) -> PluginError {
        PluginError {
            plugin: self.identity.clone(),
            function,
            problem,
        }
    }
}

fn describe(engine: &Engine, shared: &Shared, pre: &AdapterPre) -> Result<Description, PluginError> {
    const FUNCTION: &str = "adapter.describe";
    let mut store = new_store(engine, shared);
    let guest = pre.instantiate(&mut store);
    let guest: AdapterGuest =
        guest.map_err(|error| PluginError::from_call("instantiation", &error, store.data()))?;
    before_call(&mut store);
    let raw = guest.describe(&mut store);
    let raw = raw.map_err(|error| PluginError::from_call(FUNCTION, &error, store.data()))?;
    Description::check(raw).map_err(|problem| PluginError {
        plugin: shared.voice.plugin().to_owned(),
        function: FUNCTION,
        problem,
    })
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adapter")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

// === impl Exchange ===

impl Exchange {
    /// Tells the guest what happened. `now`: Unix time in milliseconds. After an error the exchange is dead.
    pub async fn advance(&mut self, now: u64, input: Input) -> Result<Progress, PluginError> {
        const FUNCTION: &str = "exchange.advance";
        let error = |problem| self.adapter.error(FUNCTION, problem);
        let Some(exchange) = self.tenancy.exchange else {
            return Err(error(Problem::Broke("called after it had failed".to_owned())));
        };
        let input = self.adapter.for_guest(input);
        let about = self.request_id.clone();
        let advanced = self.tenancy.call(FUNCTION, To::GoOn, move |instance| {
            let (store, guest) = (&mut instance.store, &instance.guest);
            store.data_mut().room.set_time(now);
            store.data_mut().about(&about);
            guest
                .advance(store, exchange, now, input)
                .map_err(|error| PluginError::from_call(FUNCTION, &error, store.data()))
        });
        let limits = &self.adapter.instances.shared().limits;
        match advanced.await {
            Ok(raw) => check::progress(raw, &self.target, limits).map_err(error),
            Err(failed) => {
                // There is nothing left in there to be freed.
                self.tenancy.exchange = None;
                Err(failed)
            }
        }
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("adapter", &self.adapter.identity)
            .finish_non_exhaustive()
    }
}

// === to the guest ===

impl Call {
    fn to_wit(&self) -> wit::Call {
        wit::Call {
            operation: self.operation.to_owned(),
            model: self.model.clone(),
            streaming: self.streaming,
            continuation: false,
            request_id: self.request_id.clone(),
            attempt: self.attempt,
            now: self.now,
            deadline: self.deadline,
            entropy: self.entropy,
        }
    }
}

impl Adapter {
    fn for_guest(&self, input: Input) -> wit::Input {
        match input {
            Input::Reply { head, body } => wit::Input::Reply(wit::Reply {
                head: self.visible(head),
                body: body.into(),
            }),
            Input::Head(head) => wit::Input::Head(self.visible(head)),
            Input::Events(events) => wit::Input::Events(
                events
                    .into_iter()
                    .map(|event| wit::Event {
                        name: event.name,
                        data: event.data.into(),
                    })
                    .collect(),
            ),
            Input::End => wit::Input::End,
            Input::Pull => wit::Input::Pull,
        }
    }

    /// Only the headers the adapter described.
    fn visible(&self, head: Head) -> wit::Head {
        let headers = head
            .headers
            .into_iter()
            .filter(|(name, _)| self.description.reply_headers.contains(name));
        wit::Head {
            status: head.status,
            headers: headers
                .map(|(name, value)| types::Header { name, value })
                .collect(),
        }
    }
}
