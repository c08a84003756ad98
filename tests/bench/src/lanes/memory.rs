//! Whether memory stays where it is, however many requests pass.

use std::sync::Arc;

use anyhow::Result;

use super::Bench;
use crate::load::{self, Until};
use crate::machine::resident_memory;
use crate::report::{Bar, Row, Unit};
use crate::scene::Model;

/// What counts as flat: less than this much more, in percent.
const FLAT: Bar = Bar::at_most(5.0, 5.0);
/// One in so many requests is a stream.
const STREAMS: u64 = 10;
/// Steps between which memory is looked at.
const STEPS: u64 = 10;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

pub(super) async fn run(bench: &Bench<'_>) -> Result<(String, Vec<Row>)> {
    let (gateway, requests) = (&bench.scene.gateway, bench.effort.requests);
    let idle = resident(gateway.process())?;
    let step = (requests / STEPS).max(1);
    // As much again as one step, so that every cache, pool and thread is as large as it gets.
    serve(bench, step).await?;
    let warm = resident(gateway.process())?;
    let mut most = warm;
    for done in 1..=STEPS {
        serve(bench, step).await?;
        let now = resident(gateway.process())?;
        most = most.max(now);
        bench
            .progress
            .say(format_args!("  {} requests  {now:.1} MiB", done * step));
    }
    let after = resident(gateway.process())?;
    let growth = (after / warm - 1.0) * 100.0;
    let about =
        format!("{requests} requests after the warm-up, one in {STREAMS} a stream; \"flat\" is within 5 %");
    let rows = vec![
        Row::new(
            "resident memory warm / at most / after",
            Unit::Mebibytes,
            &[],
            &[warm, most, after],
        )
        .result(growth, Unit::Percent)
        .bar(FLAT),
        Row::new("resident memory before this lane", Unit::Mebibytes, &[], &[idle]),
    ];
    Ok((about, rows))
}

async fn serve(bench: &Bench<'_>, requests: u64) -> Result<()> {
    let gateway = &bench.scene.gateway;
    gateway.forget_log()?;
    for (model, share) in [
        (Model::Whole, requests - requests / STREAMS),
        (Model::Stream, requests / STREAMS),
    ] {
        load::run(
            gateway.address,
            &Arc::new(model.ask()),
            bench.effort.connections,
            &Until::Sent(share),
        )
        .await?;
    }
    Ok(())
}

fn resident(process: u32) -> Result<f64> {
    Ok(resident_memory(process)? as f64 / MEBIBYTE)
}
