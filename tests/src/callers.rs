//! Many callers at once, who ask `m` one request after the other and look at every answer: it must be whole, and made
//! by one version of the adapter `relay` and one of the strategy `wayward`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::answer::{Answer, Streamed};
use crate::client::Client;

/// All callers at work.
#[derive(Debug)]
pub struct Callers {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<Seen>>,
}

/// What callers saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub whole_times: Vec<Duration>,
    pub streams: usize,
    /// Sum over all streams.
    pub streaming: Duration,
    /// Versions of adapter and strategy that served together.
    pub pairs: BTreeSet<(String, String)>,
    /// Answers that were not as they must be, in words.
    pub faults: Vec<String>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    expected: String,
    answered: AtomicUsize,
    stop: AtomicBool,
}

// === impl Callers ===

impl Callers {
    /// Every second caller streams. `expected`: what every answer says.
    pub fn start(count: usize, client: &Client, expected: &str) -> Self {
        let shared = Arc::new(Shared {
            client: client.clone(),
            expected: expected.to_owned(),
            answered: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        });
        let tasks = (0..count)
            .map(|number| tokio::spawn(shared.clone().ask(number % 2 == 0)))
            .collect();
        Self { shared, tasks }
    }

    /// Requests that have been answered.
    pub fn answered(&self) -> usize {
        self.shared.answered.load(Relaxed)
    }

    /// Lets every caller finish the request under way.
    pub async fn finish(self) -> Seen {
        self.shared.stop.store(true, Relaxed);
        let mut all = Seen::default();
        for task in self.tasks {
            all.merge(task.await.unwrap());
        }
        all
    }
}

// === impl Shared ===

impl Shared {
    async fn ask(self: Arc<Self>, streaming: bool) -> Seen {
        let request = json!({"model": "m", "stream": streaming, "messages": [{"role": "user", "content": "Hello there"}]});
        let mut seen = Seen::default();
        while !self.stop.load(Relaxed) {
            let started = Instant::now();
            let looked = if streaming {
                let stream = self.client.stream(&request).await.to_end().await;
                seen.streams += 1;
                seen.streaming += started.elapsed();
                self.look_at_stream(&stream)
            } else {
                let answer = self.client.chat(&request).await;
                seen.whole_times.push(started.elapsed());
                self.look_at_whole(&answer)
            };
            match looked {
                Ok(pair) => drop(seen.pairs.insert(pair)),
                Err(fault) => seen.faults.push(fault),
            }
            self.answered.fetch_add(1, Relaxed);
        }
        seen
    }

    fn look_at_whole(&self, answer: &Answer) -> Result<(String, String), String> {
        if answer.status != 200 {
            return Err(format!("{}: {}", answer.status, answer.text()));
        }
        let body = answer.json();
        let said = body["choices"][0]["message"]["content"].as_str();
        self.judge(
            said,
            &[&body["stamp"]],
            answer.header("x-patchbay-adapter"),
            answer.header("x-patchbay-strategy"),
        )
    }

    fn look_at_stream(&self, stream: &Streamed) -> Result<(String, String), String> {
        if stream.status != 200 || !stream.clean || !stream.is_done() {
            return Err(format!(
                "{}, clean: {}: ...{:?}",
                stream.status,
                stream.clean,
                stream.events.last()
            ));
        }
        let (content, chunks) = (stream.content(), stream.chunks());
        let [first, .., last] = &chunks[..] else {
            return Err(format!("{chunks:?}"));
        };
        let stamps = [&first["stamp"], &last["stamp"]];
        self.judge(
            Some(&content),
            &stamps,
            stream.header("x-patchbay-adapter"),
            stream.header("x-patchbay-strategy"),
        )
    }

    /// Header, first and last chunk must agree, and nothing may be missing.
    fn judge(
        &self,
        said: Option<&str>,
        stamps: &[&Value],
        adapter: &str,
        strategy: &str,
    ) -> Result<(String, String), String> {
        if said != Some(&self.expected) {
            return Err(format!("said {said:?}"));
        }
        let version = adapter
            .strip_prefix("relay@")
            .ok_or_else(|| format!("adapter {adapter:?}"))?;
        let ranked = strategy
            .strip_prefix("wayward@")
            .ok_or_else(|| format!("strategy {strategy:?}"))?;
        if stamps.iter().any(|stamp| **stamp != version) {
            return Err(format!("header {version}, stamps {stamps:?}"));
        }
        Ok((version.to_owned(), ranked.to_owned()))
    }
}

// === impl Seen ===

impl Seen {
    pub fn answers(&self) -> usize {
        self.whole_times.len() + self.streams
    }

    pub fn adapters(&self) -> BTreeSet<&str> {
        self.pairs.iter().map(|(adapter, _)| adapter.as_str()).collect()
    }

    pub fn strategies(&self) -> BTreeSet<&str> {
        self.pairs.iter().map(|(_, strategy)| strategy.as_str()).collect()
    }

    fn merge(&mut self, other: Self) {
        self.whole_times.extend(other.whole_times);
        self.streams += other.streams;
        self.streaming += other.streaming;
        self.pairs.extend(other.pairs);
        self.faults.extend(other.faults);
    }
}
