//! `GET /admin/status`: every account, how it stands and what it does.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::accounts::Status;
use crate::app::Gateway;

pub(super) async fn status(State(gateway): State<Arc<Gateway>>) -> Json<Status> {
    Json(gateway.status())
}
