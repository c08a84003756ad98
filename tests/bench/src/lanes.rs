//! What is measured, each in a lane of its own.

mod fairness;
mod latency;
mod memory;
mod open_streams;
mod plugin_time;
mod rank;
mod switching;
mod throughput;

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::machine::Strangers;
use crate::progress::Progress;
use crate::report::{Row, Section};
use crate::scene::{Built, Scene};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lane {
    /// Throughput of whole replies, canonical vendor
    Whole,
    /// Throughput of whole replies through an adapter that translates
    Translated,
    /// Throughput of streams of 100 tokens, metered
    Stream,
    /// Latency that the gateway adds, at one connection
    Latency,
    /// Streams open at the same time
    OpenStreams,
    /// Memory after many requests
    Memory,
    /// Time inside plugins for one request
    PluginTime,
    /// Time of a decision, strategy by strategy
    Rank,
    /// Latency of requests beside a plugin that loops
    Fairness,
    /// Time to switch to another candidate
    Switching,
}

/// How long and how hard.
#[derive(Debug, Clone)]
pub(crate) struct Effort {
    /// Each measures every subject once, in turn; medians are over them.
    pub(crate) rounds: usize,
    /// Of one subject in one round.
    pub(crate) measure: Duration,
    pub(crate) connections: usize,
    pub(crate) open_streams: usize,
    /// For the memory lane.
    pub(crate) requests: u64,
}

/// What a lane works with.
pub(crate) struct Bench<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) built: &'a Built,
    pub(crate) effort: &'a Effort,
    pub(crate) progress: &'a Progress,
}

// === impl Lane ===

impl Lane {
    pub(crate) async fn run(self, bench: &Bench<'_>) -> Result<Section> {
        let name = self.name();
        bench.progress.lane(name);
        let strangers = Strangers::watch(bench.scene.processes())?;
        let (about, rows): (String, Vec<Row>) = match self {
            Self::Whole => throughput::run(bench, &throughput::WHOLE).await?,
            Self::Translated => throughput::run(bench, &throughput::TRANSLATED).await?,
            Self::Stream => throughput::run(bench, &throughput::STREAM).await?,
            Self::Latency => latency::run(bench).await?,
            Self::OpenStreams => open_streams::run(bench).await?,
            Self::Memory => memory::run(bench).await?,
            Self::PluginTime => plugin_time::run(bench).await?,
            Self::Rank => rank::run(bench).await?,
            Self::Fairness => fairness::run(bench).await?,
            Self::Switching => switching::run(bench).await?,
        };
        Ok(Section {
            name,
            about,
            rows,
            strangers: strangers.share()?,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Translated => "translated",
            Self::Stream => "stream",
            Self::Latency => "latency",
            Self::OpenStreams => "open-streams",
            Self::Memory => "memory",
            Self::PluginTime => "plugin-time",
            Self::Rank => "rank",
            Self::Fairness => "fairness",
            Self::Switching => "switching",
        }
    }
}

/// Middle of the values; of an even number, the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len().is_multiple_of(2)) {
        (Some(upper), true) => values
            .get(middle.wrapping_sub(1))
            .map_or(*upper, |lower| (lower + upper) / 2.0),
        (Some(value), false) => *value,
        (None, _) => f64::NAN,
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_order_and_outliers() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 3.0, 1000.0]), 3.5);
        assert!(median(Vec::new()).is_nan());
    }
}
