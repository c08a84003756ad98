//! How long each strategy takes for a decision, through the host's own API and without a network, in an instance that
//! is kept: all that a request waits for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use patchbay::plugin::StrategyPlugin;
use patchbay_bench::{Ranking, strategies};

use super::{Bench, median, micros};
use crate::report::{Bar, Row, Unit};

/// Candidates, and the time a decision over them may take, in microseconds.
const BARS: [(u32, f64); 3] = [(4, f64::INFINITY), (36, 3.0), (500, 20.0)];
/// Of the bars.
const BAR: Bar = Bar::at_most(1.0, 1.0);
/// Decisions between two looks at the clock.
const BATCH: u32 = 20;

pub(super) async fn run(bench: &Bench<'_>) -> Result<(String, Vec<Row>)> {
    let folder = bench.built.plugins();
    let (rounds, length) = (bench.effort.rounds, bench.effort.measure / 10);
    let rows = tokio::task::spawn_blocking(move || -> Result<_> {
        let strategies = strategies(&folder)?;
        let row = |strategy| row(strategy, rounds, length);
        strategies.iter().map(row).collect::<Result<Vec<Row>>>()
    });
    let about = "over 4 / 36 / 500 candidates in a kept instance; result: of the bars, 3 µs for 36 and 20 µs for 500, \
                 the part that is used";
    Ok((about.to_owned(), rows.await??))
}

fn row(strategy: &Arc<StrategyPlugin>, rounds: usize, length: Duration) -> Result<Row> {
    let mut times = Vec::new();
    let mut part: f64 = 0.0;
    for (candidates, bar) in BARS {
        let mut ranking = Ranking::new(strategy, candidates)?;
        let rounds: Result<Vec<f64>> = (0..rounds).map(|_| round(&mut ranking, length)).collect();
        let time = median(rounds?);
        part = part.max(time / bar);
        times.push(time);
    }
    Ok(Row::new(strategy.name(), Unit::Microseconds, &[], &times)
        .result(part, Unit::Ratio)
        .bar(BAR))
}

/// Microseconds of one decision: of the median batch, because a batch in which the thread did not run says nothing of
/// the strategy.
fn round(ranking: &mut Ranking, length: Duration) -> Result<f64> {
    let (began, mut batches) = (Instant::now(), Vec::new());
    while began.elapsed() < length {
        let batch = Instant::now();
        for _ in 0..BATCH {
            ranking.rank()?;
        }
        batches.push(micros(batch.elapsed()) / f64::from(BATCH));
    }
    Ok(median(batches))
}
