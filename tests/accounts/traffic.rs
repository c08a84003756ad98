//! Callers who ask one thing after the other, whole answers and streams in turn, and what came of each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use http::Method;
use patchbay_tests::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::stage::{Clock, Stage};

#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) model: String,
    pub(crate) asked: Duration,
    pub(crate) ended: Duration,
    /// 0 without an answer.
    pub(crate) status: u16,
    pub(crate) end: End,
    /// In seconds.
    pub(crate) retry_after: Option<u64>,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    Refused,
    /// A stream that ended with an error after its first token.
    Broken,
    /// The gateway was gone.
    Lost,
}

/// Callers at work.
#[derive(Debug)]
pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Vec<Outcome>>>,
}

// === impl Traffic ===

impl Traffic {
    /// Each caller rests for `pause` between two requests and goes through the models in turn.
    pub(crate) fn start(stage: &Stage, callers: usize, pause: Duration, models: &[&'static str]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |number: usize| {
            let (client, clock, stop) = (stage.gateway.client(), stage.clock, stop.clone());
            let models = models.to_vec();
            tokio::spawn(async move {
                let mut outcomes = Vec::new();
                for turn in number.. {
                    if stop.load(Relaxed) {
                        break;
                    }
                    let model = models[turn % models.len()];
                    let streaming = (turn / models.len()).is_multiple_of(2);
                    outcomes.push(ask(&client, clock, model, streaming).await);
                    sleep(pause).await;
                }
                outcomes
            })
        };
        let callers = (0..callers).map(start).collect();
        Self { stop, callers }
    }

    /// Lets every caller finish what is under way.
    pub(crate) async fn finish(self) -> Vec<Outcome> {
        self.stop.store(true, Relaxed);
        let mut outcomes = Vec::new();
        for caller in self.callers {
            outcomes.extend(caller.await.unwrap());
        }
        outcomes
    }
}

pub(crate) fn hello(model: &str, streaming: bool) -> Value {
    json!({"model": model, "stream": streaming, "messages": [{"role": "user", "content": "Hello there"}]})
}

/// Asks once.
pub(crate) async fn ask(client: &Client, clock: Clock, model: &str, streaming: bool) -> Outcome {
    let asked = clock.now();
    let body = hello(model, streaming).to_string().into();
    let begun = client.try_send(Method::POST, "/v1/chat/completions", body).await;
    let (mut status, mut retry_after, mut text, mut end) = (0, None, String::new(), End::Lost);
    if let Some(begun) = begun {
        status = begun.status;
        retry_after = begun.header("retry-after").parse().ok();
        let (body, clean) = begun.raw().await;
        text = String::from_utf8_lossy(&body).into_owned();
        end = match (clean, status) {
            (false, _) => End::Lost,
            (true, 200) if !streaming || text.ends_with("data: [DONE]\n\n") => End::Complete,
            (true, 200) => End::Broken,
            (true, _) => End::Refused,
        };
    }
    Outcome {
        model: model.to_owned(),
        asked,
        ended: clock.now(),
        status,
        end,
        retry_after,
        text,
    }
}

/// Everybody got an answer; streams that broke after a token are forgiven where `broken` says so.
#[track_caller]
pub(crate) fn all_served(outcomes: &[Outcome], broken: bool) {
    let served = |outcome: &&Outcome| match outcome.end {
        End::Complete => true,
        End::Broken => broken,
        End::Refused | End::Lost => false,
    };
    let not: Vec<String> = outcomes
        .iter()
        .filter(|outcome| !served(outcome))
        .map(Outcome::told)
        .collect();
    let shown = &not[..not.len().min(5)];
    assert!(
        not.is_empty(),
        "{} of {} not served: {shown:#?}",
        not.len(),
        outcomes.len()
    );
    assert!(!outcomes.is_empty());
}

// === impl Outcome ===

impl Outcome {
    fn told(&self) -> String {
        let Self {
            model,
            asked,
            ended,
            status,
            end,
            text,
            ..
        } = self;
        format!("{model} at {asked:?}, {end:?} at {ended:?}: {status} {text}")
    }
}
