//! Time inside plugins for one request, through the host's own API and without a network: a strategy ranks 36
//! candidates in an instance that is kept, and an adapter starts an exchange, in a fresh one and in one that is
//! kept as well.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use patchbay_bench::{Guests, Vendor};

use super::{Bench, median, micros};
use crate::machine::cores;
use crate::report::{Bar, Row, Unit};

const FRESH: Bar = Bar::at_most(30.0, 15.0);
const TRUSTED: Bar = Bar::at_most(8.0, 4.0);
const CANDIDATES: u32 = 36;
const PAYLOAD: &[u8] = br#"{"model":"model","messages":[{"role":"user","content":"Hello"}]}"#;

/// Which adapter is measured.
type Pick = fn(&Guests) -> &Vendor;

/// Of one request, on the mean of a round.
#[derive(Debug, Clone, Copy)]
struct Spent {
    rank: Duration,
    start: Duration,
}

pub(super) async fn run(bench: &Bench<'_>) -> Result<(String, Vec<Row>)> {
    let (plugins, own) = (bench.built.plugins(), bench.built.bench_plugins());
    let (rounds, length) = (bench.effort.rounds, bench.effort.measure);
    let (alone, together, trusted) = tokio::task::spawn_blocking(move || -> Result<_> {
        let guests = Arc::new(Guests::load(&plugins, &own)?);
        let (fresh, kept): (Pick, Pick) = (|guests| &guests.canonical, |guests| &guests.trusted);
        on_threads(&guests, fresh, 1, 1, length / 4)?;
        on_threads(&guests, kept, 1, 1, length / 4)?;
        Ok((
            on_threads(&guests, fresh, 1, rounds, length)?,
            on_threads(&guests, fresh, cores(), rounds, length)?,
            on_threads(&guests, kept, 1, rounds, length)?,
        ))
    })
    .await??;
    let about =
        format!("rank of {CANDIDATES} in a kept instance, start unchanged in a fresh one; no network");
    let mut rows = vec![both("plugin time of a request", &alone).bar(FRESH)];
    rows.push(Row::new(
        "of it rank / start",
        Unit::Microseconds,
        &[],
        &parts(&alone),
    ));
    rows.push(both(
        &format!("plugin time on {} threads at once", cores()),
        &together,
    ));
    rows.push(Row::new(
        "of it rank / start",
        Unit::Microseconds,
        &[],
        &parts(&together),
    ));
    rows.push(both("plugin time, reuse granted", &trusted).bar(TRUSTED));
    rows.push(Row::new(
        "of it rank / start",
        Unit::Microseconds,
        &[],
        &parts(&trusted),
    ));
    Ok((about, rows))
}

fn both(measure: &str, spent: &[Spent]) -> Row {
    let time = median(
        spent
            .iter()
            .map(|spent| micros(spent.rank + spent.start))
            .collect(),
    );
    Row::new(measure, Unit::Microseconds, &[], &[time]).result(time, Unit::Microseconds)
}

fn parts(spent: &[Spent]) -> [f64; 2] {
    let of = |part: fn(&Spent) -> Duration| median(spent.iter().map(|spent| micros(part(spent))).collect());
    [of(|spent| spent.rank), of(|spent| spent.start)]
}

/// What each thread spent in each round.
fn on_threads(
    guests: &Arc<Guests>,
    pick: Pick,
    threads: usize,
    rounds: usize,
    length: Duration,
) -> Result<Vec<Spent>> {
    let together = Arc::new(Barrier::new(threads));
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let (guests, together) = (guests.clone(), together.clone());
            std::thread::spawn(move || -> Result<Vec<Spent>> {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()?;
                (0..rounds)
                    .map(|_| {
                        together.wait();
                        runtime.block_on(round(&guests, pick(&guests), length))
                    })
                    .collect()
            })
        })
        .collect();
    let mut all = Vec::new();
    for worker in workers {
        all.append(
            &mut worker
                .join()
                .map_err(|_| anyhow!("a thread that measured has panicked"))??,
        );
    }
    Ok(all)
}

async fn round(guests: &Guests, adapter: &Vendor, length: Duration) -> Result<Spent> {
    let mut ranking = guests.ranking(CANDIDATES)?;
    let (mut rank, mut start, mut requests) = (Duration::ZERO, Duration::ZERO, 0u32);
    let began = Instant::now();
    while began.elapsed() < length {
        let before = Instant::now();
        ranking.rank()?;
        let ranked = Instant::now();
        // Giving the instance back is part of what it costs.
        drop(adapter.start(Bytes::from_static(PAYLOAD)).await?);
        start += ranked.elapsed();
        rank += ranked - before;
        requests += 1;
    }
    let mean = |sum: Duration| sum.checked_div(requests).context("no request fits into a round");
    Ok(Spent {
        rank: mean(rank)?,
        start: mean(start)?,
    })
}
