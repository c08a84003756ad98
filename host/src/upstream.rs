//! Requests to vendors: put together, sent, and their replies read piece by piece.
//!
//! The only module that knows reqwest, and the only one that writes credentials onto the wire. Never follows a
//! redirect: that would carry a credential to an address nobody granted.

mod ask;
mod compose;
mod error;
mod framing;

use std::time::Duration;

use bytes::{Bytes, BytesMut};

pub use ask::{AskError, Asked, Question, ask};
pub use compose::compose;
pub use framing::{Framer, FramingError};

use tokio::time::timeout;

use crate::failure::{Failure, Scope};
use crate::plugin::{Framing, Head};

/// Longest whole reply, in bytes.
const WHOLE_REPLY: usize = 64 << 20;
/// Idle connections kept for each host.
const IDLE_PER_HOST: usize = 1024;

/// The pool of connections to all vendors.
#[derive(Debug, Clone)]
pub struct Upstream {
    client: reqwest::Client,
    connect: Duration,
}

/// A request that holds credentials: it can be sent but not looked into.
pub struct Composed(reqwest::Request);

/// A reply whose head has arrived.
#[derive(Debug)]
pub struct UpstreamReply {
    response: reqwest::Response,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot set up the HTTP client: {0}")]
pub struct UpstreamError(reqwest::Error);

// === impl Upstream ===

impl Upstream {
    /// `connect`: how long a connection may take to stand, TLS included.
    pub fn new(connect: Duration) -> Result<Self, UpstreamError> {
        let client = Self::builder(connect).build().map_err(UpstreamError)?;
        Ok(Self { client, connect })
    }

    fn builder(connect: Duration) -> reqwest::ClientBuilder {
        // Fails if a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .connect_timeout(connect)
            .redirect(reqwest::redirect::Policy::none())
            // Nobody is asked to compress (see `compose`), but some servers do so anyway.
            .gzip(true)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .user_agent(concat!("patchbay/", env!("CARGO_PKG_VERSION")))
    }

    /// Sends and waits for the head of the reply, at most for `first_byte`. Dropping the future, or the reply, stops
    /// the work upstream.
    pub async fn send(
        &self,
        request: Composed,
        first_byte: Option<Duration>,
    ) -> Result<UpstreamReply, Failure> {
        let reply = self.client.execute(request.0);
        let answered = match first_byte {
            None => reply.await,
            Some(longest) => timeout(longest, reply).await.map_err(|_| {
                Failure::timeout(Scope::Endpoint, "no reply from the vendor", "first_byte", longest)
            })?,
        };
        let response = answered.map_err(|error| error::unanswered(error, self.connect))?;
        Ok(UpstreamReply { response })
    }
}

impl std::fmt::Debug for Composed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Composed")
            .field("method", self.0.method())
            .finish_non_exhaustive()
    }
}

// === impl UpstreamReply ===

impl UpstreamReply {
    pub fn is_success(&self) -> bool {
        self.response.status().is_success()
    }

    /// Whether the content type is the one this framing is sent as.
    pub fn is_framed_as(&self, framing: Framing) -> bool {
        let content_type = self.response.headers().get(http::header::CONTENT_TYPE);
        let media_type = content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let media_type = media_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match framing {
            Framing::Whole => false,
            Framing::Sse => media_type == "text/event-stream",
            Framing::Ndjson => {
                matches!(
                    media_type.as_str(),
                    "application/x-ndjson" | "application/jsonl" | "application/ndjson"
                )
            }
        }
    }

    /// Status and headers. Values that are not text are left out.
    pub fn head(&self) -> Head {
        let headers = self.response.headers().iter();
        Head {
            status: self.response.status().as_u16(),
            headers: headers
                .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
                .collect(),
        }
    }

    /// The next bytes, or none at a proper end.
    pub async fn read(&mut self) -> Result<Option<Bytes>, Failure> {
        self.response.chunk().await.map_err(error::broken)
    }

    /// All of it. `idle`: the longest time in which nothing comes.
    pub async fn read_whole(&mut self, idle: Option<Duration>) -> Result<Bytes, Failure> {
        let Some(first) = self.read_within(idle).await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.read_within(idle).await? else {
            return Ok(first);
        };
        let mut whole = BytesMut::from(first);
        whole.extend_from_slice(&second);
        while let Some(more) = self.read_within(idle).await? {
            if whole.len() + more.len() > WHOLE_REPLY {
                return Err(Failure::malformed(format!(
                    "the reply is longer than {WHOLE_REPLY} bytes"
                )));
            }
            whole.extend_from_slice(&more);
        }
        Ok(whole.freeze())
    }

    async fn read_within(&mut self, idle: Option<Duration>) -> Result<Option<Bytes>, Failure> {
        match idle {
            None => self.read().await,
            Some(longest) => timeout(longest, self.read()).await.unwrap_or_else(|_| {
                let what = "nothing more of the vendor's reply";
                Err(Failure::timeout(Scope::Endpoint, what, "idle", longest))
            }),
        }
    }
}
