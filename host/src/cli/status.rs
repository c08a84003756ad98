//! `patchbay status`: every account at a glance, those that need somebody first.

use std::process::ExitCode;
use std::thread::park_timeout;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use super::keys::limits;
use super::keys::words::{
    for_how_long, key_cell, needs_somebody, next_try, note, percent, shown_latency, shown_state, urgency,
};
use super::output::{Look, say_json};
use super::remote::{Remote, Running};
use super::style::{BOLD, QUIET, painted};
use super::table::{Cell, Column, Table};
use super::text::{WIDTH, clean, span};
use crate::accounts::{AccountView, KeyView, Status, Traffic, UNAVAILABLE};

/// Between two looks.
const WATCH: Duration = Duration::from_secs(2);
/// To the upper left, and everything below wiped.
const WIPE: &str = "\u{1b}[H\u{1b}[J";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay status --config patchbay.toml
  patchbay status --watch
  patchbay status --json | jq '.accounts[] | select(.state != \"available\") | .account'
  PATCHBAY_ADMIN_KEY=... patchbay status --url http://127.0.0.1:8080")]
pub(super) struct Show {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    look: Look,
    /// Show it again every two seconds, until interrupted
    #[arg(short, long, conflicts_with = "json")]
    watch: bool,
}

// === impl Show ===

impl Show {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let running = self.remote.find()?;
        if self.watch {
            self.keep_showing(&running);
        }
        let told = ask(&running)?;
        if self.look.json {
            say_json(&told);
        } else {
            self.look.show(&rendered(told, &running)?);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn keep_showing(&self, running: &Running) -> ! {
        loop {
            let text = ask(running)
                .and_then(|told| rendered(told, running))
                // A gateway that is started again comes back.
                .unwrap_or_else(|error| format!("{error:#}\n"));
            self.look.show(&format!("{WIPE}{text}"));
            park_timeout(WATCH);
        }
    }
}

fn ask(running: &Running) -> anyhow::Result<Value> {
    running.get(&["admin", "status"], &[])
}

fn rendered(told: Value, running: &Running) -> anyhow::Result<String> {
    let status = serde_json::from_value(told).context("the gateway's answer is not understood")?;
    Ok(render(&status, &running.place()))
}

/// `place`: where the gateway was asked.
fn render(status: &Status, place: &str) -> String {
    let mut accounts: Vec<&AccountView> = status.accounts.iter().collect();
    accounts.sort_by_key(|account| {
        let models = account.models.iter().map(|model| urgency(&model.key.state));
        let own = urgency(&account.key.state);
        (own.min(models.min().unwrap_or(own)), own)
    });
    let mut text = head(status, place);
    if !accounts.is_empty() {
        text.push('\n');
        text.push_str(&table(&accounts, status.now).render(WIDTH));
    }
    text.push('\n');
    text.push_str(&foot(status, &accounts));
    text
}

fn head(status: &Status, place: &str) -> String {
    let name = painted(BOLD, &format!("patchbay {}", clean(&status.version, 20)));
    let up = span(status.uptime_seconds * 1000);
    let under_way = match status.totals.in_flight {
        0 => "nothing under way".to_owned(),
        count => format!("{count} under way"),
    };
    let mut states: Vec<(&String, &usize)> = status.totals.accounts.iter().collect();
    states.sort_by_key(|(state, _)| urgency(state));
    let states: Vec<String> = states
        .into_iter()
        .map(|(state, count)| format!("{count} {}", shown_state(state)))
        .collect();
    let accounts = match status.accounts.len() {
        0 => "no accounts".to_owned(),
        1 => format!("1 account: {}", states.join(", ")),
        count => format!("{count} accounts: {}", states.join(", ")),
    };
    format!("{name} at {place}, up {up}, {under_way}\n{accounts}\n")
}

fn table(accounts: &[&AccountView], now: u64) -> Table {
    let mut table = Table::new(&[
        Column::Left("ACCOUNT"),
        Column::Left("STATE"),
        Column::Right("FOR"),
        Column::Left("NEXT TRY"),
        Column::Right("OK"),
        Column::Right("LATENCY"),
    ]);
    for account in accounts {
        let name = format!("{}/{}", account.vendor, account.account);
        row(&mut table, &name, &account.key, &account.traffic, now);
        for warning in limits::warnings(account, now) {
            table.note(format!("  {warning}"));
        }
        // Where there is no way to the account, there is none to its models.
        let models = account.models.iter().filter(|_| account.key.state != UNAVAILABLE);
        for model in models.filter(|model| model.key.state != "available") {
            row(
                &mut table,
                &format!("  {}", model.model),
                &model.key,
                &model.traffic,
                now,
            );
        }
    }
    table
}

fn row(table: &mut Table, name: &str, key: &KeyView, traffic: &Traffic, now: u64) {
    table.row([
        Cell::new(clean_name(name)),
        key_cell(key),
        Cell::new(for_how_long(key, now)),
        Cell::new(next_try(key, now)),
        Cell::new(percent(traffic)),
        Cell::new(shown_latency(traffic.latency_ms)),
    ]);
    if let Some(why) = note(key) {
        let indent = name.len() - name.trim_start().len() + 2;
        let why = clean(&why, WIDTH - indent);
        table.note(format!("{}{}", " ".repeat(indent), painted(QUIET, &why)));
    }
}

/// With the blanks that it begins with.
fn clean_name(name: &str) -> String {
    let blanks = name.len() - name.trim_start().len();
    format!("{}{}", " ".repeat(blanks), clean(name, WIDTH))
}

/// What to do next.
fn foot(status: &Status, accounts: &[&AccountView]) -> String {
    let due = match status.totals.due {
        0 => String::new(),
        1 => "1 key is ready for its recheck: the next request makes it.\n".to_owned(),
        count => format!("{count} keys are ready for their recheck: the next requests make it.\n"),
    };
    let troubled = |account: &&&AccountView| {
        let models = account.models.iter().map(|model| &model.key);
        models.chain([&account.key]).any(|key| needs_somebody(&key.state))
    };
    let next = match accounts.iter().find(troubled) {
        _ if accounts.is_empty() => {
            "Next: add [vendors.NAME] with an account to the configuration.".to_owned()
        }
        Some(account) => {
            let name = format!("{}/{}", account.vendor, account.account);
            format!(
                "Next: `patchbay keys analyze {}` says what to do.",
                clean(&name, WIDTH)
            )
        }
        None if status.totals.accounts.keys().all(|state| state == "available")
            && status.totals.models.keys().all(|state| state == "available") =>
        {
            "All accounts can serve.".to_owned()
        }
        None => "Nothing needs you: what is left alone is tried again by itself.".to_owned(),
    };
    format!("{due}{next}\n")
}

#[cfg(test)]
pub(super) mod tests;
