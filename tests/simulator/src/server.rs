//! Accepts connections and serves each in its own task. Dropping the server drops them all, in the
//! middle of whatever they do. Must never know what is served.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::state::State;

/// The pause after a failed accept; it fails when file descriptors run out and would fail again at once.
const BREATH: Duration = Duration::from_millis(10);

/// Counts an open connection for as long as it lives.
struct Open(Arc<State>);

pub(crate) async fn serve(listener: TcpListener, router: Router, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone(), Open::new(&state)));
                }
                Err(_) => tokio::time::sleep(BREATH).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, router: Router, open: Open) {
    // Without it a stream's events could wait for the acknowledgement of the previous ones; where it
    // cannot be set, the connection is gone already.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    // An error here is an ordinary end: the caller left, or a rule cut the connection.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    drop(open);
}

// === impl Open ===

impl Open {
    fn new(state: &Arc<State>) -> Self {
        state.connections.fetch_add(1, Relaxed);
        Self(Arc::clone(state))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}
