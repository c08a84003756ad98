//! Those who have nothing to do with it: callers of another vendor, through another plugin. Every answer is looked
//! at, and how long each took.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use patchbay_tests::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

const CALLERS: usize = 4;
/// 99 of 100 answers take no longer, whatever the attack: a worker gives its tasks away at the second tick of 5 ms, which
/// may happen to a request on its way in and again on its way out, and a shared machine does not let it run at once.
const LONGEST: Duration = Duration::from_millis(60);
/// And none takes longer than this: all of them standing still once is too few to count among 100.
const LONGEST_EVER: Duration = Duration::from_millis(400);
/// From fewer answers nothing can be told.
const FEWEST: usize = 20;
/// Between two requests of one caller: they are to be served, not to fill the machine.
const PAUSE: Duration = Duration::from_millis(2);

/// Innocent callers at work, every second of whom streams.
pub(crate) struct Innocents {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Seen>>,
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) times: Vec<Duration>,
    /// Answers that were not as they must be.
    pub(crate) faults: Vec<String>,
}

// === impl Innocents ===

impl Innocents {
    /// `expected`: what every answer says.
    pub(crate) fn start(client: &Client, expected: &'static str) -> Self {
        let stop: Arc<AtomicBool> = Arc::default();
        let tasks = (0..CALLERS)
            .map(|number| tokio::spawn(ask(client.clone(), number % 2 == 0, expected, stop.clone())));
        let tasks = tasks.collect();
        Self { stop, tasks }
    }

    /// Lets each finish the request under way.
    pub(crate) async fn finish(self) -> Seen {
        self.stop.store(true, Relaxed);
        let mut all = Seen::default();
        for task in self.tasks {
            match task.await {
                Ok(seen) => {
                    all.times.extend(seen.times);
                    all.faults.extend(seen.faults);
                }
                Err(died) => all.faults.push(format!("an answer could not be read: {died}")),
            }
        }
        all.times.sort();
        all
    }
}

async fn ask(client: Client, streaming: bool, expected: &str, stop: Arc<AtomicBool>) -> Seen {
    let request =
        json!({"model": "good", "stream": streaming, "messages": [{"role": "user", "content": "Hello"}]});
    let mut seen = Seen::default();
    while !stop.load(Relaxed) {
        let started = Instant::now();
        let looked = if streaming {
            stream(&client, &request, expected).await
        } else {
            whole(&client, &request, expected).await
        };
        seen.times.push(started.elapsed());
        seen.faults.extend(looked.err());
        sleep(PAUSE).await;
    }
    seen
}

async fn whole(client: &Client, request: &Value, expected: &str) -> Result<(), String> {
    let answer = client.chat(request).await;
    if answer.status != 200 {
        return Err(format!("{}: {}", answer.status, answer.text()));
    }
    judge(
        &answer.content(),
        &[&answer.json()["stamp"]],
        answer.header("x-patchbay-adapter"),
        expected,
    )
}

async fn stream(client: &Client, request: &Value, expected: &str) -> Result<(), String> {
    let stream = client.stream(request).await.to_end().await;
    let chunks = stream.chunks();
    let [first, .., last] = &chunks[..] else {
        return Err(format!("{}: {chunks:?}", stream.status));
    };
    if stream.status != 200 || !stream.clean || !stream.is_done() {
        return Err(format!(
            "{}, clean: {}, ended with {last}",
            stream.status, stream.clean
        ));
    }
    let stamps = [&first["stamp"], &last["stamp"]];
    judge(
        &stream.content(),
        &stamps,
        stream.header("x-patchbay-adapter"),
        expected,
    )
}

/// The words are the vendor's, and one version of the adapter has made all of it.
fn judge(said: &str, stamps: &[&Value], adapter: &str, expected: &str) -> Result<(), String> {
    let version = adapter.strip_prefix("innocent@").unwrap_or_default();
    if said == expected && stamps.iter().all(|stamp| **stamp == version) {
        Ok(())
    } else {
        Err(format!("{adapter} said {said:?}, stamped {stamps:?}"))
    }
}

// === impl Seen ===

impl Seen {
    /// They were kept waiting for longer than anybody may be.
    pub(crate) fn waited(&self) -> bool {
        self.p99() > LONGEST || self.longest() > LONGEST_EVER
    }

    /// What was not as it must be. `calm`: how long 99 of 100 answers took without the attack.
    pub(crate) fn complaints(&self, calm: Duration) -> Vec<String> {
        let mut complaints: Vec<String> = self.faults.iter().take(3).cloned().collect();
        if self.faults.len() > 3 {
            complaints.push(format!(
                "{} innocents in all got a wrong answer",
                self.faults.len()
            ));
        }
        if self.times.len() < FEWEST {
            complaints.push(format!("only {} innocents were served", self.times.len()));
        }
        if self.waited() {
            complaints.push(format!(
                "innocents waited {:.1?} (99 of 100) and {:.1?} at the longest, without the attack {calm:.1?} (99 of \
                 100); at most {LONGEST:?} and {LONGEST_EVER:?}",
                self.p99(),
                self.longest()
            ));
        }
        complaints
    }

    fn longest(&self) -> Duration {
        self.times.last().copied().unwrap_or_default()
    }

    /// What 99 of 100 did not exceed.
    pub(crate) fn p99(&self) -> Duration {
        let last = self.times.len().saturating_sub(1);
        self.times.get(last * 99 / 100).copied().unwrap_or_default()
    }
}
