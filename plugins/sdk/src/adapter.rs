//! A vendor's API, translated. An adapter computes and the host performs: [`Exchange::start`] says what to send,
//! [`Exchange::advance`] makes sense of what came back. Neither has a network, a clock or a credential.

mod description;
mod failure;
mod payload;
mod progress;
mod reply;
mod request;

use std::cell::RefCell;
use std::marker::PhantomData;

use crate::bindings::adapter::exports::patchbay::plugin::adapter as wit;
use crate::bindings::adapter::patchbay::plugin::calls;
use crate::log;
use crate::words::{FailureKind, Operation};

pub use crate::Millis;
pub use crate::bindings::adapter::patchbay::plugin::types::{Count, Failure, Header, Limit, Scope};
pub(crate) use description::NO_SETTINGS;
pub use payload::Payload;
pub use wit::{
    Body, Call, Chunk, CredentialField, CredentialHeader, CredentialUse, CredentialValue, Description, Edit,
    Encoding, Endpoint, Event, Fetched, Framing, Head, HttpRequest as Request, Input, Next, Progress, Reply,
    Signature, Target, TokenPlan,
};

/// A vendor, as the host knows it.
pub trait Adapter: 'static {
    type Exchange: Exchange;

    /// Pure and quick: called once when the plugin is loaded.
    fn describe() -> Description;

    /// How to buy a short-lived token, for vendors that want one.
    fn renew(_call: &Call, _target: &Target) -> Option<TokenPlan> {
        None
    }
}

/// One attempt to serve one call: a state machine that the host drives until it is done or has failed.
pub trait Exchange: Sized + 'static {
    /// The first thing to do. For a canonical request the host lets the instance go after this and, if it needs
    /// `advance` after all, repeats it with the same arguments: the same arguments must give the same answer.
    fn start(call: &Call, target: &Target, payload: &Payload<'_>) -> Result<(Self, Progress), Failure>;

    /// What came of `input`, and what to do next.
    fn advance(&mut self, now: Millis, input: Input) -> Progress;
}

/// What the configuration says of the upstream model, in tokens; nothing where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct ModelSettings {
    pub context_length: Option<u64>,
    pub max_output_tokens: Option<u64>,
}

/// Makes a component of a type that implements [`Adapter`]. In native builds it makes nothing.
#[macro_export]
macro_rules! export_adapter {
    ($adapter:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::adapter::Exported<$adapter>;
            $crate::bindings::adapter::export_adapter_component!(
                Component with_types_in $crate::bindings::adapter
            );
        };
    };
}

/// The component's side of an adapter; see [`export_adapter!`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Exported<A>(PhantomData<A>);

/// The host calls one exchange at a time, but WIT hands out shared references.
#[doc(hidden)]
#[derive(Debug)]
pub struct ExportedExchange<E>(RefCell<E>);

impl Call {
    pub fn operation(&self) -> Operation {
        Operation::from(self.operation.as_str())
    }
}

impl Target {
    /// The vendor's settings. The host has checked them against the described schema, so an error means that
    /// schema and `T` disagree.
    pub fn settings<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.settings)
    }

    /// What is known of the model.
    pub fn model_settings(&self) -> Result<ModelSettings, Failure> {
        read(&self.model_settings)
    }

    /// Base URL of an endpoint.
    pub fn endpoint(&self, name: &str) -> Option<&str> {
        self.endpoints
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, url)| url.as_str())
    }

    /// A credential field that is not secret. An empty one counts as missing.
    pub fn public(&self, name: &str) -> Option<&str> {
        let (_, value) = self.public.iter().find(|(known, _)| known == name)?;
        (!value.is_empty()).then_some(value)
    }
}

fn read<T: serde::de::DeserializeOwned>(settings: &str) -> Result<T, Failure> {
    let settings = if settings.is_empty() { "{}" } else { settings };
    serde_json::from_str(settings).map_err(|error| {
        Failure::new(FailureKind::NotSupported)
            .scope(Scope::Request)
            .message(format!("the adapter cannot read its settings: {error}"))
    })
}

impl<A: Adapter> wit::Guest for Exported<A> {
    type Exchange = ExportedExchange<A::Exchange>;

    fn describe() -> Description {
        log::report_panics();
        A::describe()
    }

    fn renew(call: Call, target: Target) -> Option<TokenPlan> {
        log::report_panics();
        A::renew(&call, &target)
    }
}

impl<E: Exchange> wit::GuestExchange for ExportedExchange<E> {
    fn start(
        call: Call,
        target: Target,
        payload: &calls::Payload,
    ) -> Result<(wit::Exchange, Progress), Failure> {
        log::report_panics();
        let (exchange, progress) = E::start(&call, &target, &Payload::of_host(payload))?;
        Ok((wit::Exchange::new(Self(RefCell::new(exchange))), progress))
    }

    fn advance(&self, now: Millis, input: Input) -> Progress {
        log::report_panics();
        self.0.borrow_mut().advance(now, input)
    }
}
