//! `patchbay keys recheck`

use std::process::ExitCode;

use clap::Args;
use http::Method;
use serde_json::json;

use super::words::{key_cell, note, state_cell};
use super::{Named, understood};
use crate::accounts::Changed;
use crate::cli::output::{Look, say_json};
use crate::cli::remote::Remote;
use crate::cli::style::{QUIET, painted};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::text::{WIDTH, clean};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay keys recheck openai/main               one account with all of its models
  patchbay keys recheck openai                    all accounts of a vendor (or --vendor openai)
  patchbay keys recheck all --json | jq '.keys[] | select(.state != \"available\")'

Only what is not available is tried. A key that is still refused goes back to where it was.")]
pub(in crate::cli) struct Recheck {
    /// Whose: an account, one of its models, all accounts of a vendor, or \"all\"
    #[arg(value_name = "VENDOR[/ACCOUNT[/MODEL]]|all", value_parser = Whose::parse, required_unless_present = "vendor")]
    whose: Option<Whose>,
    /// All accounts of this vendor, whatever it is called
    #[arg(long, value_name = "NAME", conflicts_with = "whose")]
    vendor: Option<String>,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    look: Look,
}

#[derive(Debug, Clone)]
enum Whose {
    All,
    Vendor(String),
    Account(Named),
}

// === impl Recheck ===

impl Recheck {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let vendor = self.vendor.map(Whose::Vendor);
        let whose = vendor.or(self.whose).unwrap_or(Whose::All);
        let running = self.remote.find()?;
        let post = |path: &[&str], body| running.ask(Method::POST, path, &[], Some(&body));
        let told = match &whose {
            Whose::All => post(&["admin", "keys", "recheck"], json!({"all": true})),
            Whose::Vendor(name) => post(&["admin", "keys", "recheck"], json!({"vendor": name})),
            Whose::Account(named) => post(
                &["admin", "keys", &named.vendor, &named.account, "recheck"],
                json!({"model": named.model}),
            ),
        }?;
        show(
            told,
            &self.look,
            "Nothing to recheck: everything there is available.",
        )
    }
}

/// What came of it. `nothing`: what to say if there was nothing to do.
pub(super) fn show(told: serde_json::Value, look: &Look, nothing: &str) -> anyhow::Result<ExitCode> {
    if look.json {
        say_json(&told);
    } else {
        look.show(&render(&understood(told)?, nothing));
    }
    Ok(ExitCode::SUCCESS)
}

fn render(changed: &Changed, nothing: &str) -> String {
    if changed.keys.is_empty() {
        return format!("{nothing}\n");
    }
    let mut table = Table::new(&[Column::Left("KEY"), Column::Left("BEFORE"), Column::Left("NOW")]);
    for change in &changed.keys {
        let model = change
            .model
            .iter()
            .map(|model| format!("/{model}"))
            .collect::<String>();
        let name = format!("{}/{}{model}", change.vendor, change.account);
        table.row([
            Cell::new(clean(&name, WIDTH)),
            state_cell(&change.before),
            key_cell(&change.key),
        ]);
        if let Some(found) = &change.probe {
            let found = clean(&format!("probe: {found}"), WIDTH - 2);
            table.note(format!("  {}", painted(QUIET, &found)));
        }
        if let Some(why) = note(&change.key) {
            table.note(format!("  {}", painted(QUIET, &clean(&why, WIDTH - 2))));
        }
    }
    let back = changed
        .keys
        .iter()
        .filter(|change| change.key.state == "available")
        .count();
    format!(
        "{}\nAvailable again: {back} of {}.\n",
        table.render(WIDTH),
        changed.keys.len()
    )
}

// === impl Whose ===

impl Whose {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            "" => Err("write VENDOR, VENDOR/ACCOUNT or all".to_owned()),
            vendor if !vendor.contains('/') => Ok(Self::Vendor(vendor.to_owned())),
            account => Named::parse(account).map(Self::Account),
        }
    }
}
