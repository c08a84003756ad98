//! `/admin/keys`: the state of accounts, one by one, and what can be done about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::read;
use crate::accounts::{Analysis, Changed, Checked, Keys};
use crate::app::{Gateway, Which};
use crate::config::Secret;
use crate::http::error::ApiError;
use crate::pool::Report;

/// Events that are shown of an account, unless told otherwise.
const HISTORY: usize = 20;
const DAYS: u32 = 7;
/// The longest time to report on: more is hardly ever kept.
const MOST_DAYS: u32 = 366;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    vendor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct How {
    /// So many events.
    history: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Period {
    days: Option<u32>,
}

/// One of both.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    vendor: Option<String>,
    #[serde(default)]
    all: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    /// None is the account with all of its models.
    model: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stranger {
    vendor: String,
    /// By credential field.
    credentials: BTreeMap<String, String>,
}

type Named = Result<Path<(String, String)>, PathRejection>;

pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    query: Result<Query<Of>, QueryRejection>,
) -> Result<Json<Keys>, ApiError> {
    let Query(of) = query?;
    Ok(Json(gateway.keys(of.vendor.as_deref())?))
}

pub(super) async fn analyze(
    State(gateway): State<Arc<Gateway>>,
    named: Named,
    query: Result<Query<How>, QueryRejection>,
) -> Result<Json<Analysis>, ApiError> {
    let (Path((vendor, account)), Query(how)) = (named?, query?);
    let analysis = gateway.analysis(&vendor, &account, how.history.unwrap_or(HISTORY));
    Ok(Json(analysis.await?))
}

pub(super) async fn report(
    State(gateway): State<Arc<Gateway>>,
    query: Result<Query<Period>, QueryRejection>,
) -> Result<Json<Report>, ApiError> {
    let days = query?.0.days.unwrap_or(DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(bad(format!("days must be from 1 to {MOST_DAYS}")));
    }
    Ok(Json(gateway.key_report(days).await?))
}

pub(super) async fn recheck_many(
    State(gateway): State<Arc<Gateway>>,
    body: Bytes,
) -> Result<Json<Changed>, ApiError> {
    let many: Many = read(&body)?;
    let which = match (&many.vendor, many.all) {
        (Some(vendor), false) => Which::Vendor(vendor),
        (None, true) => Which::All,
        (Some(_), true) | (None, false) => {
            return Err(bad("say which: {\"vendor\": \"NAME\"} or {\"all\": true}"));
        }
    };
    Ok(Json(gateway.recheck(which).await?))
}

pub(super) async fn recheck(
    State(gateway): State<Arc<Gateway>>,
    named: Named,
    body: Bytes,
) -> Result<Json<Changed>, ApiError> {
    let (Path((vendor, account)), one) = (named?, read::<One>(&body)?);
    Ok(Json(gateway.recheck(one.of(&vendor, &account)).await?))
}

/// Back to service, by hand.
pub(super) async fn reset(
    State(gateway): State<Arc<Gateway>>,
    named: Named,
    body: Bytes,
) -> Result<Json<Changed>, ApiError> {
    let (Path((vendor, account)), one) = (named?, read::<One>(&body)?);
    Ok(Json(gateway.reset(one.of(&vendor, &account))?))
}

/// Credentials that belong to no account. Whatever is wrong with the body is said without a word of it.
pub(super) async fn check(
    State(gateway): State<Arc<Gateway>>,
    body: Bytes,
) -> Result<Json<Checked>, ApiError> {
    let stranger: Stranger = serde_json::from_slice(&body).map_err(|_| {
        bad("the body must be {\"vendor\": \"NAME\", \"credentials\": {\"FIELD\": \"TEXT\", ...}}")
    })?;
    let credentials = stranger.credentials.into_iter();
    let credentials = credentials.map(|(field, text)| (field, Secret::new(text)));
    Ok(Json(
        gateway.check(&stranger.vendor, credentials.collect()).await?,
    ))
}

fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
}

// === impl One ===

impl One {
    fn of<'a>(&'a self, vendor: &'a str, account: &'a str) -> Which<'a> {
        Which::Account {
            vendor,
            account,
            model: self.model.as_deref(),
        }
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        bad(rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        bad(rejection.body_text())
    }
}
