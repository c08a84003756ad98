//! `/admin/strategies`: who decides for each public model, and moves by hand.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::read;
use crate::app::{Gateway, MoveError};
use crate::http::error::ApiError;
use crate::plugin::Problem;
use crate::route::ActError;
use crate::route::told::{Acted, Strategies};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    /// The public model, whose name may hold slashes.
    model: String,
    action: String,
}

pub(super) async fn list(State(gateway): State<Arc<Gateway>>) -> Json<Strategies> {
    Json(gateway.strategies())
}

/// `{"model": ..., "action": ...}`, an action that the model's own strategy offers.
pub(super) async fn act(State(gateway): State<Arc<Gateway>>, body: Bytes) -> Result<Json<Acted>, ApiError> {
    let wanted: Move = read(&body)?;
    Ok(Json(gateway.move_strategy(&wanted.model, &wanted.action).await?))
}

impl From<MoveError> for ApiError {
    fn from(error: MoveError) -> Self {
        let error = match error {
            MoveError::Lookup(error) => return error.into(),
            MoveError::Act(error) => error,
        };
        let (status, kind) = match &error {
            ActError::NotOffered { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request_error"),
            ActError::NoStrategy(_) | ActError::Missing(..) | ActError::TooSlow => {
                (StatusCode::CONFLICT, "invalid_request_error")
            }
            ActError::Plugin(error) if matches!(error.problem, Problem::Refused(_)) => {
                (StatusCode::CONFLICT, "invalid_request_error")
            }
            ActError::Plugin(_) => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        };
        Self::new(status, kind, error.to_string())
    }
}
