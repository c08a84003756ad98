//! For whatever runs the gateway: is it alive, should it get traffic, what does it count.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use crate::app::Gateway;

/// The process answers.
pub(super) async fn healthy() -> &'static str {
    "ok\n"
}

/// 200 while there is a candidate and the gateway is not draining, else 503.
pub(super) async fn ready(State(gateway): State<Arc<Gateway>>) -> impl IntoResponse {
    if gateway.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: draining, or no candidate is available; see the log\n",
        )
    }
}

pub(super) async fn metrics(State(gateway): State<Arc<Gateway>>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        gateway.metrics(),
    )
}
