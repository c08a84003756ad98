//! Requests per second and processor time per request, with all connections asking as fast as they are answered.
//!
//! The subjects take turns within each round, and the order turns around from round to round, so that whatever
//! slows the machine down slows them all down.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Bench, median, micros};
use crate::load::{self, Ask, Until};
use crate::machine::processor_time;
use crate::report::{Bar, Row, Unit};
use crate::scene::{Model, Server};

pub(super) struct Throughput {
    about: &'static str,
    model: Model,
    bar: Bar,
}

pub(super) const WHOLE: Throughput = Throughput {
    about: "whole replies of 1.3 KB, canonical vendor, 8 candidates",
    model: Model::Whole,
    bar: Bar::at_least(0.55, 0.80),
};

pub(super) const TRANSLATED: Throughput = Throughput {
    about: "whole replies of 2 KB, translating adapter, 8 candidates",
    model: Model::Translated,
    bar: Bar::at_least(0.45, 0.65),
};

pub(super) const STREAM: Throughput = Throughput {
    about: "streams of 100 tokens, canonical vendor, metered, 8 candidates",
    model: Model::Stream,
    bar: Bar::at_least(0.50, 0.80),
};

/// One subject in one round.
#[derive(Debug, Clone, Copy)]
struct Sample {
    per_second: f64,
    /// Processor time of the subject's process for one request, in microseconds.
    processor: f64,
    /// p50, p90 and p99 in milliseconds.
    latency: [f64; 3],
}

const SHARES: [f64; 3] = [0.5, 0.9, 0.99];

pub(super) async fn run(bench: &Bench<'_>, lane: &Throughput) -> Result<(String, Vec<Row>)> {
    let ask = Arc::new(lane.model.ask());
    let subjects = [&bench.scene.bare, &bench.scene.gateway, &bench.scene.trusted];
    for subject in subjects {
        measure(bench, subject, &ask, bench.effort.measure / 4).await?;
    }
    let mut samples = [const { Vec::new() }; 3];
    for round in 0..bench.effort.rounds {
        let mut order = [0, 1, 2];
        if round % 2 == 1 {
            order.reverse();
        }
        for which in order {
            let sample = measure(bench, subjects[which], &ask, bench.effort.measure).await?;
            bench.progress.step(
                round,
                subjects[which].name,
                &format!("{:.0}/s", sample.per_second),
            );
            samples[which].push(sample);
        }
    }
    let [bare, gateway, trusted] = samples;
    let trusted = [
        rate("requests, reuse granted", &bare, &trusted).bar(lane.bar),
        processor("processor time, reuse granted", &bare, &trusted),
    ];
    let mut rows = vec![
        rate("requests", &bare, &gateway).bar(lane.bar),
        processor("processor time of a request", &bare, &gateway),
        Row::new(
            "latency p50 / p90 / p99",
            Unit::Milliseconds,
            &latencies(&bare),
            &latencies(&gateway),
        ),
    ];
    rows.extend(trusted);
    let about = format!("{}; {} connections", lane.about, bench.effort.connections);
    Ok((about, rows))
}

async fn measure(bench: &Bench<'_>, subject: &Server, ask: &Arc<Ask>, length: Duration) -> Result<Sample> {
    subject.forget_log()?;
    let before = processor_time(subject.process())?;
    let outcome = load::run(
        subject.address,
        ask,
        bench.effort.connections,
        &Until::Elapsed(length),
    )
    .await
    .with_context(|| format!("the {} failed", subject.name))?;
    let processor = processor_time(subject.process())?.saturating_sub(before);
    Ok(Sample {
        per_second: outcome.per_second(),
        processor: micros(processor) / outcome.answers as f64,
        latency: SHARES.map(|share| micros(outcome.latency(share)) / 1000.0),
    })
}

fn rate(measure: &str, bare: &[Sample], gateway: &[Sample]) -> Row {
    let of = |samples: &[Sample]| median(samples.iter().map(|sample| sample.per_second).collect());
    let ratios = std::iter::zip(bare, gateway).map(|(bare, gateway)| gateway.per_second / bare.per_second);
    Row::new(measure, Unit::PerSecond, &[of(bare)], &[of(gateway)])
        .result(median(ratios.collect()), Unit::Ratio)
}

fn processor(measure: &str, bare: &[Sample], gateway: &[Sample]) -> Row {
    let of = |samples: &[Sample]| median(samples.iter().map(|sample| sample.processor).collect());
    let ratios = std::iter::zip(bare, gateway).map(|(bare, gateway)| bare.processor / gateway.processor);
    Row::new(measure, Unit::Microseconds, &[of(bare)], &[of(gateway)])
        .result(median(ratios.collect()), Unit::Ratio)
}

fn latencies(samples: &[Sample]) -> [f64; 3] {
    std::array::from_fn(|which| median(samples.iter().map(|sample| sample.latency[which]).collect()))
}
