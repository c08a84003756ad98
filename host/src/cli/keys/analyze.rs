//! `patchbay keys analyze`: one account, from its state to what to do about it.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;

use super::words::{for_how_long, key_cell, next_try, note, percent, shown_key, shown_latency, style};
use super::{Named, limits, understood};
use crate::accounts::{Analysis, EventView, KeyView, Traffic};
use crate::cli::lines::{INDENT, fact, line};
use crate::cli::output::{Look, say_json};
use crate::cli::remote::Remote;
use crate::cli::style::{BOLD, QUIET, painted};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::text::{WIDTH, ago, clean};

/// Longest message that is shown whole, in columns.
const LONGEST_MESSAGE: usize = 600;
/// Longest class that is shown, in columns.
const LONGEST_CLASS: usize = 24;
/// Longest change of state that is shown, in columns.
const LONGEST_CHANGE: usize = 36;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay keys analyze openai/main --config patchbay.toml
  patchbay keys analyze openai/main --history 100
  patchbay keys analyze openai/main --json | jq -r '.advice[].action'")]
pub(in crate::cli) struct Analyze {
    /// Whose
    #[arg(value_name = "VENDOR/ACCOUNT", value_parser = Named::parse_account)]
    named: Named,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    look: Look,
    /// Show so many events of its history
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    history: usize,
}

// === impl Analyze ===

impl Analyze {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Named { vendor, account, .. } = &self.named;
        let history = self.history.to_string();
        let told = self
            .remote
            .find()?
            .get(&["admin", "keys", vendor, account], &[("history", &history)])?;
        if self.look.json {
            say_json(&told);
        } else {
            self.look.show(&render(&understood(told)?));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn render(analysis: &Analysis) -> String {
    let (account, now) = (&analysis.account, analysis.now);
    let name = clean(&format!("{}/{}", account.vendor, account.account), WIDTH);
    let mut text = format!("{}\n\n", painted(BOLD, &name));
    text.push_str(&facts(&account.key, &account.traffic, now));
    for known in &analysis.advice {
        let of = known.model.as_deref().map_or_else(String::new, |model| {
            format!(
                "\n{}\n",
                painted(BOLD, &format!("With {}", clean(model, WIDTH - 5)))
            )
        });
        let advice = &known.advice;
        let _ = writeln!(text, "{of}");
        text.push_str(&fact("It means", &advice.meaning));
        text.push_str(&fact("By itself", &advice.next));
        text.push_str(&fact("To do", &advice.action));
    }
    text.push_str(&limits::table(account, now));
    if !account.models.is_empty() {
        text.push('\n');
        text.push_str(&models(analysis).render(WIDTH));
    }
    text.push('\n');
    text.push_str(&history(&analysis.history, now));
    text
}

/// One line for each thing that is known of the key.
fn facts(key: &KeyView, traffic: &Traffic, now: u64) -> String {
    let lasted = match for_how_long(key, now) {
        lasted if lasted.is_empty() => lasted,
        lasted => format!(" for {lasted}"),
    };
    let mut text = line("State", &format!("{}{lasted}", shown_key(key)));
    if let Some(class) = &key.class {
        text.push_str(&line("Class", &clean(class, WIDTH - INDENT)));
    }
    if let Some(message) = &key.message {
        text.push_str(&fact("Said", &clean(message, LONGEST_MESSAGE)));
    }
    if let (Some(first), Some(last)) = (key.first_error, key.last_error) {
        let times = format!("first {}, last {}", ago(now, first), ago(now, last));
        text.push_str(&line("Errors", &times));
    }
    if key.state != "available" && key.class.is_some() {
        let tried = match key.attempts {
            0 => "not yet".to_owned(),
            1 => "once, in vain".to_owned(),
            count => format!("{count} times in vain"),
        };
        text.push_str(&line("Tried again", &tried));
    }
    match next_try(key, now) {
        next if next.is_empty() => {}
        next => text.push_str(&line("Next try", &next)),
    }
    let requests = match (
        traffic.requests,
        percent(traffic),
        shown_latency(traffic.latency_ms),
    ) {
        (0, ..) => "none since the gateway started".to_owned(),
        (count, ok, latency) => {
            let latency = if latency.is_empty() {
                latency
            } else {
                format!(", {latency} on average")
            };
            format!(
                "{count}, {ok} of the latest ok{latency}, {} under way",
                traffic.in_flight
            )
        }
    };
    text.push_str(&line("Requests", &requests));
    text
}

fn models(analysis: &Analysis) -> Table {
    let mut table = Table::new(&[
        Column::Left("MODEL"),
        Column::Left("STATE"),
        Column::Right("FOR"),
        Column::Left("NEXT TRY"),
        Column::Right("REQUESTS"),
        Column::Right("OK"),
        Column::Right("LATENCY"),
    ]);
    for model in &analysis.account.models {
        table.row([
            Cell::new(clean(&model.model, WIDTH)),
            key_cell(&model.key),
            Cell::new(for_how_long(&model.key, analysis.now)),
            Cell::new(next_try(&model.key, analysis.now)),
            Cell::new(model.traffic.requests.to_string()),
            Cell::new(percent(&model.traffic)),
            Cell::new(shown_latency(model.traffic.latency_ms)),
        ]);
        if let Some(why) = note(&model.key) {
            table.note(format!("  {}", painted(QUIET, &clean(&why, WIDTH - 2))));
        }
    }
    table
}

fn history(events: &[EventView], now: u64) -> String {
    if events.is_empty() {
        return "Nothing has ever happened to it.\n".to_owned();
    }
    let mut table = Table::new(&[
        Column::Left("HISTORY"),
        Column::Left("MODEL"),
        Column::Left("CHANGE"),
        Column::Left("CLASS"),
    ]);
    let models = events.iter().any(|event| event.model.is_some());
    if !models {
        table = Table::new(&[
            Column::Left("HISTORY"),
            Column::Left("CHANGE"),
            Column::Left("CLASS"),
        ]);
    }
    for event in events {
        let model = event.model.as_deref().unwrap_or("all");
        let change = format!("{} → {}", event.from, event.to);
        let change = Cell::styled(style(&event.to), clean(&change, LONGEST_CHANGE));
        let class = clean(event.class.as_deref().unwrap_or_default(), LONGEST_CLASS);
        let cells = [Cell::new(ago(now, event.at)), change, Cell::new(class)];
        let mut cells = Vec::from(cells);
        if models {
            cells.insert(1, Cell::new(clean(model, 16)));
        }
        table.row(cells);
    }
    table.render(WIDTH)
}

#[cfg(test)]
mod tests;
