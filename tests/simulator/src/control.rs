//! The control API: rules in, records and counts out. Must never appear in the records itself.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;

use crate::record::Received;
use crate::rules::{ActiveRule, Rule};
use crate::state::{Snapshot, State};

type Control = Shared<Arc<State>>;

pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/requests", get(requests).delete(forget_requests))
        .route(
            "/rules",
            get(rules).put(replace_rules).post(add_rule).delete(clear_rules),
        )
        .route("/state", get(snapshot))
}

async fn requests(Shared(state): Control) -> Json<Vec<Received>> {
    Json(state.recorder.list())
}

async fn forget_requests(Shared(state): Control) -> StatusCode {
    state.recorder.clear();
    StatusCode::NO_CONTENT
}

async fn rules(Shared(state): Control) -> Json<Vec<ActiveRule>> {
    Json(state.rules.list())
}

async fn replace_rules(Shared(state): Control, Json(rules): Json<Vec<Rule>>) -> StatusCode {
    state.rules.replace(rules);
    StatusCode::NO_CONTENT
}

async fn add_rule(Shared(state): Control, Json(rule): Json<Rule>) -> StatusCode {
    state.rules.add(rule);
    StatusCode::NO_CONTENT
}

async fn clear_rules(Shared(state): Control) -> StatusCode {
    state.rules.replace(Vec::new());
    StatusCode::NO_CONTENT
}

async fn snapshot(Shared(state): Control) -> Json<Snapshot> {
    Json(state.snapshot())
}
