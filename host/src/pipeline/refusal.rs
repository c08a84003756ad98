//! Why a request got no answer, in the one set that is turned into HTTP.

use crate::chat::RequestError;
use crate::failure::{Failure, Kind, Scope};
use crate::route::PlanError;

#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("incorrect API key provided; send one of the gateway's keys as `Authorization: Bearer KEY`")]
    Unauthenticated,
    #[error("the request body is longer than {0} bytes")]
    TooLong(usize),
    #[error("the request body broke off")]
    Incomplete,
    #[error(transparent)]
    BadRequest(#[from] RequestError),
    #[error(
        "x-patchbay-tags must be at most 16 names, separated by commas, of letters, digits, `-`, `_` and `.`"
    )]
    WrongTags,
    /// The request names a strategy that its caller may not.
    #[error("x-patchbay-strategy: requests with this key may {0}")]
    NotYours(String),
    /// Also for a model this key may not use: names are not told to strangers.
    #[error("the model `{0}` does not exist or you do not have access to it")]
    UnknownModel(String),
    #[error(transparent)]
    NoCandidate(#[from] PlanError),
    /// The strategy offered nobody.
    #[error("there was no candidate left to try")]
    OutOfCandidates,
    /// As many requests as can be are served and wait already, or this one has waited long enough.
    #[error("the gateway is busy; try again shortly")]
    Busy,
    #[error("{}", .0.message)]
    Failed(Failure),
}

// === impl Refusal ===

impl Refusal {
    /// For the record.
    pub fn as_failure(&self) -> Failure {
        let kind = match self {
            Self::Failed(failure) => return failure.clone(),
            Self::NoCandidate(PlanError::Held(held)) => return Failure::clone(&held.failure),
            Self::Unauthenticated => Kind::Authentication,
            Self::TooLong(_)
            | Self::Incomplete
            | Self::BadRequest(_)
            | Self::WrongTags
            | Self::NotYours(_)
            | Self::NoCandidate(PlanError::Incapable(_)) => Kind::InvalidRequest,
            Self::UnknownModel(_) => Kind::ModelNotFound,
            Self::NoCandidate(PlanError::Unavailable) | Self::OutOfCandidates => Kind::ServiceUnavailable,
            Self::Busy => Kind::Overloaded,
        };
        Failure::new(kind, Scope::Request, self.to_string())
    }
}
