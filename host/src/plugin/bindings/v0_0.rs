//! `patchbay:plugin@0.0.1`, frozen: the version that shows that an old plugin still loads.
//!
//! Its exchanges are not told the time when they are advanced, fetch nothing, buy no tokens, and do not ask for the
//! head of a canonical success. Its strategies see no affinity and leave no note.

use wasmtime::component::{HasSelf, Linker, Resource};

pub(super) use adapter_world::exports::patchbay::plugin::adapter;
use adapter_world::patchbay::plugin::{calls, log};
pub(super) use adapter_world::{AdapterPlugin, AdapterPluginPre};
pub(super) use strategy_world::exports::patchbay::plugin::strategy;
pub(super) use strategy_world::{StrategyPlugin, StrategyPluginPre};

use super::v0_1;
use crate::plugin::store::{PayloadHandle, State};

mod adapter_world {
    wasmtime::component::bindgen!({
        path: "../wit/0.0.1",
        world: "adapter-plugin",
        imports: { default: trappable },
        with: {
            "patchbay:plugin/types@0.0.1": crate::plugin::bindings::v0_1::types,
            "patchbay:plugin/calls.payload": crate::plugin::store::PayloadHandle,
        },
    });
}

mod strategy_world {
    wasmtime::component::bindgen!({
        path: "../wit/0.0.1",
        world: "strategy-plugin",
        imports: { default: trappable },
        with: {
            "patchbay:plugin/log@0.0.1": super::adapter_world::patchbay::plugin::log,
            "patchbay:plugin/types@0.0.1": crate::plugin::bindings::v0_1::types,
        },
    });
}

/// What plugins of this version may import.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    // Types alone; nothing in it is called.
    linker.instance("patchbay:plugin/types@0.0.1")?;
    calls::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    log::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

// === imports ===

impl calls::Host for State {}

impl calls::HostPayload for State {
    fn size(&mut self, payload: Resource<PayloadHandle>) -> wasmtime::Result<u64> {
        v0_1::calls::HostPayload::size(self, payload)
    }

    fn bytes(&mut self, payload: Resource<PayloadHandle>) -> wasmtime::Result<Vec<u8>> {
        v0_1::calls::HostPayload::bytes(self, payload)
    }

    fn outline(&mut self, payload: Resource<PayloadHandle>) -> wasmtime::Result<Vec<u8>> {
        v0_1::calls::HostPayload::outline(self, payload)
    }

    fn drop(&mut self, payload: Resource<PayloadHandle>) -> wasmtime::Result<()> {
        v0_1::calls::HostPayload::drop(self, payload)
    }
}

impl log::Host for State {
    fn emit(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Debug => v0_1::log::Level::Debug,
            log::Level::Info => v0_1::log::Level::Info,
            log::Level::Warn => v0_1::log::Level::Warn,
            log::Level::Error => v0_1::log::Level::Error,
        };
        self.say(level, &message)
    }
}

// === to the guest ===

impl From<&v0_1::adapter::Call> for adapter::Call {
    fn from(call: &v0_1::adapter::Call) -> Self {
        Self {
            operation: call.operation.clone(),
            model: call.model.clone(),
            streaming: call.streaming,
            request_id: call.request_id.clone(),
            attempt: call.attempt,
            now: call.now,
            deadline: call.deadline,
            entropy: call.entropy,
        }
    }
}

impl From<&v0_1::adapter::Target> for adapter::Target {
    fn from(target: &v0_1::adapter::Target) -> Self {
        Self {
            endpoints: target.endpoints.clone(),
            settings: target.settings.clone(),
            model_settings: target.model_settings.clone(),
            public: target.public.clone(),
        }
    }
}

impl From<v0_1::adapter::Head> for adapter::Head {
    fn from(head: v0_1::adapter::Head) -> Self {
        Self {
            status: head.status,
            headers: head.headers,
        }
    }
}

impl From<v0_1::adapter::Event> for adapter::Event {
    fn from(event: v0_1::adapter::Event) -> Self {
        Self {
            name: event.name,
            data: event.data,
        }
    }
}

impl TryFrom<v0_1::adapter::Input> for adapter::Input {
    type Error = wasmtime::Error;

    fn try_from(input: v0_1::adapter::Input) -> wasmtime::Result<Self> {
        use v0_1::adapter::Input;
        Ok(match input {
            Input::Reply(reply) => Self::Reply(adapter::Reply {
                head: reply.head.into(),
                body: reply.body,
            }),
            Input::Head(head) => Self::Head(head.into()),
            Input::Events(events) => Self::Events(events.into_iter().map(Into::into).collect()),
            Input::End => Self::End,
            Input::Pull => Self::Pull,
            // It cannot have asked for any.
            Input::Fetched(_) => return Err(wasmtime::Error::msg("this version fetches nothing")),
        })
    }
}

