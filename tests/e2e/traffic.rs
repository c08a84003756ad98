//! Callers who go on asking while something else happens, and who must not notice it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use patchbay_tests::{Client, eventually};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Few enough to leave the machine to what is tested.
const CALLERS: usize = 3;
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) struct Traffic {
    answered: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Result<(), String>>>,
}

// === impl Traffic ===

impl Traffic {
    /// Asks this again and again.
    pub(crate) fn start(client: &Client, request: &Value) -> Self {
        let (answered, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let callers = (0..CALLERS).map(|_| {
            let (client, request) = (client.clone(), request.clone());
            let (answered, stop) = (answered.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Relaxed) {
                    let answer = client.chat(&request).await;
                    if answer.status != 200 {
                        return Err(format!("{}: {}", answer.status, answer.text()));
                    }
                    answered.fetch_add(1, Relaxed);
                    sleep(PAUSE).await;
                }
                Ok(())
            })
        });
        let callers = callers.collect();
        Self {
            answered,
            stop,
            callers,
        }
    }

    /// Lets the callers finish, at least one request each after now. Every answer must have been a success.
    pub(crate) async fn finish(self) -> usize {
        let now = self.answered.load(Relaxed);
        eventually("the callers are answered or have failed", async || {
            let failed = self.callers.iter().any(JoinHandle::is_finished);
            (failed || self.answered.load(Relaxed) >= now + 2 * CALLERS).then_some(())
        })
        .await;
        self.stop.store(true, Relaxed);
        for caller in self.callers {
            assert_eq!(caller.await.unwrap(), Ok(()));
        }
        self.answered.load(Relaxed)
    }
}
