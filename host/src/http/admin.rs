//! `/admin`: what an operator may see and do, with the admin key, which is asked for in one place for all of it.

mod config;
mod decisions;
mod keys;
mod plugins;
mod status;
mod strategies;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post, put};
use serde::de::DeserializeOwned;

use super::error::ApiError;
use super::inference::bearer;
use crate::app::{Gateway, LookupError, ProbeError};
use crate::storage::StorageError;

pub(super) fn routes(gateway: &Arc<Gateway>) -> Router<Arc<Gateway>> {
    Router::new()
        .route("/admin/plugins", get(plugins::plugins))
        .route("/admin/reload", post(plugins::reload))
        .route("/admin/config", get(config::show).post(config::set_all))
        .route("/admin/config/{*path}", put(config::set).delete(config::unset))
        .route("/debug/config", get(config::show))
        .route("/admin/decisions", get(decisions::list))
        .route("/admin/decisions/{request_id}", get(decisions::explain))
        .route("/admin/strategies", get(strategies::list))
        .route("/admin/strategies/act", post(strategies::act))
        .route("/admin/status", get(status::status))
        .route("/admin/keys", get(keys::list))
        .route("/admin/keys/report", get(keys::report))
        .route("/admin/keys/check", post(keys::check))
        .route("/admin/keys/recheck", post(keys::recheck_many))
        .route("/admin/keys/{vendor}/{account}", get(keys::analyze))
        .route("/admin/keys/{vendor}/{account}/recheck", post(keys::recheck))
        .route("/admin/keys/{vendor}/{account}/reset", post(keys::reset))
        .route_layer(middleware::from_fn_with_state(gateway.clone(), with_admin_key))
}

async fn with_admin_key(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    authorize(&gateway, request.headers())?;
    Ok(next.run(request).await)
}

fn authorize(gateway: &Gateway, headers: &HeaderMap) -> Result<(), ApiError> {
    let generation = gateway.current();
    let Some(admin) = &generation.settings.server.admin_key else {
        let message = "the admin API is off; set server.admin_key in the configuration";
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "invalid_request_error",
            message,
        ));
    };
    if bearer(headers).is_some_and(|presented| admin.matches(presented)) {
        return Ok(());
    }
    let message = "the admin key is missing or wrong; send it as `Authorization: Bearer KEY`";
    Err(ApiError::new(
        StatusCode::UNAUTHORIZED,
        "invalid_request_error",
        message,
    ))
}

/// The JSON document of a request; nothing at all is an empty object.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("the body cannot be used: {error}");
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    })
}

impl From<LookupError> for ApiError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Unknown(message) => {
                Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message)
            }
            LookupError::Probe(error) => error.into(),
            LookupError::Storage(error) => error.into(),
        }
    }
}

impl From<ProbeError> for ApiError {
    fn from(error: ProbeError) -> Self {
        let (status, kind) = match &error {
            ProbeError::Unknown { .. } | ProbeError::UnknownVendor(_) => {
                (StatusCode::NOT_FOUND, "invalid_request_error")
            }
            ProbeError::Unfit(_) => (StatusCode::BAD_REQUEST, "invalid_request_error"),
            ProbeError::Disabled { .. } | ProbeError::UnderWay => {
                (StatusCode::CONFLICT, "invalid_request_error")
            }
            ProbeError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "server_error"),
        };
        Self::new(status, kind, error.to_string())
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            error.to_string(),
        )
    }
}
