//! `patchbay config`

mod show;

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};

use super::change::{Changes, Changing};
use crate::config::{SettingPath, from_text, holds_secret};

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Show every setting of the running gateway, and where it comes from
    Show(show::Show),
    /// Change a setting of the running gateway; it wins over the file until it is unset
    Set(Set),
    /// Forget what was set at run time; the file's value holds again
    Unset(Unset),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay config set vendors.openai.accounts.main.weight 2.5
  patchbay config set 'vendors.openai.models.\"gpt-4.1\".enabled' false
  patchbay config set models.fast.strategy priority
  patchbay config set routing.settings '{ margin = 2 }'
  patchbay config set vendors.spare - < spare.toml-value

PATH is as `patchbay config show` prints it; names with dots are quoted. VALUE is as in the file; text needs no
quotes. Accounts and models, public models, routing and default_model can be set, and vendors that the file does not
have; the rest is for the file alone. It is kept in the database and in effect at once.")]
pub(super) struct Set {
    /// Which setting
    path: String,
    /// What it is to be, or - to read that from standard input
    #[arg(allow_hyphen_values = true)]
    value: String,
    #[command(flatten)]
    changing: Changing,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay config unset vendors.openai.accounts.main.weight
  patchbay config unset vendors.openai.accounts.main    everything that was set for it

Settings that were set aside are forgotten the same way.")]
pub(super) struct Unset {
    /// Which setting, with everything below it
    path: String,
    #[command(flatten)]
    changing: Changing,
}

// === impl Config ===

impl Config {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Show(show) => show.run(),
            Self::Set(set) => set.run(),
            Self::Unset(unset) => unset.run(),
        }
    }
}

// === impl Set ===

impl Set {
    fn run(self) -> anyhow::Result<ExitCode> {
        let path: SettingPath = self.path.parse()?;
        let piped = self.value == "-";
        let text = if piped { standard_input()? } else { self.value };
        let value = from_text(&text).map_err(|why| anyhow!("the value {why}"))?;
        let mut changes = Changes::default();
        if !holds_secret(&path, &value) {
            changes.set(&path, &value);
        } else if piped {
            changes.set_silently(&path, &value, format!("{path} is set"));
        } else {
            let keys = path.keys();
            let advice = match keys[..] {
                ["vendors", vendor, "accounts", account, ..] => {
                    format!("patchbay keys rotate {vendor}/{account}")
                }
                _ => format!("patchbay config set {path} - < FILE"),
            };
            bail!("a credential is not taken from an argument, which others can see; use: {advice}");
        }
        self.changing.make(&changes)
    }
}

// === impl Unset ===

impl Unset {
    fn run(self) -> anyhow::Result<ExitCode> {
        let path: SettingPath = self.path.parse()?;
        let mut changes = Changes::default();
        changes.unset(&path, format!("{path} is as in the file again"));
        self.changing.make(&changes)
    }
}

fn standard_input() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("cannot read standard input")?;
    Ok(text)
}