impl From<&v0_1::strategy::Request> for strategy::Request {
    fn from(request: &v0_1::strategy::Request) -> Self {
        Self {
            operation: request.operation.clone(),
            model: request.model.clone(),
            caller: request.caller.clone(),
            tags: request.tags.clone(),
            streaming: request.streaming,
            input_tokens: request.input_tokens,
            sequence: request.sequence,
            entropy: request.entropy,
            now: request.now,
            deadline: request.deadline,
        }
    }
}

impl From<&v0_1::strategy::Candidate> for strategy::Candidate {
    fn from(candidate: &v0_1::strategy::Candidate) -> Self {
        Self {
            vendor: candidate.vendor.clone(),
            account: candidate.account.clone(),
            model: candidate.model.clone(),
            tags: candidate.tags.clone(),
        }
    }
}

// === from the guest ===

impl From<adapter::Description> for v0_1::adapter::Description {
    fn from(old: adapter::Description) -> Self {
        let endpoint = |old: adapter::Endpoint| v0_1::adapter::Endpoint {
            name: old.name,
            default_url: old.default_url,
        };
        let field = |old: adapter::CredentialField| v0_1::adapter::CredentialField {
            name: old.name,
            secret: old.secret,
            required: old.required,
            help: old.help,
        };
        Self {
            vendor: old.vendor,
            version: old.version,
            operations: old.operations,
            endpoints: old.endpoints.into_iter().map(endpoint).collect(),
            credentials: old.credentials.into_iter().map(field).collect(),
            settings_schema: old.settings_schema,
            reply_headers: old.reply_headers,
            features: old.features,
        }
    }
}

impl From<adapter::Progress> for v0_1::adapter::Progress {
    fn from(old: adapter::Progress) -> Self {
        let chunk = |old: adapter::Chunk| v0_1::adapter::Chunk {
            data: old.data,
            token: old.token,
        };
        Self {
            chunks: old.chunks.into_iter().map(chunk).collect(),
            usage: old.usage,
            limits: old.limits,
            warnings: old.warnings,
            next: match old.next {
                adapter::Next::Send(request) => v0_1::adapter::Next::Send(request.into()),
                adapter::Next::More => v0_1::adapter::Next::More,
                adapter::Next::Pull => v0_1::adapter::Next::Pull,
                adapter::Next::Done => v0_1::adapter::Next::Done,
                adapter::Next::Failed(failure) => v0_1::adapter::Next::Failed(failure),
            },
        }
    }
}

impl From<adapter::HttpRequest> for v0_1::adapter::HttpRequest {
    fn from(old: adapter::HttpRequest) -> Self {
        Self {
            endpoint: old.endpoint,
            method: old.method,
            path: old.path,
            headers: old.headers,
            credentials: old.credentials.into_iter().map(Into::into).collect(),
            body: old.body.into(),
            framing: match old.framing {
                adapter::Framing::Whole => v0_1::adapter::Framing::Whole,
                adapter::Framing::Sse => v0_1::adapter::Framing::Sse,
                adapter::Framing::Ndjson => v0_1::adapter::Framing::Ndjson,
            },
            canonical: old.canonical,
            want_head: false,
        }
    }
}

impl From<adapter::Body> for v0_1::adapter::Body {
    fn from(old: adapter::Body) -> Self {
        let edit = |old: adapter::Edit| v0_1::adapter::Edit {
            member: old.member,
            value: old.value,
        };
        match old {
            adapter::Body::Unchanged => Self::Unchanged,
            adapter::Body::Empty => Self::Empty,
            adapter::Body::Edited(edits) => Self::Edited(edits.into_iter().map(edit).collect()),
            adapter::Body::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

impl From<adapter::CredentialUse> for v0_1::adapter::CredentialUse {
    fn from(old: adapter::CredentialUse) -> Self {
        match old {
            adapter::CredentialUse::Header(header) => Self::Header(v0_1::adapter::CredentialHeader {
                name: header.name,
                prefix: header.prefix,
                value: match header.value {
                    adapter::CredentialValue::Field(field) => v0_1::adapter::CredentialValue::Field(field),
                    adapter::CredentialValue::Signed(signature) => {
                        v0_1::adapter::CredentialValue::Signed(signature.into())
                    }
                },
            }),
            adapter::CredentialUse::Query(used) => Self::Query(used),
            adapter::CredentialUse::Form(used) => Self::Form(used),
        }
    }
}

impl From<adapter::Signature> for v0_1::adapter::Signature {
    fn from(old: adapter::Signature) -> Self {
        Self {
            field: old.field,
            key_prefix: old.key_prefix,
            messages: old.messages,
            before: old.before,
            encoding: match old.encoding {
                adapter::Encoding::Raw => v0_1::adapter::Encoding::Raw,
                adapter::Encoding::Hex => v0_1::adapter::Encoding::Hex,
                adapter::Encoding::Base64 => v0_1::adapter::Encoding::Base64,
                adapter::Encoding::Base64url => v0_1::adapter::Encoding::Base64url,
            },
            after: old.after,
        }
    }
}

impl From<strategy::Ranking> for v0_1::strategy::Ranking {
    fn from(old: strategy::Ranking) -> Self {
        Self {
            order: old.order,
            state: old.state,
            note: None,
        }
    }
}
