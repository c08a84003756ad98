//! `patchbay keys set`, `disable`, `enable` and `remove`

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::change::{Changes, Changing, Owned};

/// How much of the traffic something gets.
#[derive(Debug, Args)]
pub(in crate::cli) struct Share {
    /// Share of the traffic, for strategies that use it
    #[arg(long, allow_negative_numbers = true)]
    weight: Option<f64>,
    /// Lower goes first
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i64>,
    /// For strategies that use them, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "TAG,...")]
    tags: Option<Vec<String>>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay keys set openai/main --weight 2.5
  patchbay keys set openai/main --priority -1 --tags paid,eu")]
pub(in crate::cli) struct Set {
    #[arg(value_name = "VENDOR/ACCOUNT")]
    account: String,
    #[command(flatten)]
    share: Share,
    #[command(flatten)]
    changing: Changing,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay keys disable openai/main
  patchbay keys enable openai/main

Requests under way finish. It stays so over restarts.")]
pub(in crate::cli) struct Switch {
    #[arg(value_name = "VENDOR/ACCOUNT")]
    account: String,
    #[command(flatten)]
    changing: Changing,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay keys remove openai/second

Requests under way finish; then nothing is known of it any more. An account that stands in the file stays away until
`patchbay config unset vendors.VENDOR.accounts.ACCOUNT`.")]
pub(in crate::cli) struct Remove {
    #[arg(value_name = "VENDOR/ACCOUNT")]
    account: String,
    #[command(flatten)]
    changing: Changing,
}

// === impl Share ===

impl Share {
    pub(in crate::cli) fn fields(&self) -> Vec<(String, Value)> {
        let fields = [
            ("weight", self.weight.map(Value::from)),
            ("priority", self.priority.map(Value::from)),
            ("tags", self.tags.as_ref().map(|tags| json!(tags))),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

// === impl Set ===

impl Set {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let account = Owned::read(&self.account, "ACCOUNT")?;
        let mut changes = Changes::default();
        for (field, value) in self.share.fields() {
            changes.set(&account.path("accounts", &[&field]), &value);
        }
        if changes.is_empty() {
            bail!("nothing to set; give --weight, --priority or --tags");
        }
        self.changing.make(&changes)
    }
}

// === impl Switch ===

impl Switch {
    pub(super) fn run(self, enabled: bool) -> anyhow::Result<ExitCode> {
        let path = Owned::read(&self.account, "ACCOUNT")?.path("accounts", &["enabled"]);
        let mut changes = Changes::default();
        changes.set(&path, &enabled.into());
        self.changing.make(&changes)
    }
}

// === impl Remove ===

impl Remove {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let path = Owned::read(&self.account, "ACCOUNT")?.path("accounts", &[]);
        let mut changes = Changes::default();
        changes.remove(&path, format!("{} is removed", self.account));
        self.changing.make(&changes)
    }
}
