//! `patchbay check`

use std::process::ExitCode;

use clap::Args;

use super::ConfigPath;
use super::output::{patiently, say, say_json};
use crate::check::{Checked, check};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay check --config patchbay.toml
  patchbay check -c patchbay.toml --json | jq '.problems[]'

Exit codes: 0 the configuration can be used, 1 it cannot.")]
pub(super) struct Check {
    #[command(flatten)]
    path: ConfigPath,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

// === impl Check ===

impl Check {
    pub(super) fn run(self) -> ExitCode {
        let checked = patiently("compiling the plugins", || check(&self.path.config));
        if self.json {
            say_json(&checked);
        } else {
            print(&checked);
        }
        if checked.ok {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn print(checked: &Checked) {
    checked.problems.iter().for_each(say);
    checked.plugins.iter().for_each(say);
    checked
        .notices
        .iter()
        .for_each(|notice| say(format_args!("note: {notice}")));
    if checked.ok {
        say(format_args!(
            "{}: ok, {} public models",
            checked.file, checked.models
        ));
    } else {
        say(format_args!("{}: cannot be used", checked.file));
    }
}
