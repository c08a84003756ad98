//! `patchbay replay`: what another strategy, or another version of one, would have decided.

mod shown;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use serde_json::{Map, Value};

use super::output::{Look, Progress, patiently, say_json};
use super::plugin::load;
use crate::plugin::{Serves, StrategyPlugin};
use crate::replay;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay replay decisions.jsonl --strategy target/plugins/round-robin.wasm
  patchbay replay decisions.jsonl --strategy target/plugins/priority.wasm --model small
  patchbay replay decisions.jsonl --strategy mine.wasm --settings '{\"share\": 0.5}' --json
  patchbay replay decisions.jsonl --strategy mine.wasm --exact    in CI: nothing has changed

A gateway records its decisions in the file that `decisions.record` names in its configuration. Nothing is asked of
anybody: the strategy is given the numbers, the time and the random bits that the recording holds. What it had
remembered is taken from the recording where a strategy of its name has decided; elsewhere it goes on with its own.
Exit codes: 0 it was replayed, 1 it was not or, with --exact, not every order is the same.")]
pub(super) struct Replay {
    /// What a gateway has recorded
    #[arg(value_name = "RECORDING")]
    recording: PathBuf,
    /// The component that is to decide
    #[arg(short, long, value_name = "FILE")]
    strategy: PathBuf,
    /// Its settings, a JSON object; else those recorded for a strategy of its name, if there are any
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// Only the decisions of this public model
    #[arg(short, long, value_name = "NAME")]
    model: Option<String>,
    /// Fail unless every order is the same; where a strategy had failed then, none was recorded
    #[arg(long)]
    exact: bool,
    /// Take the limits of plugins from this configuration instead of the usual ones
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    look: Look,
}

// === impl Replay ===

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(settings) = &self.settings
            && let Err(error) = serde_json::from_str::<Map<String, Value>>(settings)
        {
            bail!("--settings is not a JSON object: {error}; write '{{\"name\": value}}'");
        }
        let recording = self.recording.display();
        let replay = replay::Replay {
            strategy: self.load()?,
            settings: self.settings.as_deref(),
            model: self.model.as_deref(),
        };
        let mut progress = Progress::new();
        let mut tell = |done: u64, all: u64| progress.at(|| format!("{done} of {all} decisions replayed"));
        let report = patiently(&format!("replaying {recording}"), || {
            replay.run(&self.recording, &mut tell)
        });
        let report = match report {
            Ok(report) => report,
            Err(error) => bail!("{recording}: {error}"),
        };
        if self.look.json {
            say_json(&report);
        } else {
            self.look.show(&shown::render(&report));
        }
        Ok(if self.exact && !report.is_exact() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }

    fn load(&self) -> anyhow::Result<Arc<StrategyPlugin>> {
        let file = self.strategy.display();
        match load(&self.strategy, self.config.as_deref())? {
            Ok(plugin) => match plugin.serves {
                Serves::Strategy(strategy) => Ok(strategy),
                Serves::Adapter(_) => bail!(
                    "{file}: an adapter, which decides nothing; name a strategy, such as target/plugins/priority.wasm"
                ),
            },
            Err(error) => bail!("{file}: {error}"),
        }
    }
}
