//! `/admin/config`: what holds, and changes at run time.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::{ChangeError, Changed, Configuration, Edit, Gateway, What};
use crate::config::SettingPath;
use crate::http::error::ApiError;

/// Longest body, in bytes.
const LONGEST: usize = 1 << 20;

/// What one setting is to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    removed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wishes {
    changes: Vec<NamedWish>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedWish {
    path: String,
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    removed: bool,
    #[serde(default)]
    unset: bool,
}

/// Everything that holds, credentials masked, with where it comes from.
pub(super) async fn show(State(gateway): State<Arc<Gateway>>) -> Json<Configuration> {
    Json(gateway.configuration())
}

/// One setting, as `{"value": ...}`, or `{"removed": true}` for what the file has and is not to hold.
pub(super) async fn set(
    State(gateway): State<Arc<Gateway>>,
    Path(path): Path<String>,
    request: Request,
) -> Result<Json<Changed>, ApiError> {
    let wish: Wish = read(request.into_body()).await?;
    let what = what(wish.value, wish.removed, false)?;
    change(&gateway, vec![edit(&path, what)?]).await
}

/// The file's value holds again.
pub(super) async fn unset(
    State(gateway): State<Arc<Gateway>>,
    Path(path): Path<String>,
) -> Result<Json<Changed>, ApiError> {
    change(&gateway, vec![edit(&path, What::Unset)?]).await
}

/// Several settings, all or none: `{"changes": [{"path": ..., "value": ...}, ...]}`, with `"removed": true` or
/// `"unset": true` instead of a value.
pub(super) async fn set_all(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
) -> Result<Json<Changed>, ApiError> {
    let wishes: Wishes = read(request.into_body()).await?;
    if wishes.changes.is_empty() {
        return Err(wrong(
            Some("changes"),
            "changes is empty, so there is nothing to do",
        ));
    }
    let edits = wishes.changes.into_iter().map(|wish| {
        let what = what(wish.value, wish.removed, wish.unset)?;
        edit(&wish.path, what)
    });
    change(&gateway, edits.collect::<Result<_, _>>()?).await
}

async fn change(gateway: &Arc<Gateway>, edits: Vec<Edit>) -> Result<Json<Changed>, ApiError> {
    let first = edits.first().map(|edit| edit.path.to_string());
    for edit in &edits {
        tracing::info!("asked to change {} at run time: {:?}", edit.path, edit.what);
    }
    gateway.change(edits).await.map(Json).map_err(|error| {
        // Why it was refused is for the one who asked: it may repeat what he typed in the wrong place.
        let (status, kind) = match &error {
            ChangeError::Refused(_) | ChangeError::TooMany => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request_error")
            }
            ChangeError::Missing(_) => (StatusCode::NOT_FOUND, "invalid_request_error"),
            ChangeError::Unsealed(_)
            | ChangeError::Unkept(_)
            | ChangeError::NoThread(_)
            | ChangeError::Interrupted(_) => {
                tracing::error!("{error}");
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error")
            }
        };
        ApiError {
            param: first,
            ..ApiError::new(status, kind, error.to_string())
        }
    })
}

fn edit(path: &str, what: What) -> Result<Edit, ApiError> {
    let path: SettingPath = path
        .parse()
        .map_err(|error| wrong(Some("path"), format!("{error}")))?;
    Ok(Edit { path, what })
}

fn what(value: Option<Value>, removed: bool, unset: bool) -> Result<What, ApiError> {
    match (value, removed, unset) {
        (Some(value), false, false) => Ok(What::Set(value)),
        (None, true, false) => Ok(What::Remove),
        (None, false, true) => Ok(What::Unset),
        (None, false, false) => Err(wrong(
            Some("value"),
            "value is missing or null; to remove what the file has, send \"removed\": true",
        )),
        _ => Err(wrong(
            Some("value"),
            "value, removed and unset exclude each other",
        )),
    }
}

async fn read<T: DeserializeOwned>(body: Body) -> Result<T, ApiError> {
    let whole: Bytes = match Limited::new(body, LONGEST).collect().await {
        Ok(whole) => whole.to_bytes(),
        Err(_) => {
            let message = format!("the body broke off, or is longer than {LONGEST} bytes");
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "invalid_request_error",
                message,
            ));
        }
    };
    serde_json::from_slice(&whole).map_err(|error| {
        let message = error.to_string();
        // serde_json puts the field's name between the first two backticks, and names no value of another type.
        let field = message.split('`').nth(1).map(str::to_owned);
        wrong(
            field.as_deref(),
            format!("the body is not what it must be: {message}"),
        )
    })
}

fn wrong(param: Option<&str>, message: impl Into<String>) -> ApiError {
    ApiError {
        param: param.map(str::to_owned),
        ..ApiError::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }
}
