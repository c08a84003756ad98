//! Adapter components: described once, then one instance for each exchange.

use std::sync::Arc;

use bytes::Bytes;
use url::Url;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::v0_1::{AdapterPlugin, AdapterPluginPre, adapter as wit, types};
use super::check;
use super::contract::{Call, Head, Input, Progress};
use super::engine::{Engine, Slot};
use super::error::{PluginError, Problem};
use super::schema::Schema;
use super::store::{State, before_call, new_store, readable};
use super::target::Target;
use crate::config::Limits;
use crate::failure::Failure;

/// A loaded adapter.
pub struct Adapter {
    name: String,
    identity: String,
    description: Description,
    engine: Engine,
    limits: Limits,
    pre: AdapterPluginPre<State>,
}

/// What an adapter says of itself, checked.
#[derive(Debug)]
pub struct Description {
    pub vendor: String,
    pub version: String,
    pub operations: Vec<String>,
    /// Name and suggested URL; the first is the default.
    pub endpoints: Vec<(String, Option<Url>)>,
    pub credentials: Vec<CredentialField>,
    pub settings: Schema,
    /// In lower case.
    pub reply_headers: Vec<String>,
    /// A JSON object.
    pub features: String,
}

#[derive(Debug)]
pub struct CredentialField {
    pub name: String,
    pub secret: bool,
    pub required: bool,
    pub help: String,
}

/// One attempt inside one instance. Dropping it throws the instance away.
pub struct Exchange {
    adapter: Arc<Adapter>,
    target: Arc<Target>,
    store: Store<State>,
    guest: AdapterPlugin,
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
            identity,
            description,
            engine: engine.clone(),
            limits: limits.clone(),
            pre,
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
        let error = |problem| self.error("exchange.start", problem);
        let slot = self
            .engine
            .slot()
            .await
            .map_err(|limit| error(Problem::Exceeded(limit)))?;
        let mut store = new_store(&self.engine, self.identity.clone(), &self.limits);
        let failed = |failure: wasmtime::Error, store: &Store<State>| {
            PluginError::from_call(&self.identity, "exchange.start", &failure, store.data())
        };
        let guest = self
            .pre
            .instantiate(&mut store)
            .map_err(|error| failed(error, &store))?;
        let payload = store.data_mut().lend(payload);
        before_call(&mut store);
        let exchange = guest.patchbay_plugin_adapter().exchange();
        let started = exchange.call_start(&mut store, &call.to_wit(), &target.wit, payload);
        store.data_mut().take_back();
        let (handle, raw) = match started.map_err(|error| failed(error, &store))? {
            Ok(started) => started,
            Err(failure) => return Err(ExchangeError::Failed(check::failure(failure).map_err(error)?)),
        };
        let progress = check::progress(raw, target).map_err(error)?;
        let exchange = Exchange {
            adapter: self.clone(),
            target: target.clone(),
            store,
            guest,
            handle,
            _slot: slot,
        };
        Ok((exchange, progress))
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
        before_call(&mut self.store);
        let input = self.adapter.for_guest(input);
        let exchange = self.guest.patchbay_plugin_adapter();
        let raw = exchange
            .exchange()
            .call_advance(&mut self.store, self.handle, now, &input)
            .map_err(|error| {
                PluginError::from_call(&self.adapter.identity, FUNCTION, &error, self.store.data())
            })?;
        check::progress(raw, &self.target).map_err(|problem| self.adapter.error(FUNCTION, problem))
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("adapter", &self.adapter.identity)
            .finish_non_exhaustive()
    }
}

// === impl Description ===

impl Description {
    fn check(raw: wit::Description) -> Result<Self, Problem> {
        check::name(&raw.vendor, "vendor")?;
        check::version(&raw.version)?;
        let named = raw
            .operations
            .iter()
            .chain(raw.endpoints.iter().map(|endpoint| &endpoint.name));
        for name in named.chain(raw.credentials.iter().map(|field| &field.name)) {
            check::name(name, "described name")?;
        }
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&raw.features)
            .map_err(|error| Problem::Broke(format!("features is not a JSON object: {error}")))?;
        Ok(Self {
            vendor: raw.vendor,
            version: raw.version,
            operations: raw.operations,
            endpoints: raw
                .endpoints
                .into_iter()
                .map(endpoint)
                .collect::<Result<_, _>>()?,
            credentials: raw
                .credentials
                .into_iter()
                .map(|field| CredentialField {
                    name: field.name,
                    secret: field.secret,
                    required: field.required,
                    help: readable(&field.help),
                })
                .collect(),
            settings: Schema::parse(&raw.settings_schema)?,
            reply_headers: raw
                .reply_headers
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
            features: raw.features,
        })
    }
}

fn endpoint(raw: wit::Endpoint) -> Result<(String, Option<Url>), Problem> {
    let url = raw.default_url.map(|url| {
        Url::parse(&url)
            .map_err(|error| Problem::Broke(format!("default-url of endpoint {:?}: {error}", raw.name)))
    });
    Ok((raw.name, url.transpose()?))
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
