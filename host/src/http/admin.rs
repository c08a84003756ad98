//! `/admin`: what an operator may see and do, with the admin key.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::error::ApiError;
use super::inference::bearer;
use crate::app::{Gateway, Reloaded};
use crate::plugin::{Part, Serves};

/// Every plugin file: what serves, and why the newest version does not.
pub(super) async fn plugins(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    authorize(&gateway, &headers)?;
    let generation = gateway.current();
    let plugins: Vec<Value> = generation.plugins.parts().map(|part| describe(part)).collect();
    Ok(Json(json!({
        "generation": generation.number, "plugins": plugins, "notices": generation.notices,
    })))
}

/// Looks at the disk now. 200 says what is in use afterwards, new or not.
pub(super) async fn reload(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
) -> Result<Json<Reloaded>, ApiError> {
    authorize(&gateway, &headers)?;
    gateway.reload().await.map(Json).map_err(|error| {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            error.to_string(),
        )
    })
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
            Serves::Strategy(strategy) => described["facts"] = strategy.facts().into(),
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
