//! One keep-alive connection of a caller: a request, then all of its reply, then the next.

use std::net::SocketAddr;
use std::pin::pin;

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::answer::{Ask, Guard};
use crate::scene::KEY;

pub(crate) struct Connection {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    body: BytesMut,
    guard: Guard,
}

/// Told of the first bytes of a success while the rest is still to come.
pub(crate) trait Arrivals {
    fn begun(&mut self);
}

impl Arrivals for () {
    fn begun(&mut self) {}
}

// === impl Connection ===

impl Connection {
    /// Connects and drives the connection in the caller's own task: a task for each half would cost this side a
    /// wake-up per message that says nothing about who is measured.
    pub(crate) async fn with<T>(address: SocketAddr, work: impl AsyncFnOnce(Self) -> Result<T>) -> Result<T> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        let connection = Self {
            address,
            sender,
            body: BytesMut::new(),
            guard: Guard::default(),
        };
        let work = pin!(work(connection));
        match select(work, pin!(driver)).await {
            Either::Left((done, _)) => done,
            // The connection has ended; whoever waits for it learns of it now.
            Either::Right((_, work)) => work.await,
        }
    }

    /// Sends the request, reads the whole reply and checks it.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Result<()> {
        self.ask_watched(ask, &mut ()).await
    }

    pub(crate) async fn ask_watched(&mut self, ask: &Ask, arrivals: &mut impl Arrivals) -> Result<()> {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/v1/chat/completions")
            .header(header::HOST, self.address.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {KEY}"))
            .body(Full::new(ask.body.clone()))?;
        self.sender.ready().await.context("the connection was closed")?;
        let mut reply = self.sender.send_request(request).await.context("no reply")?;
        self.body.clear();
        while let Some(frame) = reply.frame().await {
            if let Some(data) = frame.context("the reply broke off")?.data_ref() {
                if self.body.is_empty() && reply.status().is_success() {
                    arrivals.begun();
                }
                self.body.extend_from_slice(data);
            }
        }
        self.guard.check(ask, reply.status(), &self.body)
    }
}
