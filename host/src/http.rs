//! The listener: routes, who may use them, and how answers and refusals look on the wire.
//!
//! The only module that knows axum. Takes no decision about a request; that is the pipeline's.

mod admin;
mod error;
mod inference;
mod ops;
mod status;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use tokio::net::{TcpListener, TcpSocket};

pub use error::error_event;

use crate::app::Gateway;

/// Connections that may wait to be accepted: the system's usual most. With fewer, a rush of callers waits seconds
/// for its connections to be tried again.
const BACKLOG: u32 = 4096;

/// Opens the port.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop` resolves; then takes no new connections and returns when the requests under way are done.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // Without it, a small frame waits for the acknowledgement of the one before: 40 ms on many systems.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!("cannot set TCP_NODELAY: {error}");
        }
    });
    axum::serve(listener, router(gateway))
        .with_graceful_shutdown(stop)
        .await
}

fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(inference::chat))
        .route("/v1/embeddings", post(inference::embeddings))
        .route("/v1/models", get(inference::models))
        .route("/v1/models/{*model}", get(inference::model))
        .route("/healthz", get(ops::healthy))
        .route("/readyz", get(ops::ready))
        .route("/metrics", get(ops::metrics))
        .route("/api/v1/status/health", get(status::health))
        .route("/api/v1/status/performance", get(status::performance))
        .merge(admin::routes(&gateway))
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .with_state(gateway)
}
