//! How many streams can be open at once: all are opened together, each says a token now and then, and each must
//! come to its right end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinSet;

use super::{Bench, median, micros};
use crate::load::{Arrivals, Ask, Connection};
use crate::machine::resident_memory;
use crate::report::{Bar, Row, Unit};
use crate::scene::{Model, OPEN_STREAM_PAUSE, Server};

const OPEN: Bar = Bar::at_least(2_000.0, 10_000.0);

/// How many streams are open now and were at most.
#[derive(Debug, Default)]
struct Open {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// One stream from its first bytes to its end.
struct OneOpen {
    gauge: Arc<Open>,
    asked: Instant,
    first: Option<Duration>,
}

struct Held {
    /// Streams that came to their right end.
    completed: usize,
    most: usize,
    /// Median time to the first bytes, in milliseconds.
    first: f64,
    /// More memory than before for each stream, in KiB.
    memory: f64,
    /// Why the first that failed did.
    failure: Option<String>,
}

pub(super) async fn run(bench: &Bench<'_>) -> Result<(String, Vec<Row>)> {
    let asked = bench.effort.open_streams;
    let bare = hold(bench, &bench.scene.bare, Model::OpenStream, asked).await?;
    let gateway = hold(bench, &bench.scene.gateway, Model::OpenStream, asked).await?;
    let translated = hold(bench, &bench.scene.gateway, Model::OpenTranslated, asked).await?;
    let length = OPEN_STREAM_PAUSE * u32::try_from(Model::OpenStream.tokens())?;
    let mut about = format!(
        "{asked} streams of {:.0} s, opened together",
        length.as_secs_f64()
    );
    for held in [&gateway, &translated] {
        if let Some(failure) = &held.failure {
            about.push_str(&format!(
                "\n  {} were dropped, the first with: {failure}",
                asked - held.completed
            ));
        }
    }
    let completed = |measure: &str, bare: &Held, held: &Held| {
        let of = |held: &Held| [held.completed as f64, held.most as f64];
        Row::new(measure, Unit::Count, &of(bare), &of(held))
            .result(held.completed.min(held.most) as f64, Unit::Count)
            .bar(OPEN)
    };
    let rows = vec![
        completed("streams completed / open at once", &bare, &gateway),
        completed("the same through a translating adapter", &bare, &translated),
        Row::new(
            "median time to the first bytes",
            Unit::Milliseconds,
            &[bare.first],
            &[gateway.first],
        ),
        Row::new(
            "memory of an open stream",
            Unit::Kibibytes,
            &[bare.memory],
            &[gateway.memory],
        ),
        Row::new(
            "the same through a translating adapter",
            Unit::Kibibytes,
            &[bare.memory],
            &[translated.memory],
        ),
    ];
    Ok((about, rows))
}

async fn hold(bench: &Bench<'_>, subject: &Server, model: Model, streams: usize) -> Result<Held> {
    let before = resident_memory(subject.process())?;
    let (ask, gauge) = (Arc::new(model.ask()), Arc::new(Open::default()));
    let mut callers = JoinSet::new();
    for _ in 0..streams {
        callers.spawn(stream(subject.address, ask.clone(), gauge.clone()));
    }
    // Halfway through, when all are open.
    tokio::time::sleep(OPEN_STREAM_PAUSE * u32::try_from(Model::OpenStream.tokens() / 2)?).await;
    let during = resident_memory(subject.process())?;
    let (mut first, mut failure) = (Vec::new(), None);
    while let Some(caller) = callers.join_next().await {
        match caller.context("a caller was interrupted")? {
            Ok(begun) => first.push(micros(begun) / 1000.0),
            Err(error) => failure = failure.or(Some(format!("{error:#}"))),
        }
    }
    let (completed, most) = (first.len(), gauge.most.load(Ordering::Relaxed));
    bench.progress.say(format_args!(
        "  {:<14} {completed} completed, {most} open at once",
        subject.name
    ));
    let memory = during.saturating_sub(before) as f64 / 1024.0 / streams.max(1) as f64;
    Ok(Held {
        completed,
        most,
        first: median(first),
        memory,
        failure,
    })
}

/// Time to the first bytes.
async fn stream(address: SocketAddr, ask: Arc<Ask>, gauge: Arc<Open>) -> Result<Duration> {
    let mut one = OneOpen {
        gauge,
        asked: Instant::now(),
        first: None,
    };
    Connection::with(address, async |mut connection| {
        connection.ask_watched(&ask, &mut one).await
    })
    .await?;
    one.first.context("no bytes came")
}

// === impl OneOpen ===

impl Arrivals for OneOpen {
    fn begun(&mut self) {
        self.first = Some(self.asked.elapsed());
        let now = self.gauge.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.gauge.most.fetch_max(now, Ordering::Relaxed);
    }
}

impl Drop for OneOpen {
    fn drop(&mut self) {
        if self.first.is_some() {
            self.gauge.now.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
