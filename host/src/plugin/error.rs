//! What can go wrong inside a call into a guest: always names the plugin, the function, and where a limit was
//! hit, the limit and its value.

use std::fmt;
use std::time::Duration;

use wasmtime::Trap;

use super::store::State;

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
    Exceeded(Limit),
    /// It returned something the contract does not allow.
    Broke(String),
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
    /// Bytes handed to the host in one call.
    Output(usize),
    /// Nested calls used up the guest's stack, in bytes.
    Stack(usize),
    /// Instances in use at once.
    Instances(u32),
}

// === impl PluginError ===

impl PluginError {
    /// Finds out why a call into `function` failed.
    pub(super) fn from_call(
        plugin: &str,
        function: &'static str,
        error: &wasmtime::Error,
        state: &State,
    ) -> Self {
        Self {
            plugin: plugin.to_owned(),
            function,
            problem: Problem::from_call(error, state),
        }
    }
}

// === impl Problem ===

impl Problem {
    fn from_call(error: &wasmtime::Error, state: &State) -> Self {
        let limits = state.limits();
        if let Some(host) = error.downcast_ref::<NotSupported>() {
            return Self::NotSupported(host.0);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => return Self::Exceeded(Limit::Call(limits.call)),
            Some(Trap::StackOverflow) => return Self::Exceeded(Limit::Stack(super::engine::GUEST_STACK)),
            Some(_) | None => {}
        }
        if let Some(exceeded) = state.exceeded() {
            return Self::Exceeded(exceeded);
        }
        let trap = error.root_cause().to_string();
        // wasmtime has no type for this one: it is the budget of `Store::set_hostcall_fuel`.
        if trap.contains("fuel allocated for hostcalls has been exhausted") {
            return Self::Exceeded(Limit::Output(limits.output));
        }
        Self::Trapped {
            trap,
            said: state.last_error(),
        }
    }

    /// The name used in metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Trapped { .. } => "trap",
            Self::Exceeded(limit) => limit.as_str(),
            Self::Broke(_) => "contract",
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
            Self::Exceeded(limit) => write!(f, "{limit}"),
            Self::Broke(what) => write!(f, "broke the contract: {what}"),
            Self::NotSupported(what) => write!(f, "not supported by this host: {what}"),
            Self::Refused(message) => f.write_str(message),
        }
    }
}

// === impl Limit ===

impl Limit {
    /// The setting under `[plugins.limits]`, or what it is called where there is none.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
            Self::TableElements(_) => "table_elements",
            Self::Call(_) => "call",
            Self::Output(_) => "output",
            Self::Stack(_) => "stack",
            Self::Instances(_) => "instances",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(bytes) => write!(f, "needs more memory than the limit of {bytes} bytes"),
            Self::TableElements(most) => write!(f, "needs a table larger than the limit of {most} elements"),
            Self::Call(most) => write!(f, "took longer than the limit of {} ms", most.as_millis()),
            Self::Output(bytes) => write!(f, "returned more than the limit of {bytes} bytes"),
            Self::Stack(bytes) => write!(f, "nested its calls deeper than its stack of {bytes} bytes"),
            Self::Instances(most) => write!(f, "all {most} instances are in use"),
        }?;
        match self {
            Self::Stack(_) => Ok(()),
            limit => write!(f, " (plugins.limits.{})", limit.as_str()),
        }
    }
}

/// Raised by a host function for a part of the contract that is not performed (yet).
#[derive(Debug, thiserror::Error)]
#[error("not supported: {0}")]
pub(super) struct NotSupported(pub(super) &'static str);
