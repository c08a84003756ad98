//! `/admin/decisions`: the latest decisions, and one explained.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};

use crate::app::Gateway;
use crate::decision::Wanted;
use crate::decision::told::{Decisions, Explained};
use crate::http::error::ApiError;

/// The latest, the newest first.
pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Decisions>, ApiError> {
    Ok(Json(gateway.decisions(&wanted?.0)))
}

/// One with all that is known of it.
pub(super) async fn explain(
    State(gateway): State<Arc<Gateway>>,
    request_id: Result<Path<String>, PathRejection>,
) -> Result<Json<Explained>, ApiError> {
    Ok(Json(gateway.explain(&request_id?.0)?))
}
