//! Adapter components: described once, then one instance for each exchange.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::v0_1::{AdapterPluginPre, adapter as wit, types};
use super::check;
use super::contract::{Call, Head, Input, Progress};
use super::description::Description;
use super::engine::{Engine, Slot};
use super::error::{PluginError, Problem};
use super::instance::{Instance, Instances};
use super::store::{State, before_call, new_store};
use super::target::Target;
use crate::config::Limits;
use crate::failure::Failure;

/// A loaded adapter.
pub struct Adapter {
    name: String,
    identity: String,
    description: Description,
    engine: Engine,
    instances: Instances,
}

/// One attempt inside one instance. Dropping it throws the instance away, or keeps it for the next exchange where
/// reuse is granted and nothing went wrong.
pub struct Exchange {
    adapter: Arc<Adapter>,
    target: Arc<Target>,
    /// None once a call has failed: such an instance is never used again.
    instance: Option<Instance>,
    handle: ResourceAny,
    _slot: Slot,
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
        limits: &Limits,
        pre: AdapterPluginPre<State>,
    ) -> Result<Self, PluginError> {
        let mut store = new_store(engine, name.to_owned(), limits);
        let failed = |error: &wasmtime::Error, store: &Store<State>| {
            PluginError::from_call(name, "adapter.describe", error, store.data())
        };
        let guest = pre
            .instantiate(&mut store)
            .map_err(|error| failed(&error, &store))?;
        before_call(&mut store);
        let raw = guest.patchbay_plugin_adapter().call_describe(&mut store);
        let description =
            Description::check(raw.map_err(|error| failed(&error, &store))?).map_err(|problem| {
                PluginError {
                    plugin: name.to_owned(),
                    function: "adapter.describe",
                    problem,
                }
            })?;
        let identity = format!("{name}@{}", description.version);
        Ok(Self {
            name: name.to_owned(),
            description,
            engine: engine.clone(),
            instances: Instances::new(engine.clone(), identity.clone(), limits.clone(), pre),
            identity,
        })
    }

    /// The file's name without its ending.
    pub fn name(&self) -> &str {
        &self.name
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

    /// Starts an exchange in an instance of its own. Waits a bounded time if all are in use.
    pub async fn start(
        self: &Arc<Self>,
        call: &Call,
        target: &Arc<Target>,
        payload: Bytes,
    ) -> Result<(Exchange, Progress), ExchangeError> {
        const FUNCTION: &str = "exchange.start";
        let error = |problem| self.error(FUNCTION, problem);
        let failed = |failure: wasmtime::Error, store: &Store<State>| {
            PluginError::from_call(&self.identity, FUNCTION, &failure, store.data())
        };
        let slot = self
            .engine
            .slot()
            .await
            .map_err(|limit| error(Problem::Exceeded(limit)))?;
        let taken = self.instances.take(target.reuse);
        let mut instance = taken.map_err(|(failure, store)| failed(failure, &store))?;
        let Instance { store, guest, .. } = &mut instance;
        let payload = store.data_mut().lend(payload);
        before_call(store);
        let exchange = guest.patchbay_plugin_adapter().exchange();
        let started = exchange.call_start(&mut *store, &call.to_wit(), &target.wit, payload);
        store.data_mut().take_back();
        let (handle, raw) = match started.map_err(|failure| failed(failure, store))? {
            Ok(started) => started,
            Err(failure) => return Err(ExchangeError::Failed(check::failure(failure).map_err(error)?)),
        };
        let progress = check::progress(raw, target).map_err(error)?;
        let (adapter, target) = (self.clone(), target.clone());
        Ok((
            Exchange {
                adapter,
                target,
                instance: Some(instance),
                handle,
                _slot: slot,
            },
            progress,
        ))
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
    pub fn advance(&mut self, now: u64, input: Input) -> Result<Progress, PluginError> {
        const FUNCTION: &str = "exchange.advance";
        let error = |problem| self.adapter.error(FUNCTION, problem);
        let Some(mut instance) = self.instance.take() else {
            return Err(error(Problem::Broke("called after it had failed".to_owned())));
        };
        let Instance { store, guest, .. } = &mut instance;
        before_call(store);
        let input = self.adapter.for_guest(input);
        let exchange = guest.patchbay_plugin_adapter().exchange();
        let raw = exchange
            .call_advance(&mut *store, self.handle, now, &input)
            .map_err(|failure| {
                PluginError::from_call(&self.adapter.identity, FUNCTION, &failure, store.data())
            })?;
        let progress = check::progress(raw, &self.target).map_err(error)?;
        self.instance = Some(instance);
        Ok(progress)
    }
}

/// Where the instance is to serve others, the guest first frees what it kept for this exchange.
impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.target.reuse {
            return;
        }
        let Some(mut instance) = self.instance.take() else {
            return;
        };
        before_call(&mut instance.store);
        if self.handle.resource_drop(&mut instance.store).is_ok() {
            self.adapter.instances.give_back(instance);
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
            operation: self.operation.as_str().to_owned(),
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
