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
  patchbay check -c patchbay.toml --strict        in CI: nothing is missing, and no setting refused by its plugin

Exit codes: 0 the configuration can be used, 1 it cannot or, with --strict, not all of it.")]
pub(super) struct Check {
    #[command(flatten)]
    path: ConfigPath,
    /// Fail on warnings, notes and plugins that do not load, too: a gateway would serve, but not all as it is written
    #[arg(long)]
    strict: bool,
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
            print(&checked, self.strict);
        }
        if checked.ok && !(self.strict && checked.lacks_something()) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn print(checked: &Checked, strict: bool) {
    checked.problems.iter().for_each(say);
    checked.plugins.iter().for_each(say);
    checked
        .notices
        .iter()
        .for_each(|notice| say(format_args!("note: {notice}")));
    let file = &checked.file;
    if !checked.ok {
        say(format_args!("{file}: cannot be used"));
    } else if strict && checked.lacks_something() {
        say(format_args!(
            "{file}: would serve, but not all of it as it is written"
        ));
    } else {
        say(format_args!("{file}: ok, {} public models", checked.models));
    }
}
