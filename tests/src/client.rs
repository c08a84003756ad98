//! A caller: sends requests as any HTTP client would, and hides nothing of what comes back.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::answer::{Answer, Stream};

/// Somebody with a key, or without one.
#[derive(Debug, Clone)]
pub struct Client {
    url: String,
    authorization: Option<String>,
    headers: Vec<(&'static str, String)>,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

// === impl Client ===

impl Client {
    pub fn new(address: SocketAddr, key: Option<&str>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            url: format!("http://{address}"),
            authorization: key.map(|key| format!("Bearer {key}")),
            headers: Vec::new(),
            pool: Pool::builder(TokioExecutor::new()).build(connector),
        }
    }

    /// Sends this as the header `authorization`.
    #[must_use]
    pub fn authorization(self, value: &str) -> Self {
        Self {
            authorization: Some(value.to_owned()),
            ..self
        }
    }

    /// Sends this header as well.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Bytes::new()).await.whole().await
    }

    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Method::POST, path, body.into()).await.whole().await
    }

    pub async fn chat(&self, request: &Value) -> Answer {
        self.post("/v1/chat/completions", request.to_string()).await
    }

    pub async fn embed(&self, request: &Value) -> Answer {
        self.post("/v1/embeddings", request.to_string()).await
    }

    /// Begins to read a stream; the head has arrived.
    pub async fn stream(&self, request: &Value) -> Stream {
        self.send(Method::POST, "/v1/chat/completions", request.to_string().into())
            .await
    }

    /// Sends and waits for the head of the answer. Dropping what comes back closes the connection.
    pub async fn send(&self, method: Method, path: &str, body: Bytes) -> Stream {
        self.try_send(method, path, body)
            .await
            .expect("the gateway answers")
    }

    /// The same where the gateway may be gone: none without an answer.
    pub async fn try_send(&self, method: Method, path: &str, body: Bytes) -> Option<Stream> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .unwrap();
        self.pool.request(request).await.ok().map(Stream::new)
    }
}
