//! `patchbay-bench`: what the gateway costs beside a bare pass-through, as one table.

mod lanes;
mod load;
mod machine;
mod passthrough;
mod progress;
mod report;
mod scene;

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tikv_jemallocator::Jemalloc;
use tokio::signal::unix::{SignalKind, signal};

use lanes::{Bench, Effort, Lane};
use progress::Progress;
use report::Report;
use scene::{Built, Scene};

/// The gateway's allocator, so that it is no difference between the gateway and the pass-through.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// What the gateway costs beside a bare pass-through that does the same input and output.
#[derive(Debug, Parser)]
#[command(
    name = "patchbay-bench",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  patchbay-bench                              everything, in about three minutes
  patchbay-bench --quick                      everything, a few seconds each
  patchbay-bench --only whole --only stream   two lanes
  patchbay-bench --json > bench.json          for machines
  patchbay-bench --only memory --requests 1000000
  patchbay-bench --only open-streams --streams 4000

Exit codes: 0 measured, whatever the bars say; 1 something failed or answered wrongly; 2 called wrongly."
)]
struct Arguments {
    #[command(flatten)]
    measure: Measure,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct Measure {
    /// Short rounds and few of them
    #[arg(long)]
    quick: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Measure this lane and not all; may be given several times
    #[arg(long, value_enum, value_name = "LANE")]
    only: Vec<Lane>,
    /// Connections that ask at the same time
    #[arg(long, default_value_t = 32, value_name = "N")]
    connections: usize,
    /// Streams to open at once
    #[arg(long, default_value_t = 2_000, value_name = "N")]
    streams: usize,
    /// Requests of the memory lane; 100,000 if left out, 10,000 with --quick
    #[arg(long, value_name = "N")]
    requests: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Be the pass-through: send every request on and stream the reply back
    Passthrough {
        #[arg(long, value_name = "HOST:PORT")]
        listen: SocketAddr,
        #[arg(long, value_name = "HOST:PORT")]
        upstream: SocketAddr,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Command::Passthrough { listen, upstream }) = arguments.command {
        return passthrough::serve(listen, upstream).await;
    }
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // Ending here, and not by the signal itself, stops the servers.
    let report = tokio::select! {
        report = measure(&arguments.measure) => report?,
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    };
    let text = if arguments.measure.json {
        serde_json::to_string_pretty(&report)? + "\n"
    } else {
        report::table(&report)
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

async fn measure(arguments: &Measure) -> Result<Report> {
    let effort = arguments.effort();
    let progress = Progress::new();
    let files = machine::raise_open_files()?;
    if files < 2 * effort.open_streams as u64 + 100 {
        progress.say(format_args!(
            "at most {files} files may be open: a gateway needs two for each stream"
        ));
    }
    let built = Built::find()?;
    progress.say(format_args!(
        "building the benchmark's plugins, starting the servers"
    ));
    built.build_guests()?;
    let scene = Scene::set(&built).await?;
    let bench = Bench {
        scene: &scene,
        built: &built,
        effort: &effort,
        progress: &progress,
    };
    let mut sections = Vec::new();
    for lane in Lane::value_variants()
        .iter()
        .filter(|lane| arguments.wants(**lane))
    {
        sections.push(lane.run(&bench).await?);
    }
    Ok(Report {
        cores: machine::cores(),
        quick: arguments.quick,
        sections,
    })
}

// === impl Measure ===

impl Measure {
    fn wants(&self, lane: Lane) -> bool {
        self.only.is_empty() || self.only.contains(&lane)
    }

    fn effort(&self) -> Effort {
        let (rounds, measure, requests) = match self.quick {
            true => (3, Duration::from_millis(500), 10_000),
            false => (7, Duration::from_millis(1500), 100_000),
        };
        Effort {
            rounds,
            measure,
            connections: self.connections.max(1),
            open_streams: self.streams.max(1),
            requests: self.requests.unwrap_or(requests),
        }
    }
}
