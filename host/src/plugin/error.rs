//! What can go wrong inside a call into a guest: always names the plugin, the function, and where a limit was
//! hit, the limit and its value.

use std::fmt;
use std::time::Duration;

use wasmtime::Trap;

use super::store::State;
use crate::config::Limits;

/// A call into a guest that came to nothing. The instance it happened in is never used again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plugin {plugin}, {function}: {problem}")]
pub struct PluginError {
    /// name@version
    pub plugin: String,
    /// The exported function: "exchange.start".
    pub function: &'static str,
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It trapped: a panic, an out-of-bounds access, ...
    Trapped {
        trap: String,
        /// The last error the guest logged: with the SDK, its panic message and place.
        said: Option<String>,
    },
    Exceeded {
        limit: Limit,
        said: Option<String>,
    },
    /// It returned something the contract does not allow.
    Broke(String),
    /// The instance it shared was lost in a call of another exchange.
    Lost,
    /// It asked for something that plugins are not given.
    Denied(String),
    /// It asked for a part of the contract that this host does not perform.
    NotSupported(&'static str),
    /// The strategy said so itself.
    Refused(String),
}

/// A limit of the configuration, with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Linear memory of one instance, in bytes.
    Memory(usize),
    TableElements(usize),
    Call(Duration),
    /// Linear memories of one instance.
    Memories(usize),
    /// Tables of one instance.
    Tables(usize),
    /// Core modules inside one instance.
    CoreInstances(usize),
    /// Bytes handed to the host in one call.
    HostData(usize),
    /// Resource handles held at once.
    Handles(usize),
    /// Bytes of log messages in one call.
    Log(usize),
    /// Bytes of a request's headers.
    Headers(usize),
    /// Bytes of a request's body.
    Body(usize),
    /// Chunks returned by one call.
    Chunks(usize),
    /// Nested calls used up the guest's stack, in bytes.
    Stack(usize),
    /// Instances of one plugin in use at once.
    Instances(u32),
    /// Instances of all plugins in use at once.
    AllInstances(u32),
    /// Threads a slow plugin occupies at once.
    Threads(u32),
}

// === impl PluginError ===

impl PluginError {
    /// Finds out why a call into `function` failed.
    pub(super) fn from_call(function: &'static str, error: &wasmtime::Error, state: &State) -> Self {
        Self {
            plugin: state.plugin().to_owned(),
            function,
            problem: Problem::from_call(error, state),
        }
    }
}

// === impl Problem ===

impl Problem {
    fn from_call(error: &wasmtime::Error, state: &State) -> Self {
        let limits = state.limits();
        if let Some(denied) = error.downcast_ref::<Denied>() {
            return Self::Denied(denied.0.clone());
        }
        if let Some(exceeded) = error.downcast_ref::<Exceeded>() {
            return Self::exceeded(exceeded.0, state);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => return Self::exceeded(Limit::Call(limits.call), state),
            Some(Trap::StackOverflow) => return Self::exceeded(Limit::Stack(state.stack()), state),
            Some(_) | None => {}
        }
        if let Some(exceeded) = state.exceeded() {
            return Self::exceeded(exceeded, state);
        }
        let trap = error.root_cause().to_string();
        match untyped_limit(&trap, limits) {
            Some(limit) => Self::exceeded(limit, state),
            None => Self::Trapped {
                trap,
                said: state.last_error(),
            },
        }
    }

    fn exceeded(limit: Limit, state: &State) -> Self {
        Self::Exceeded {
            limit,
            said: state.last_error(),
        }
    }

    /// There was no instance or no thread for the call.
    pub(super) fn short_of(limit: Limit) -> Self {
        Self::Exceeded { limit, said: None }
    }

    /// The gateway was too busy for the call, which did nothing wrong.
    pub fn is_shortage(&self) -> bool {
        matches!(self, Self::Exceeded { limit, .. } if limit.is_shortage())
    }

    /// The plugin itself is at fault.
    pub fn is_fault(&self) -> bool {
        match self {
            Self::Trapped { .. } | Self::Broke(_) | Self::Denied(_) => true,
            Self::Exceeded { limit, .. } => !limit.is_shortage(),
            Self::NotSupported(_) | Self::Refused(_) | Self::Lost => false,
        }
    }

