//! `/admin/plugins` and `/admin/reload`: what serves, and why something newer does not.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::app::{Gateway, Reloaded};
use crate::http::error::ApiError;
use crate::plugin::{Part, Serves};

/// Every plugin file: what serves, and why the newest version does not.
pub(super) async fn plugins(State(gateway): State<Arc<Gateway>>) -> Result<Json<Value>, ApiError> {
    let generation = gateway.current();
    let plugins: Vec<Value> = generation.plugins.parts().map(|part| describe(part)).collect();
    Ok(Json(json!({
        "generation": generation.number, "plugins": plugins, "notices": generation.notices,
    })))
}

/// Looks at the disk now. 200 says what is in use afterwards, new or not.
pub(super) async fn reload(State(gateway): State<Arc<Gateway>>) -> Result<Json<Reloaded>, ApiError> {
    gateway.reload().await.map(Json).map_err(|error| {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            error.to_string(),
        )
    })
}

fn describe(part: &Part) -> Value {
    let mut described = json!({
        "name": part.name,
        "sha256": part.seen,
        "state": state(part),
        "problem": part.problem,
    });
    if let Some(plugin) = &part.plugin {
        described["kind"] = plugin.kind().into();
        described["serving"] = plugin.identity().into();
        described["serving_sha256"] = plugin.origin.sha256.clone().into();
        described["contract"] = plugin.origin.contract.into();
        described["hot_path"] = (!plugin.is_slow()).into();
        match &plugin.serves {
            Serves::Adapter(adapter) => {
                described["vendor"] = adapter.description().vendor.clone().into();
                described["operations"] = adapter.description().operations.clone().into();
            }
            Serves::Strategy(strategy) => {
                described["facts"] = strategy.facts().into();
                described["actions"] = strategy.actions().into();
            }
        }
    }
    described
}

/// "serving": the newest content serves. "kept": an older one does. "rolled back": the newest one was taken back.
/// "compiling": it will serve soon. "failed": none serves.
fn state(part: &Part) -> &'static str {
    match (&part.plugin, &part.problem) {
        (None, _) if part.compiling => "compiling",
        (None, _) => "failed",
        (Some(_), None) => "serving",
        (Some(_), Some(_)) if part.taken_back => "rolled back",
        (Some(_), Some(_)) => "kept",
    }
}
