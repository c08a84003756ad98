//! What the gateway adds to the latency of a single caller who asks one thing after the other.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Bench, median, micros};
use crate::load::{self, Ask, Until};
use crate::machine::processor_time;
use crate::report::{Bar, Row, Unit};
use crate::scene::{Model, Server};

const ADDED: Bar = Bar::at_most(120.0, 60.0);

/// One subject in one round, for one request, in microseconds.
#[derive(Debug, Clone, Copy)]
struct Sample {
    median: f64,
    tail: f64,
    processor: f64,
}

pub(super) async fn run(bench: &Bench<'_>) -> Result<(String, Vec<Row>)> {
    let ask = Arc::new(Model::Whole.ask());
    let subjects = [&bench.scene.simulator, &bench.scene.bare, &bench.scene.gateway];
    for subject in subjects {
        measure(subject, &ask, bench.effort.measure / 4).await?;
    }
    let mut samples = [const { Vec::new() }; 3];
    for round in 0..bench.effort.rounds {
        let mut order = [0, 1, 2];
        if round % 2 == 1 {
            order.reverse();
        }
        for which in order {
            let sample = measure(subjects[which], &ask, bench.effort.measure).await?;
            bench
                .progress
                .step(round, subjects[which].name, &format!("{:.0} µs", sample.median));
            samples[which].push(sample);
        }
    }
    let [direct, bare, gateway] = samples;
    let direct = middle(&direct, |sample| sample.median);
    let about =
        format!("whole replies of 1.3 KB over one connection; {direct:.0} µs straight from the simulator");
    let rows = vec![
        row("median latency", &bare, &gateway, |sample| sample.median).bar(ADDED),
        row("p99 latency", &bare, &gateway, |sample| sample.tail),
        row("processor time of a request", &bare, &gateway, |sample| {
            sample.processor
        }),
    ];
    Ok((about, rows))
}

async fn measure(subject: &Server, ask: &Arc<Ask>, length: Duration) -> Result<Sample> {
    subject.forget_log()?;
    let before = processor_time(subject.process())?;
    let outcome = load::run(subject.address, ask, 1, &Until::Elapsed(length))
        .await
        .with_context(|| format!("the {} failed", subject.name))?;
    let processor = processor_time(subject.process())?.saturating_sub(before);
    Ok(Sample {
        median: micros(outcome.latency(0.5)),
        tail: micros(outcome.latency(0.99)),
        processor: micros(processor) / outcome.answers as f64,
    })
}

fn row(measure: &str, bare: &[Sample], gateway: &[Sample], of: fn(&Sample) -> f64) -> Row {
    let added = std::iter::zip(bare, gateway).map(|(bare, gateway)| of(gateway) - of(bare));
    Row::new(
        measure,
        Unit::Microseconds,
        &[middle(bare, of)],
        &[middle(gateway, of)],
    )
    .result(median(added.collect()), Unit::AddedMicroseconds)
}

fn middle(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    median(samples.iter().map(of).collect())
}
