//! `patchbay plugin list`

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde::Deserialize;

use crate::cli::output::{say, say_json};
use crate::cli::remote::Remote;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay plugin list --config patchbay.toml
  patchbay plugin list -c patchbay.toml --json | jq '.plugins[] | select(.state != \"serving\")'
  PATCHBAY_ADMIN_KEY=... patchbay plugin list --url http://127.0.0.1:8080

Asks the running gateway.")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    remote: Remote,
    /// Print what the gateway answers as JSON
    #[arg(long)]
    json: bool,
}

/// What is read of the answer.
#[derive(Deserialize)]
struct Answer {
    plugins: Vec<Row>,
    notices: Vec<String>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    state: String,
    kind: Option<String>,
    serving: Option<String>,
    problem: Option<String>,
    hot_path: Option<bool>,
}

// === impl List ===

impl List {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let told = self.remote.find()?.get(&["admin", "plugins"], &[])?;
        if self.json {
            say_json(&told);
        } else {
            print(&serde_json::from_value(told).context("the gateway's answer is not understood")?);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(answer: &Answer) {
    let widest =
        |of: fn(&Row) -> usize, least: usize| answer.plugins.iter().map(of).max().unwrap_or(0).max(least);
    let name = widest(|row| row.name.len(), 4);
    let serving = widest(|row| row.serving.as_ref().map_or(1, String::len), 7);
    say(format_args!(
        "{:name$}  {:8}  {:serving$}  STATE",
        "NAME", "KIND", "SERVING"
    ));
    for row in &answer.plugins {
        let slow = if row.hot_path == Some(false) { ", slow" } else { "" };
        say(format_args!(
            "{:name$}  {:8}  {:serving$}  {}{slow}",
            row.name,
            row.kind.as_deref().unwrap_or("-"),
            row.serving.as_deref().unwrap_or("-"),
            row.state
        ));
        if let Some(problem) = &row.problem {
            say(format_args!("{:name$}  {problem}", ""));
        }
    }
    answer
        .notices
        .iter()
        .for_each(|notice| say(format_args!("note: {notice}")));
}
