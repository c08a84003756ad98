//! Accepts connections and serves each in its own task. Dropping the server drops them all, in the
//! middle of whatever they do. Must never know what is served.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::state::State;
use crate::wire::{Socket, Wire, Wired};

/// The pause after a failed accept; it fails when file descriptors run out and would fail again at once.
const BREATH: Duration = Duration::from_millis(10);

/// What answers the requests of all connections.
pub(crate) trait App: Clone + Send + Sync + 'static {
    fn answer(&self, wire: &Arc<Wire>, request: Request<Incoming>) -> impl Future<Output = Response> + Send;
}

/// What a connection is led through before HTTP is spoken.
#[derive(Clone)]
pub(crate) enum Door {
    Plain,
    Tls {
        acceptor: TlsAcceptor,
        /// The pause before the handshake; without one there is never a handshake.
        delay: Option<Duration>,
    },
}

/// A connection is counted as open for as long as this lives.
struct Open {
    state: Arc<State>,
    wire: Arc<Wire>,
}

pub(crate) async fn serve(listener: TcpListener, door: Door, app: impl App, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(enter(stream, door.clone(), app.clone(), Open::new(&state)));
                }
                Err(_) => tokio::time::sleep(BREATH).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn enter(mut stream: TcpStream, door: Door, app: impl App, open: Open) {
    // Without it a stream's events could wait for the acknowledgement of the previous ones; where it
    // cannot be set, the connection is gone already.
    let _ = stream.set_nodelay(true);
    let wire = Arc::clone(&open.wire);
    match door {
        Door::Plain => speak(stream, app, wire).await,
        Door::Tls { delay: None, .. } => {
            // Reading on is how the caller's leaving is noticed, and that is the only end there is.
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        }
        Door::Tls {
            acceptor,
            delay: Some(delay),
        } => {
            tokio::time::sleep(delay).await;
            if let Ok(stream) = acceptor.accept(stream).await {
                speak(stream, app, wire).await;
            }
        }
    }
    drop(open);
}

/// Speaks HTTP until either side has enough, or an exchange has the connection reset.
async fn speak(stream: impl Socket, app: impl App, wire: Arc<Wire>) {
    let stream = Wired::new(stream, Arc::clone(&wire));
    let service = service_fn(async |request| Ok::<_, Infallible>(app.answer(&wire, request).await));
    let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    poll_fn(|context| {
        // An error here is an ordinary end: the caller left, or a rule cut the connection.
        let ended = connection.as_mut().poll(context).is_ready();
        if ended || wire.is_reset() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

// === impl Open ===

impl Open {
    fn new(state: &Arc<State>) -> Self {
        state.connections.fetch_add(1, Relaxed);
        let wire = Arc::new(Wire::new(state.accepted.fetch_add(1, Relaxed) + 1));
        let state = Arc::clone(state);
        Self { state, wire }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.wire.closed.get_or_init(|| self.state.now());
        self.state.connections.fetch_sub(1, Relaxed);
    }
}
