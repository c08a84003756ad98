//! What is printed in the end.

use std::io::Write;
use std::time::Duration;

use crate::attack::Attack;
use crate::stage::Report;

/// A row for each attack.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<[String; 7]>,
}

const HEAD: [&str; 7] = [
    "attack",
    "outcome",
    "defence lifted",
    "contained in",
    "innocent p99 with",
    "without",
    "answers",
];
/// The outcome is cut to this many characters.
const WIDEST: usize = 110;
/// The outcome without the defence is cut to this many.
const NARROW: usize = 40;

// === impl Table ===

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// `lifted`: what it came to without its defence.
    pub(crate) fn add(&mut self, attack: &Attack, report: &Report, lifted: Option<&str>) {
        self.rows.push([
            attack.name.to_owned(),
            brief(&report.outcome, WIDEST),
            lifted.map(|outcome| brief(outcome, NARROW)).unwrap_or_default(),
            millis(report.contained_in),
            millis(report.p99_with),
            millis(report.p99_without),
            report.served.to_string(),
        ]);
    }

    pub(crate) fn print(&self) {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([HEAD[column].len()]).max().unwrap_or_default()
        };
        let widths: [usize; 7] = std::array::from_fn(width);
        let line = |cells: &[String; 7]| {
            let cells = cells
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{cell:width$}"));
            say(cells.collect::<Vec<_>>().join(" | ").trim_end());
        };
        line(&HEAD.map(str::to_owned));
        line(&widths.map(|width| "-".repeat(width)));
        self.rows.iter().for_each(line);
    }
}

/// What callers got and why; how often it was counted is checked elsewhere.
fn brief(outcome: &str, widest: usize) -> String {
    let lines = outcome.lines().filter(|line| !line.starts_with("counted: "));
    let text: Vec<&str> = lines.map(|line| line.trim_start_matches("callers: ")).collect();
    let text = match &text[..] {
        [kept, logged] if kept.trim_start_matches("kept: ") == logged.trim_start_matches("logged: ") => {
            (*kept).to_owned()
        }
        lines => lines.join("; ").replace("logged: ", ""),
    };
    text.chars().take(widest).collect()
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