    /// The name used in metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Trapped { .. } => "trap",
            Self::Exceeded { limit, .. } => limit.as_str(),
            Self::Broke(_) => "contract",
            Self::Lost => "lost",
            Self::Denied(_) => "denied",
            Self::NotSupported(_) => "not_supported",
            Self::Refused(_) => "refused",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trapped {
                trap,
                said: Some(said),
            } => write!(f, "{said} ({trap})"),
            Self::Trapped { trap, said: None } => write!(f, "{trap}"),
            Self::Exceeded {
                limit,
                said: Some(said),
            } => write!(f, "{limit}; it said: {said}"),
            Self::Exceeded { limit, said: None } => write!(f, "{limit}"),
            Self::Broke(what) => write!(f, "broke the contract: {what}"),
            Self::Lost => f.write_str("its instance was lost in a call of another exchange"),
            Self::Denied(what) => write!(f, "asked for what no plugin is given: {what}"),
            Self::NotSupported(what) => write!(f, "not supported by this host: {what}"),
            Self::Refused(message) => f.write_str(message),
        }
    }
}

// === impl Limit ===

impl Limit {
    /// The setting that holds the limit, under `plugins.limits` or `plugins`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
            Self::TableElements(_) => "table_elements",
            Self::Memories(_) => "memories",
            Self::Tables(_) => "tables",
            Self::CoreInstances(_) => "core_instances",
            Self::Call(_) => "call",
            Self::HostData(_) => "host_data",
            Self::Handles(_) => "handles",
            Self::Log(_) => "log",
            Self::Headers(_) => "headers",
            Self::Body(_) => "body",
            Self::Chunks(_) => "chunks",
            Self::Stack(_) => "stack",
            Self::Instances(_) | Self::AllInstances(_) => "instances",
            Self::Threads(_) => "threads",
        }
    }

    /// The gateway is too busy, and the call did nothing wrong.
    pub fn is_shortage(self) -> bool {
        matches!(
            self,
            Self::Instances(_) | Self::AllInstances(_) | Self::Threads(_)
        )
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(bytes) => write!(f, "needs more memory than the limit of {bytes} bytes"),
            Self::TableElements(most) => write!(f, "needs a table larger than the limit of {most} elements"),
            Self::Memories(most) => write!(f, "has more memories than the limit of {most}"),
            Self::Tables(most) => write!(f, "has more tables than the limit of {most}"),
            Self::CoreInstances(most) => write!(f, "has more core modules inside than the limit of {most}"),
            Self::Call(most) => write!(f, "took longer than the limit of {} ms", most.as_millis()),
            Self::HostData(bytes) => write!(f, "returned more than the limit of {bytes} bytes"),
            Self::Handles(most) => write!(f, "holds more handles than the limit of {most}"),
            Self::Log(bytes) => write!(f, "logged more in one call than the limit of {bytes} bytes"),
            Self::Headers(bytes) => write!(f, "made headers of more than the limit of {bytes} bytes"),
            Self::Body(bytes) => write!(f, "made a body of more than the limit of {bytes} bytes"),
            Self::Chunks(most) => write!(f, "returned more chunks in one call than the limit of {most}"),
            Self::Stack(bytes) => write!(f, "nested its calls deeper than its stack of {bytes} bytes"),
            Self::Instances(most) | Self::AllInstances(most) => write!(f, "all {most} instances are in use"),
            Self::Threads(most) => write!(
                f,
                "too slow for the hot path, and busy on all of its {most} threads"
            ),
        }?;
        match self {
            Self::Stack(_) | Self::AllInstances(_) => write!(f, " (plugins.{})", self.as_str()),
            limit => write!(f, " (plugins.limits.{})", limit.as_str()),
        }
    }
}

/// Raised by a host function that no plugin may use.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not given: {0}")]
pub(super) struct Denied(pub(super) String);

/// Raised by a host function when a limit is reached.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Exceeded(pub(super) Limit);

/// Limits that wasmtime enforces without a type for the error.
fn untyped_limit(message: &str, limits: &Limits) -> Option<Limit> {
    let has = |words: &str| message.contains(words);
    if has("fuel allocated for hostcalls has been exhausted") {
        Some(Limit::HostData(limits.host_data))
    } else if has("store handle limit exceeded") {
        Some(Limit::Handles(limits.handles))
    } else if has("memory count too high") {
        Some(Limit::Memories(limits.memories))
    } else if has("table count too high") {
        Some(Limit::Tables(limits.tables))
    } else if has("instance count too high") {
        Some(Limit::CoreInstances(limits.core_instances))
    } else {
        None
    }
}
