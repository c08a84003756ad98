//! The command line: what each command does, in the order of `patchbay --help`.
//!
//! The only place that writes to standard output.

mod change;
mod check;
mod config;
mod explain;
mod keys;
mod lines;
mod models;
mod output;
mod plugin;
mod remote;
mod replay;
mod serve;
#[cfg(test)]
mod snapshot;
mod status;
mod strategies;
mod style;
mod table;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An LLM gateway whose vendors and routing strategies are WebAssembly components.
#[derive(Debug, Parser)]
#[command(
    name = "patchbay",
    version,
    after_help = "Examples:
  patchbay check --config patchbay.toml           find every mistake without starting
  patchbay serve --config patchbay.toml           serve, and reload when files change
  patchbay status                                 how the accounts of the running gateway are
  patchbay explain req_0f3a                       why a request went where it went
  patchbay keys analyze openai/main               what is wrong with one of them, and what to do
  patchbay plugin build my-strategy --out plugins build a plugin and drop it in"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve requests until interrupted
    Serve(serve::Serve),
    /// Check a configuration without starting
    Check(check::Check),
    /// Show how the accounts of the running gateway are
    Status(status::Show),
    /// Tell why a request went where it went, or list the latest
    Explain(explain::Explain),
    /// Show who decides for each model, and move a strategy by hand
    Strategies(strategies::Strategies),
    /// Look after the accounts of the running gateway
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Add, change and remove the models of vendors
    #[command(subcommand)]
    Models(models::Models),
    /// Show and change the settings of the running gateway
    #[command(subcommand)]
    Config(config::Config),
    /// Make recorded decisions again with another strategy, and compare
    Replay(replay::Replay),
    /// Build plugins
    #[command(subcommand)]
    Plugin(plugin::Plugin),
}

/// The option every command that reads the configuration has.
#[derive(Debug, clap::Args)]
struct ConfigPath {
    /// The configuration file
    #[arg(short, long, default_value = "patchbay.toml", value_name = "FILE")]
    config: PathBuf,
}

// === impl Cli ===

impl Cli {
    /// Runs the command. 0: it went well; 1: it did not, and standard error says why; 2: it was called wrongly.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Serve(serve) => serve.run(),
            Command::Check(check) => Ok(check.run()),
            Command::Status(show) => show.run(),
            Command::Explain(explain) => explain.run(),
            Command::Strategies(strategies) => strategies.run(),
            Command::Keys(keys) => keys.run(),
            Command::Models(models) => models.run(),
            Command::Config(config) => config.run(),
            Command::Replay(replay) => replay.run(),
            Command::Plugin(plugin) => plugin.run(),
        }
    }
}
