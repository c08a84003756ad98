//! The 1.0 of every ratio: takes a request, sends it on, and streams the reply back, with the server and the client
//! library that the gateway's own are measured against (axum and hyper-util's pooling client).
//!
//! Must never read, change or decide anything: whatever it did would be missing from what the gateway costs.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{StatusCode, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

struct Upstream {
    client: Client<HttpConnector, Body>,
    authority: Authority,
}

/// Serves until the process is stopped.
pub(crate) async fn serve(listen: SocketAddr, upstream: SocketAddr) -> Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let upstream = Upstream {
        client: Client::builder(TokioExecutor::new()).build(connector),
        authority: upstream
            .to_string()
            .parse()
            .context("not an address to connect to")?,
    };
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    let listener = listener.tap_io(|connection| {
        // Fails only on a connection that is gone already.
        let _ = connection.set_nodelay(true);
    });
    axum::serve(
        listener,
        Router::new().fallback(forward).with_state(Arc::new(upstream)),
    )
    .await?;
    Ok(())
}

async fn forward(State(upstream): State<Arc<Upstream>>, request: Request) -> Response {
    match upstream.client.request(upstream.readdress(request)).await {
        Ok(reply) => reply.map(Body::new),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

// === impl Upstream ===

impl Upstream {
    fn readdress(&self, mut request: Request) -> Request {
        let path = request.uri().path_and_query().cloned();
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(self.authority.clone());
        uri.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        if let Ok(uri) = Uri::from_parts(uri) {
            *request.uri_mut() = uri;
        }
        request.headers_mut().remove(header::HOST);
        request
    }
}
