//! A gateway's own API, as the command line asks it.
//!
//! The key goes to the one address that was named: no redirect is followed, and no proxy asked for this machine's own.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use url::{Host, Url};

use super::error::cause;
use super::{Upstream, UpstreamReply};

/// Until the gateway is reached.
const CONNECT: Duration = Duration::from_secs(2);
/// Until its answer is there. It may have to ask vendors before it can answer.
const WHOLE: Duration = Duration::from_secs(120);

/// What a gateway is asked.
#[derive(Debug)]
pub struct Question<'a> {
    pub method: Method,
    pub url: Url,
    /// The admin key.
    pub bearer: &'a str,
    /// A JSON document.
    pub body: Option<Vec<u8>>,
}

/// Status and body, of at most 64 MiB.
#[derive(Debug)]
pub struct Asked {
    pub status: u16,
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is there.
    #[error("{0}")]
    Unreached(String),
    #[error("no answer within {} s", WHOLE.as_secs())]
    Late,
    #[error("{0}")]
    Broken(String),
}

/// Asks once.
///
/// # Errors
///
/// Why there is no answer; whatever status one has is none.
pub async fn ask(question: Question<'_>) -> Result<Asked, AskError> {
    let client = client(&question.url)?;
    let mut request = client
        .request(question.method, question.url)
        .bearer_auth(question.bearer)
        .timeout(WHOLE);
    if let Some(body) = question.body {
        request = request
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body);
    }
    let response = request.send().await.map_err(unanswered)?;
    let status = response.status().as_u16();
    let mut reply = UpstreamReply { response };
    let body = reply.read_whole(None).await;
    let body = body.map_err(|failure| AskError::Broken(failure.message))?;
    Ok(Asked { status, body })
}

fn client(url: &Url) -> Result<reqwest::Client, AskError> {
    let own = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let builder = Upstream::builder(CONNECT);
    let builder = if own { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| AskError::Broken(cause(error)))
}

fn unanswered(error: reqwest::Error) -> AskError {
    // A connection that takes too long is a timeout as well.
    if error.is_connect() {
        AskError::Unreached(cause(error))
    } else if error.is_timeout() {
        AskError::Late
    } else {
        AskError::Broken(cause(error))
    }
}
