//! What went wrong with an attempt, in one vocabulary for adapters, the network and the gateway itself.
//!
//! Says nothing about HTTP (see [`crate::http`]) and takes no decision (see [`crate::pipeline`]).

use std::fmt;
use std::time::Duration;

use crate::config::Secret;

/// A classified failure of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    pub scope: Scope,
    /// For the caller and the log.
    pub message: String,
    /// The vendor's own code, as it stood in the reply.
    pub vendor_code: Option<String>,
    /// The member of the request at fault.
    pub param: Option<String>,
    /// How long the vendor asked us to stay away.
    pub retry_after: Option<Duration>,
    /// The connection broke before any byte of a reply had come.
    pub unanswered: bool,
}

/// The classes of requirement H1. [`Kind::Custom`] is a class that only the configuration and a plugin know.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    Authentication,
    PermissionDenied,
    RateLimit,
    ResourceExhausted,
    ServiceUnavailable,
    Internal,
    InsufficientQuota,
    Unknown,
    ModelNotFound,
    InvalidRequest,
    ContextLength,
    ContentFilter,
    Timeout,
    Network,
    /// The vendor answered something that cannot be read, or broke off.
    MalformedReply,
    /// The adapter, or the host for it, cannot do this.
    NotSupported,
    /// The plugin itself failed: it trapped, or broke a limit or the contract.
    Plugin,
    /// The gateway has no room for it now.
    Overloaded,
    Custom(String),
}

/// What a failure says something about, and so who suffers for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The caller's request: nobody suffers, and no other candidate could do better.
    Request,
    /// This account together with this model.
    Candidate,
    /// This model at this vendor.
    Model,
    /// This account, whatever the model.
    Account,
    /// The server, whichever account asks.
    Endpoint,
}

impl Failure {
    pub fn new(kind: Kind, scope: Scope, message: impl Into<String>) -> Self {
        Self {
            kind,
            scope,
            message: message.into(),
            vendor_code: None,
            param: None,
            retry_after: None,
            unanswered: false,
        }
    }

    /// A clock ran out. `setting`: its name, below `timeouts`.
    pub fn timeout(scope: Scope, what: &str, setting: &str, after: Duration) -> Self {
        let after = after.as_secs_f64();
        Self::new(
            Kind::Timeout,
            scope,
            format!("{what} within {after} s (timeouts.{setting})"),
        )
    }

    /// The vendor's reply could not be read, or ended too early.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(Kind::MalformedReply, Scope::Candidate, message)
    }

    /// Whether it says something about the candidate: not where the request is at fault, or asks for what this vendor
    /// alone cannot do, and not where the gateway's own plugin is.
    pub fn counts_against_candidate(&self) -> bool {
        let other = matches!(
            self.kind,
            Kind::Plugin
                | Kind::Overloaded
                | Kind::NotSupported
                | Kind::InvalidRequest
                | Kind::ContextLength
                | Kind::ContentFilter
        );
        self.scope != Scope::Request && !other
    }

    /// The same without these secrets, which some vendors repeat in their refusals.
    #[must_use]
    pub fn without<'a>(mut self, secrets: impl Iterator<Item = &'a Secret>) -> Self {
        for secret in secrets {
            secret.strike_out(&mut self.message);
            for text in [&mut self.vendor_code, &mut self.param].into_iter().flatten() {
                secret.strike_out(text);
            }
        }
        self
    }

    /// Whether another candidate might do better: not where the request itself is at fault.
    pub fn worth_another_candidate(&self) -> bool {
        match self.scope {
            Scope::Request => self.kind == Kind::ContextLength,
            Scope::Candidate | Scope::Model | Scope::Account | Scope::Endpoint => true,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.message)
    }
}

impl Kind {
    /// The name used in the plugin contract, in answers, logs and metrics.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Authentication => "authentication_error",
            Self::PermissionDenied => "permission_denied",
            Self::RateLimit => "rate_limit_exceeded",
            Self::ResourceExhausted => "resource_exhausted",
            Self::ServiceUnavailable => "service_unavailable",
            Self::Internal => "internal_error",
            Self::InsufficientQuota => "insufficient_quota",
            Self::Unknown => "unknown_error",
            Self::ModelNotFound => "model_not_found",
            Self::InvalidRequest => "invalid_request",
            Self::ContextLength => "context_length_exceeded",
            Self::ContentFilter => "content_filter",
            Self::Timeout => "timeout",
            Self::Network => "network_error",
            Self::MalformedReply => "malformed_reply",
            Self::NotSupported => "not_supported",
            Self::Plugin => "plugin_error",
            Self::Overloaded => "overloaded",
            Self::Custom(name) => name,
        }
    }
}

impl Kind {
    /// The name used as a metric's label: a closed set, whatever plugins invent.
    pub fn label(&self) -> &str {
        match self {
            Self::Custom(_) => "custom",
            known => known.as_str(),
        }
    }
}

/// Reads the name a plugin gave. "plugin_error" and "overloaded" are the host's words alone, so from a plugin they are
/// custom classes.
impl From<&str> for Kind {
    fn from(name: &str) -> Self {
        match name {
            "authentication_error" => Self::Authentication,
            "permission_denied" => Self::PermissionDenied,
            "rate_limit_exceeded" => Self::RateLimit,
            "resource_exhausted" => Self::ResourceExhausted,
            "service_unavailable" => Self::ServiceUnavailable,
            "internal_error" => Self::Internal,
            "insufficient_quota" => Self::InsufficientQuota,
            "unknown_error" => Self::Unknown,
            "model_not_found" => Self::ModelNotFound,
            "invalid_request" => Self::InvalidRequest,
            "context_length_exceeded" => Self::ContextLength,
            "content_filter" => Self::ContentFilter,
            "timeout" => Self::Timeout,
            "network_error" => Self::Network,
            "malformed_reply" => Self::MalformedReply,
            "not_supported" => Self::NotSupported,
            other => Self::Custom(other.to_owned()),
        }
    }
}
