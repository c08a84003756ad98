//! Every refusal as HTTP: one match, OpenAI's error envelope (`{"error": {message, type, param, code}}`).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::failure::{Failure, Kind};
use crate::pipeline::Refusal;
use crate::route::PlanError;

/// When those who were sent away for want of room should come back: soon, since a place is free as soon as any
/// request ends.
const BUSY: std::time::Duration = std::time::Duration::from_secs(1);

/// An error as a client library reads it.
#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    /// OpenAI's coarse class: "invalid_request_error", "rate_limit_error", "server_error", ...
    pub(super) kind: &'static str,
    pub(super) code: Option<String>,
    pub(super) param: Option<String>,
    pub(super) message: String,
    pub(super) retry_after: Option<std::time::Duration>,
}

/// The event that ends a stream which cannot be completed (OpenAI sends errors inside a stream the same way).
/// With it, what `retry-after` would have said, in seconds.
pub fn error_event(refusal: &Refusal) -> (Vec<u8>, Option<u64>) {
    let error = ApiError::from(refusal);
    (error.envelope().to_string().into_bytes(), error.retry_after())
}

pub(super) async fn not_found(uri: axum::http::Uri) -> ApiError {
    let message = format!("there is nothing at {}; see /v1/chat/completions", uri.path());
    ApiError::new(StatusCode::NOT_FOUND, "invalid_request_error", message)
}

pub(super) async fn method_not_allowed(method: axum::http::Method, uri: axum::http::Uri) -> ApiError {
    let message = format!("{method} is not allowed at {}", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request_error", message)
}

// === impl ApiError ===

impl ApiError {
    pub(super) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            code: None,
            param: None,
            message: message.into(),
            retry_after: None,
        }
    }

    fn with_code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    fn from_failure(failure: &Failure) -> Self {
        let (status, kind) = match &failure.kind {
            Kind::InvalidRequest | Kind::ContextLength | Kind::ContentFilter => {
                (StatusCode::BAD_REQUEST, "invalid_request_error")
            }
            Kind::ModelNotFound => (StatusCode::NOT_FOUND, "invalid_request_error"),
            Kind::RateLimit => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error"),
            Kind::InsufficientQuota => (StatusCode::TOO_MANY_REQUESTS, "insufficient_quota"),
            Kind::ResourceExhausted | Kind::ServiceUnavailable | Kind::Overloaded => {
                (StatusCode::SERVICE_UNAVAILABLE, "server_error")
            }
            Kind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "server_error"),
            Kind::NotSupported => (StatusCode::NOT_IMPLEMENTED, "server_error"),
            // The gateway's own account was refused: that is nothing the caller's key could change, so it is not
            // a 401 or 403 for the caller.
            Kind::Authentication
            | Kind::PermissionDenied
            | Kind::Internal
            | Kind::Unknown
            | Kind::Network
            | Kind::MalformedReply
            | Kind::Plugin
            | Kind::Custom(_) => (StatusCode::BAD_GATEWAY, "server_error"),
        };
        Self {
            status,
            kind,
            code: Some(failure.kind.as_str().to_owned()),
            param: failure.param.clone(),
            message: message(failure),
            retry_after: failure.retry_after,
        }
    }

    /// Nobody was asked, because nobody can serve: 429 where that is a matter of limits, else 503.
    fn from_held(failure: &Failure) -> Self {
        let error = Self::from_failure(failure);
        let (status, kind) = match &failure.kind {
            Kind::ModelNotFound => return error,
            Kind::RateLimit => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error"),
            Kind::InsufficientQuota => (StatusCode::TOO_MANY_REQUESTS, "insufficient_quota"),
            Kind::ResourceExhausted
            | Kind::ServiceUnavailable
            | Kind::Overloaded
            | Kind::Timeout
            | Kind::Authentication
            | Kind::PermissionDenied
            | Kind::Internal
            | Kind::Unknown
            | Kind::Network
            | Kind::MalformedReply
            | Kind::Plugin
            | Kind::NotSupported
            | Kind::InvalidRequest
            | Kind::ContextLength
            | Kind::ContentFilter
            | Kind::Custom(_) => (StatusCode::SERVICE_UNAVAILABLE, "server_error"),
        };
        Self {
            status,
            kind,
            message: format!("no account can serve this now: {}", error.message),
            ..error
        }
    }

    /// In whole seconds, rounded up; one at least, since what is over within a moment is not over yet.
    fn retry_after(&self) -> Option<u64> {
        let seconds = self.retry_after?.as_millis().div_ceil(1000);
        Some(u64::try_from(seconds).unwrap_or(u64::MAX).max(1))
    }

    fn envelope(&self) -> Value {
        json!({ "error": {
            "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
        } })
    }
}

/// What a vendor says about the gateway's own account (it may show part of a key) is the operator's business.
fn message(failure: &Failure) -> String {
    match failure.kind {
        Kind::Authentication | Kind::PermissionDenied => {
            "the vendor refused the gateway's account".to_owned()
        }
        Kind::InsufficientQuota => "the gateway's account at the vendor has no quota left".to_owned(),
        _ => failure.message.clone(),
    }
}

impl From<&Refusal> for ApiError {
    fn from(refusal: &Refusal) -> Self {
        let message = refusal.to_string();
        let error = |status, kind| Self::new(status, kind, message.clone());
        match refusal {
            Refusal::Unauthenticated => {
                error(StatusCode::UNAUTHORIZED, "invalid_request_error").with_code("invalid_api_key")
            }
            Refusal::TooLong(_) => error(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error"),
            Refusal::Incomplete => error(StatusCode::BAD_REQUEST, "invalid_request_error"),
            Refusal::BadRequest(bad) => Self {
                param: bad.param().map(str::to_owned),
                ..error(StatusCode::BAD_REQUEST, "invalid_request_error")
            },
            Refusal::WrongTags => error(StatusCode::BAD_REQUEST, "invalid_request_error"),
            Refusal::NotYours(_) => error(StatusCode::FORBIDDEN, "invalid_request_error"),
            Refusal::UnknownModel(_) => Self {
                param: Some("model".to_owned()),
                ..error(StatusCode::NOT_FOUND, "invalid_request_error").with_code("model_not_found")
            },
            Refusal::NoCandidate(PlanError::Incapable(_)) => {
                error(StatusCode::BAD_REQUEST, "invalid_request_error").with_code("unsupported_by_model")
            }
            Refusal::NoCandidate(PlanError::Unavailable) | Refusal::OutOfCandidates => {
                error(StatusCode::SERVICE_UNAVAILABLE, "server_error").with_code("no_candidate")
            }
            Refusal::NoCandidate(PlanError::Held(held)) => Self::from_held(&held.failure),
            Refusal::Busy => Self {
                retry_after: Some(BUSY),
                ..error(StatusCode::SERVICE_UNAVAILABLE, "server_error").with_code("overloaded")
            },
            Refusal::Failed(failure) => Self::from_failure(failure),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.envelope())).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
