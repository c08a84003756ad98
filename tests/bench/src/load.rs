//! Asks as fast as it is answered, over a number of connections that are kept alive, and counts only complete and
//! right answers.
//!
//! Lean on purpose: it shares the machine with what it measures. Never retries: a wrong answer ends the run.

mod answer;
mod connection;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinSet;

pub(crate) use answer::{Ask, Expected};
pub(crate) use connection::{Arrivals, Connection};

/// How long to go on.
#[derive(Debug, Clone)]
pub(crate) enum Until {
    /// No request begins after this time; those under way are finished and counted.
    Elapsed(Duration),
    /// So many requests have been sent.
    Sent(u64),
}

/// What came of a run in which every answer was right.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answers: u64,
    pub(crate) elapsed: Duration,
    /// Of each answer, from its request to its last byte; ascending.
    latencies: Vec<Duration>,
}

/// Runs `connections` callers against `address`.
pub(crate) async fn run(
    address: SocketAddr,
    ask: &Arc<Ask>,
    connections: usize,
    until: &Until,
) -> Result<Outcome> {
    let sent = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..connections {
        callers.spawn(call(address, ask.clone(), until.clone(), sent.clone(), started));
    }
    let mut latencies = Vec::new();
    while let Some(caller) = callers.join_next().await {
        latencies.append(&mut caller.context("a caller was interrupted")??);
    }
    let elapsed = started.elapsed();
    latencies.sort_unstable();
    Ok(Outcome {
        answers: latencies.len() as u64,
        elapsed,
        latencies,
    })
}

async fn call(
    address: SocketAddr,
    ask: Arc<Ask>,
    until: Until,
    sent: Arc<AtomicU64>,
    started: Instant,
) -> Result<Vec<Duration>> {
    Connection::with(address, async |mut connection| {
        let mut latencies = Vec::new();
        while !until.is_reached(started, &sent) {
            let asked = Instant::now();
            connection.ask(&ask).await?;
            latencies.push(asked.elapsed());
        }
        Ok(latencies)
    })
    .await
}

// === impl Until ===

impl Until {
    fn is_reached(&self, started: Instant, sent: &AtomicU64) -> bool {
        match self {
            Self::Elapsed(limit) => started.elapsed() >= *limit,
            Self::Sent(limit) => sent.fetch_add(1, Ordering::Relaxed) >= *limit,
        }
    }
}

// === impl Outcome ===

impl Outcome {
    pub(crate) fn per_second(&self) -> f64 {
        self.answers as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that `share` (0 to 1) of the answers stayed below.
    pub(crate) fn latency(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.latencies.get(at).copied().unwrap_or_default()
    }
}
