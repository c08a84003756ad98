//! An HTTP client for these tests. Must never hide how a body ended.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use patchbay_simulator::{Rule, Simulator};
use serde_json::{Value, json};

/// Long enough for whatever must happen, short enough to fail a test that hangs.
pub(crate) const SOON: Duration = Duration::from_secs(5);

pub(crate) struct Client {
    url: String,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

/// An answer read to its end, whatever that was.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// What arrived of the body, one entry per write of the server as far as the socket kept them apart.
    pub(crate) frames: Vec<Bytes>,
    /// How long after the request each frame arrived.
    pub(crate) times: Vec<Duration>,
    /// Whether the body ended as HTTP says it must.
    pub(crate) clean: bool,
}

pub(crate) async fn simulator(rules: impl IntoIterator<Item = Rule>) -> (Simulator, Client) {
    let simulator = Simulator::start("127.0.0.1:0").await.unwrap();
    simulator.set_rules(rules.into_iter().collect());
    let client = Client::new(simulator.url());
    (simulator, client)
}

/// A chat request that says hello, with `extra` fields.
pub(crate) fn hello(extra: &Value) -> Value {
    let mut request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello there"}]});
    request
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    request
}

pub(crate) fn streamed() -> Value {
    hello(&json!({"stream": true}))
}

// === impl Client ===

impl Client {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            pool: Pool::builder(TokioExecutor::new()).build_http(),
        }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> http::Response<Incoming> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.pool
            .request(request.body(Full::from(body)).unwrap())
            .await
            .unwrap()
    }

    /// Posts JSON to `path` as `account` and reads the whole answer.
    pub(crate) async fn post(&self, path: &str, account: &str, body: &Value) -> Answer {
        let start = Instant::now();
        let bearer = format!("Bearer {account}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let response = self.send(Method::POST, path, &headers, body.to_string()).await;
        Answer::read(response, start).await
    }

    pub(crate) async fn chat(&self, account: &str, body: &Value) -> Answer {
        self.post("/v1/chat/completions", account, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let start = Instant::now();
        Answer::read(self.send(Method::GET, path, &[], String::new()).await, start).await
    }
}

// === impl Answer ===

impl Answer {
    async fn read(response: http::Response<Incoming>, start: Instant) -> Self {
        let (parts, mut body) = response.into_parts();
        let (mut frames, mut times, mut clean) = (Vec::new(), Vec::new(), true);
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                clean = false;
                break;
            };
            frames.push(frame.into_data().unwrap());
            times.push(start.elapsed());
        }
        Self {
            status: parts.status,
            headers: parts.headers,
            frames,
            times,
            clean,
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.frames.concat()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The data of a stream's events, as sent.
    pub(crate) fn data(&self) -> Vec<String> {
        let text = self.text();
        let events = text.split("\n\n").filter(|event| !event.is_empty());
        events
            .map(|event| event.strip_prefix("data: ").unwrap().to_owned())
            .collect()
    }

    /// The chunks of a stream, without the end mark.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        let data = self.data();
        let chunks = data.iter().filter(|data| *data != "[DONE]");
        chunks.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// The text a stream says for one choice.
    pub(crate) fn said(&self, choice: usize) -> String {
        let chunks = self.chunks();
        let choices = chunks
            .iter()
            .flat_map(|chunk| chunk["choices"].as_array().unwrap());
        let deltas = choices
            .filter(|at| at["index"] == choice)
            .map(|at| at["delta"]["content"].as_str());
        deltas.flatten().collect()
    }
}
