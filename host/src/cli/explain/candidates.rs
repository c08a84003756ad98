//! The candidates of a decision as a table: those columns that say most, as many as a terminal holds.

use std::collections::BTreeSet;

use super::full;
use crate::cli::keys::words::shown_latency;
use crate::cli::style::{PLAIN, QUIET, painted};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::text::{WIDTH, width};
use crate::decision::told::{CandidateView, Explained, Fact};

/// Rows that are shown.
const ROWS: usize = 20;
/// What the names of candidates have at least, in columns, before they give way to a fact.
const NAMES: usize = 30;
/// What is shown where it is not known.
const UNKNOWN: &str = "?";
/// A fact by its name, the title of its column, and how its numbers are shown. What says most in general comes first.
const FACTS: [(&str, &str, How); 14] = [
    ("health", "HEALTH", How::Health),
    ("success-rate", "OK", How::Share),
    ("latency-ms", "LATENCY", How::Millis),
    ("in-flight", "UNDER WAY", How::Plain),
    ("consecutive-failures", "IN A ROW", How::Plain),
    ("quota-left", "QUOTA", How::Share),
    ("input-price", "INPUT", How::Dollars),
    ("output-price", "OUTPUT", How::Dollars),
    ("weight", "WEIGHT", How::Plain),
    ("priority", "PRIORITY", How::Plain),
    ("first-token-ms", "FIRST", How::Millis),
    ("latency-p95-ms", "P95", How::Millis),
    ("requests", "REQUESTS", How::Plain),
    ("context-length", "CONTEXT", How::Plain),
];

#[derive(Debug, Clone, Copy)]
enum How {
    Plain,
    Health,
    Share,
    Millis,
    Dollars,
}

type Shown = (&'static str, &'static str, How);

pub(super) fn table(told: &Explained) -> String {
    let shown: Vec<&CandidateView> = told.candidates.iter().take(ROWS).collect();
    let facts = facts(told, &shown);
    let shadow = told.shadow.as_ref().and_then(|shadow| shadow.order.as_ref());
    let mut columns = vec![Column::Left("CANDIDATE"), Column::Left("READY")];
    columns.extend(facts.iter().map(|&(_, title, _)| Column::Right(title)));
    columns.extend(shadow.map(|_| Column::Right("SHADOW")));
    let mut table = Table::new(&columns);
    for candidate in &shown {
        let style = if candidate.available { PLAIN } else { QUIET };
        let ready = if candidate.available { "yes" } else { "no" };
        let mut cells = vec![
            Cell::styled(style, row_name(candidate)),
            Cell::styled(style, ready),
        ];
        let facts = facts
            .iter()
            .map(|fact| Cell::styled(style, cell(candidate, fact)));
        cells.extend(facts);
        cells.extend(shadow.map(|order| {
            let place = order.iter().position(|name| *name == candidate.name);
            Cell::styled(
                style,
                place.map_or_else(|| "-".to_owned(), |place| (place + 1).to_string()),
            )
        }));
        table.row(cells);
    }
    let more = told.candidates.len().saturating_sub(ROWS);
    let mut text = table.render(WIDTH);
    if more > 0 {
        let said = format!("... and {more} more, which --json shows");
        text.push_str(&format!("{}\n", painted(QUIET, &said)));
    }
    text
}

/// With its place; "-" is left out.
fn row_name(candidate: &CandidateView) -> String {
    let place = candidate
        .place
        .map_or_else(|| "-".to_owned(), |place| place.to_string());
    format!("{place:>2} {}", full(&candidate.name))
}

/// Those that the strategy asked for, or else those in which the candidates differ; as many as there is room for.
fn facts(told: &Explained, rows: &[&CandidateView]) -> Vec<Shown> {
    let wanted = told.wanted.iter().filter_map(|name| known(name));
    let mut facts: Vec<Shown> = wanted.collect();
    if facts.is_empty() {
        let differ = |fact: &&Shown| {
            let values: BTreeSet<String> = rows.iter().map(|row| cell(row, fact)).collect();
            values.len() > 1
        };
        facts = FACTS.iter().filter(differ).copied().collect();
    }
    let names = rows.iter().map(|row| width(&row_name(row))).max().unwrap_or(0);
    let shadow = if told.shadow.is_some() { 8 } else { 0 };
    let mut room = (WIDTH - "READY".len() - 2 - shadow).saturating_sub(names.min(NAMES));
    facts.retain(|fact| {
        let widest = rows.iter().map(|row| width(&cell(row, fact))).max().unwrap_or(0);
        let needs = widest.max(fact.1.len()) + 2;
        let fits = needs <= room;
        room -= if fits { needs } else { 0 };
        fits
    });
    facts
}

fn known(name: &str) -> Option<Shown> {
    FACTS.iter().find(|(known, ..)| *known == name).copied()
}

fn cell(candidate: &CandidateView, (name, _, how): &Shown) -> String {
    match candidate.facts.get(*name) {
        None | Some(None) => UNKNOWN.to_owned(),
        Some(Some(Fact::Word(_))) => "∞".to_owned(),
        Some(Some(Fact::Number(number))) => how.show(*number),
    }
}

// === impl How ===

impl How {
    fn show(self, number: f64) -> String {
        match self {
            Self::Health if number >= 1.0 => "healthy".to_owned(),
            Self::Health if number > 0.0 => "degraded".to_owned(),
            Self::Health => "unhealthy".to_owned(),
            Self::Share => format!("{:.0}%", number * 100.0),
            Self::Millis => shown_latency(Some(number)),
            Self::Dollars => format!("${number}"),
            // As short as it is exact, but not longer than four digits behind the point.
            Self::Plain => ((number * 1e4).round() / 1e4).to_string(),
        }
    }
}
