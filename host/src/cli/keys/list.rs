//! `patchbay keys list`

use std::process::ExitCode;

use clap::Args;

use super::understood;
use super::words::{key_cell, next_try, urgency};
use crate::accounts::{KeyView, Keys};
use crate::cli::output::{Look, say_json};
use crate::cli::remote::Remote;
use crate::cli::table::{Cell, Column, Table};
use crate::cli::text::{WIDTH, clean};

/// Longest name of a class that is shown, in columns.
const LONGEST_CLASS: usize = 24;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay keys list --config patchbay.toml
  patchbay keys list --vendor openai --models
  patchbay keys list --state 'out of service' --json | jq -r '.accounts[].account'")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    look: Look,
    /// Only accounts of this vendor
    #[arg(long, value_name = "NAME")]
    vendor: Option<String>,
    /// Only what is in this state, such as \"available\", \"cooling down\", \"out of service\" or \"disabled by failure\"
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Each account's models too, not only those that are not available
    #[arg(long)]
    models: bool,
}

// === impl List ===

impl List {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let query: Vec<(&str, &str)> = self
            .vendor
            .iter()
            .map(|vendor| ("vendor", vendor.as_str()))
            .collect();
        let told = self.remote.find()?.get(&["admin", "keys"], &query)?;
        let mut keys: Keys = understood(told)?;
        if let Some(state) = &self.state {
            keys.keep(state);
        }
        if self.look.json {
            say_json(&keys);
        } else {
            self.look.show(&render(&keys, self.models, self.state.as_deref()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

// === impl Keys ===

impl Keys {
    /// Only accounts that are in this state or have models that are, with these models.
    fn keep(&mut self, state: &str) {
        for account in &mut self.accounts {
            account.models.retain(|model| model.key.state == state);
        }
        self.accounts
            .retain(|account| account.key.state == state || !account.models.is_empty());
    }
}

/// `wanted`: the only state that is looked for.
fn render(keys: &Keys, models: bool, wanted: Option<&str>) -> String {
    let fits = |key: &KeyView| wanted.is_none_or(|state| key.state == state);
    let mut rows: Vec<(String, &KeyView)> = Vec::new();
    for account in &keys.accounts {
        let name = format!("{}/{}", account.vendor, account.account);
        let shown = account
            .models
            .iter()
            .filter(|model| models || model.key.state != "available" && model.key.state != account.key.state);
        let shown = shown.map(|model| (format!("{name}/{}", model.model), &model.key));
        rows.extend(
            [(name.clone(), &account.key)]
                .into_iter()
                .chain(shown)
                .filter(|(_, key)| fits(key)),
        );
    }
    if rows.is_empty() {
        return match wanted {
            Some(state) => format!("No key is {}.\n", clean(state, WIDTH)),
            None => "There are no accounts.\n".to_owned(),
        };
    }
    rows.sort_by_key(|(_, key)| urgency(&key.state));
    let mut table = Table::new(&[
        Column::Left("KEY"),
        Column::Left("STATE"),
        Column::Left("CLASS"),
        Column::Left("NEXT TRY"),
    ]);
    for (name, key) in rows {
        let class = key.class.as_deref().unwrap_or_default();
        table.row([
            Cell::new(clean(&name, WIDTH)),
            key_cell(key),
            Cell::new(clean(class, LONGEST_CLASS)),
            Cell::new(next_try(key, keys.now)),
        ]);
    }
    table.render(WIDTH)
}
