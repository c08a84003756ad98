//! `/v1`: OpenAI's API, so that its clients work unchanged.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Value, json};

use super::error::ApiError;
use crate::app::Gateway;
use crate::chat::Operation;
use crate::pipeline::{Incoming, Refusal, Reply, Served, Wishes, serve};
use crate::stream::{CallerStream, KeptAlive};
use crate::usage::Trail;

/// What requests may say of how they want to be routed.
const TAGS: &str = "x-patchbay-tags";
const STRATEGY: &str = "x-patchbay-strategy";

pub(super) async fn chat(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    respond(&gateway, Operation::Chat, request).await
}

pub(super) async fn embeddings(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    respond(&gateway, Operation::Embeddings, request).await
}

/// The public models this key may use.
pub(super) async fn models(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let generation = gateway.current();
    let caller = generation
        .authenticate(bearer(&headers))
        .ok_or(&Refusal::Unauthenticated)?;
    let visible = generation.routes().filter(|route| caller.may_use(&route.name));
    let data: Vec<Value> = visible.map(|route| describe(&route.name)).collect();
    Ok(Json(json!({ "object": "list", "data": data })))
}

pub(super) async fn model(
    State(gateway): State<Arc<Gateway>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let generation = gateway.current();
    let caller = generation
        .authenticate(bearer(&headers))
        .ok_or(&Refusal::Unauthenticated)?;
    match generation
        .route(&name)
        .filter(|route| caller.may_use(&route.name))
    {
        Some(route) => Ok(Json(describe(&route.name))),
        None => Err((&Refusal::UnknownModel(name)).into()),
    }
}

fn describe(name: &str) -> Value {
    json!({ "id": name, "object": "model", "created": 0, "owned_by": "patchbay" })
}

async fn respond(gateway: &Gateway, operation: Operation, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = read(body, gateway.current().settings.server.max_body);
    let incoming = Incoming {
        operation,
        key: bearer(&parts.headers),
        wishes: Wishes {
            tags: value(&parts.headers, TAGS),
            strategy: value(&parts.headers, STRATEGY),
        },
        body,
    };
    let Served { trail, reply } = serve(gateway, incoming).await;
    let mut response = match reply {
        Ok(Reply::Whole(body)) => ([(header::CONTENT_TYPE, JSON)], body).into_response(),
        Ok(Reply::Stream(stream)) => event_stream(*stream, gateway.current().settings.server.keep_alive),
        Err(refusal) => ApiError::from(&refusal).into_response(),
    };
    mark(response.headers_mut(), &trail);
    response
}

async fn read(body: Body, most: usize) -> Result<Bytes, Refusal> {
    match Limited::new(body, most).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::TooLong(most)),
        Err(_) => Err(Refusal::Incomplete),
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// `keep_alive`: the longest silence that the caller is left in.
fn event_stream(stream: CallerStream, keep_alive: Option<Duration>) -> Response {
    // Whoever was answered before there was a token has waited so long already.
    let waited = keep_alive.filter(|_| stream.is_opening()).unwrap_or_default();
    let frames = stream::unfold(stream, async |mut stream| {
        let frames = stream.next().await?;
        Some((frames, stream))
    });
    let frames = KeptAlive::new(frames, keep_alive, waited).map(Ok::<Bytes, Infallible>);
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        // Asks nginx and its like not to buffer.
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    (headers, Body::from_stream(frames)).into_response()
}

/// Who served the request, for whoever has to find out why.
fn mark(headers: &mut HeaderMap, trail: &Trail) {
    for (name, value) in trail.marks() {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    headers.get(name).map(HeaderValue::as_bytes)
}

/// The key in `Authorization: Bearer KEY`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, key) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
}
