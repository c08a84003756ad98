//! `patchbay keys report`

use std::process::ExitCode;

use clap::Args;

use super::understood;
use crate::cli::output::{Look, say_json};
use crate::cli::remote::Remote;
use crate::cli::style::{BOLD, painted};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::text::{WIDTH, clean, span};
use crate::pool::{Counts, Report};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay keys report --config patchbay.toml
  patchbay keys report --days 30
  patchbay keys report --json | jq '.classes.rate_limit_exceeded'

Counted from the history that the gateway keeps, which ends after the 1,000 latest events of each key.")]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    look: Look,
    /// Of so many days up to now
    #[arg(long, value_name = "COUNT", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
}

// === impl Show ===

impl Show {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let days = self.days.to_string();
        let told = self
            .remote
            .find()?
            .get(&["admin", "keys", "report"], &[("days", &days)])?;
        if self.look.json {
            say_json(&told);
        } else {
            self.look.show(&render(&understood(told)?));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn render(report: &Report) -> String {
    let length = match report.to.saturating_sub(report.from) / 86_400_000 {
        1 => "day".to_owned(),
        days => format!("{days} days"),
    };
    if report.classes.is_empty() && report.out_of_service.is_empty() {
        return format!("In the last {length} no key was left alone or taken out of service.\n");
    }
    let head = painted(BOLD, &format!("What became of keys in the last {length}"));
    let mut text = format!("{head}\n");
    if !report.classes.is_empty() {
        let classes = report
            .classes
            .iter()
            .map(|(class, counts)| (class.as_str(), *counts));
        let days = report
            .days
            .iter()
            .map(|day| (day.day.as_str(), Counts::sum(day.classes.values())));
        text = format!("{text}\n{}\n{}", counted("CLASS", classes), counted("DAY", days));
    }
    if !report.out_of_service.is_empty() {
        text = format!("{text}\n{}", absences(report));
    }
    text
}

fn counted<'a>(what: &'static str, rows: impl Iterator<Item = (&'a str, Counts)>) -> String {
    let mut table = Table::new(&[
        Column::Left(what),
        Column::Right("COOLED DOWN"),
        Column::Right("TAKEN OUT"),
        Column::Right("BACK"),
        Column::Right("BY HAND"),
        Column::Right("RECHECKS OK"),
    ]);
    for (name, counts) in rows {
        let number = |count: u64| {
            Cell::new(if count == 0 {
                "-".to_owned()
            } else {
                count.to_string()
            })
        };
        let rechecks = match counts.rechecks_passed + counts.rechecks_failed {
            0 => "-".to_owned(),
            all => format!("{} of {all}", counts.rechecks_passed),
        };
        table.row([
            Cell::new(clean(name, WIDTH)),
            number(counts.cooled_down),
            number(counts.taken_out),
            number(counts.recovered),
            number(counts.reset),
            Cell::new(rechecks),
        ]);
    }
    table.render(WIDTH)
}

fn absences(report: &Report) -> String {
    let mut table = Table::new(&[
        Column::Left("OUT OF SERVICE"),
        Column::Right("TIMES"),
        Column::Right("FOR"),
        Column::Left(""),
    ]);
    for absence in &report.out_of_service {
        let model = absence
            .model
            .iter()
            .map(|model| format!("/{model}"))
            .collect::<String>();
        let name = format!("{}/{}{model}", absence.vendor, absence.account);
        table.row([
            Cell::new(clean(&name, WIDTH)),
            Cell::new(absence.times.to_string()),
            Cell::new(span(absence.seconds.saturating_mul(1000))),
            Cell::new(if absence.now { "still" } else { "" }),
        ]);
    }
    table.render(WIDTH)
}

#[cfg(test)]
mod tests;
