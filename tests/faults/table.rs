//! What is printed in the end: a row for each fault, in Markdown.

use std::io::Write;
use std::time::Duration;

use crate::cell::{Cell, DIALECTS, FORMS};
use crate::oracle::Judgement;

/// Rows in the order in which their faults first come.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    fault: &'static str,
    /// By dialect and form: alone, and with another candidate.
    outcomes: [[String; 2]; 4],
    /// How long anything went on for a caller that had left.
    left: Vec<Duration>,
    /// One of them is not as it must be.
    left_wrongly: bool,
}

// === impl Table ===

impl Table {
    pub(crate) fn add(&mut self, cell: &Cell, judgement: &Judgement) {
        let name = cell.fault.name;
        let at = self
            .rows
            .iter()
            .position(|row| row.fault == name)
            .unwrap_or_else(|| {
                self.rows.push(Row {
                    fault: name,
                    outcomes: Default::default(),
                    left: Vec::new(),
                    left_wrongly: false,
                });
                self.rows.len() - 1
            });
        let row = &mut self.rows[at];
        let column = 2 * cell.dialect as usize + cell.form as usize;
        let failed = !judgement.complaints.is_empty();
        match &judgement.outcome {
            _ if cell.leaves.is_some() && failed => row.left_wrongly = true,
            Err(time) => row.left.push(*time),
            // It was too late to leave.
            Ok(_) if cell.leaves.is_some() => {}
            Ok(outcome) => {
                let mark = if failed { "FAILED: " } else { "" };
                row.outcomes[column][usize::from(cell.fallback)] = format!("{mark}{outcome}");
            }
        }
    }

    pub(crate) fn print(&self) {
        let kinds = DIALECTS.iter().flat_map(|dialect| {
            FORMS.map(|form| format!("{}, {}: alone / not", form.name(), dialect.name()))
        });
        let head: Vec<String> = std::iter::once("fault".to_owned())
            .chain(kinds)
            .chain(["caller leaves: over in".to_owned()])
            .collect();
        let lines: Vec<Vec<String>> = self.rows.iter().map(Row::cells).collect();
        let width = |column: usize| {
            let cells = lines
                .iter()
                .chain([&head])
                .map(|line| line[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let print = |line: &[String]| {
            let cells = line.iter().zip(&widths);
            let cells: Vec<String> = cells.map(|(cell, &width)| format!("{cell:width$}")).collect();
            say(&format!("| {} |", cells.join(" | ")));
        };
        print(&head);
        print(&widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>());
        lines.iter().for_each(|line| print(line));
    }
}

// === impl Row ===

impl Row {
    fn cells(&self) -> Vec<String> {
        let outcomes = self.outcomes.iter().map(|[alone, backed]| {
            if alone == backed {
                alone.clone()
            } else {
                format!("{alone} / {backed}")
            }
        });
        let left = match self.left.iter().max() {
            _ if self.left_wrongly => "FAILED".to_owned(),
            None => "it never did".to_owned(),
            Some(longest) => format!("{} ms", longest.as_millis()),
        };
        std::iter::once(self.fault.to_owned())
            .chain(outcomes)
            .chain([left])
            .collect()
    }
}

pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
