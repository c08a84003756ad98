//! Failures, limits and counts.

use super::{Count, Failure, Limit, Millis, Scope};
use crate::words::{FailureKind, UsageClass};

impl Failure {
    /// A failure of the scope that this kind usually has.
    pub fn new(kind: FailureKind) -> Self {
        Self {
            scope: usual_scope(&kind),
            kind: kind.into(),
            message: String::new(),
            vendor_code: None,
            param: None,
            retry_after: None,
            renew_token: false,
        }
    }

    /// The adapter cannot do what the call asks for.
    pub fn not_supported(what: &str) -> Self {
        Self::new(FailureKind::NotSupported).message(format!("this adapter does not support {what}"))
    }

    /// The caller asked for something that cannot be. `param`: the member at fault, `messages[0].role`.
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::InvalidRequest)
            .param(param)
            .message(message)
    }

    /// The caller asked for something that this vendor cannot do, and another one might: no candidate suffers for it.
    pub fn unfit(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(param, message).scope(Scope::Candidate)
    }

    pub fn kind(&self) -> FailureKind {
        FailureKind::from(self.kind.as_str())
    }

    pub fn scope(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// For the caller and the log, in the vendor's words where there are any.
    pub fn message(self, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..self
        }
    }

    pub fn vendor_code(self, code: impl Into<String>) -> Self {
        Self {
            vendor_code: Some(code.into()),
            ..self
        }
    }

    /// The member of the request that is at fault.
    pub fn param(self, param: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..self
        }
    }

    pub fn retry_after(self, delay: Millis) -> Self {
        Self {
            retry_after: Some(delay),
            ..self
        }
    }

    /// The exchanged token was refused: the host buys a new one and tries once more.
    pub fn renew_token(self) -> Self {
        Self {
            renew_token: true,
            ..self
        }
    }
}

impl Count {
    pub fn new(class: UsageClass, tokens: u64) -> Self {
        Self {
            class: class.into(),
            tokens,
        }
    }
}

impl Limit {
    /// `what`: "requests", "tokens", "balance" or the vendor's own word.
    pub fn new(what: &str, scope: Scope) -> Self {
        Self {
            what: what.to_owned(),
            scope,
            capacity: None,
            remaining: None,
            resets_in: None,
            window: None,
        }
    }
}

fn usual_scope(kind: &FailureKind) -> Scope {
    use FailureKind as Kind;
    match kind {
        Kind::AuthenticationError | Kind::PermissionDenied | Kind::InsufficientQuota => Scope::Account,
        // Vendors count per account and model, and a model that one account cannot see another may.
        Kind::RateLimitExceeded
        | Kind::ResourceExhausted
        | Kind::ModelNotFound
        | Kind::InternalError
        | Kind::MalformedReply
        | Kind::UnknownError
        | Kind::Other(_) => Scope::Candidate,
        Kind::ServiceUnavailable | Kind::Timeout | Kind::NetworkError => Scope::Endpoint,
        Kind::InvalidRequest | Kind::ContextLengthExceeded | Kind::ContentFilter | Kind::NotSupported => {
            Scope::Request
        }
    }
}
