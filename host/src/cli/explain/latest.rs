//! The latest decisions, a line for each.

use clap::Args;

use super::{style, took};
use crate::cli::style::{PASSING, PLAIN};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::text::{WIDTH, clean};
use crate::decision::told::{Brief, Decisions};

/// So much of an id tells it from the others.
const ID: usize = 12;
/// Longest name that is shown, in columns.
const LONGEST: usize = 14;

/// Which of them.
#[derive(Debug, Args)]
pub(super) struct Only {
    /// List at most so many, the newest
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: usize,
    /// List those of a public model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// List those of a strategy: a name, name@version, or built-in
    #[arg(long, value_name = "NAME")]
    strategy: Option<String>,
    /// List those of a caller's key
    #[arg(long, value_name = "NAME")]
    caller: Option<String>,
    /// List those that ended so: completed, cancelled, "under way", or a failure's kind
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// List those in which something failed: the strategy, an attempt, or the request
    #[arg(long)]
    failed: bool,
    /// List those in which the strategy in shadow would have begun with another candidate
    #[arg(long)]
    disagreed: bool,
}

// === impl Only ===

impl Only {
    pub(super) fn query(&self) -> Vec<(&str, String)> {
        let mut query = vec![("limit", self.limit.to_string())];
        let named = [
            ("model", &self.model),
            ("strategy", &self.strategy),
            ("caller", &self.caller),
            ("outcome", &self.outcome),
        ];
        query.extend(
            named
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.clone()?))),
        );
        let set = [("failed", self.failed), ("disagreed", self.disagreed)];
        query.extend(
            set.into_iter()
                .filter(|(_, set)| *set)
                .map(|(name, _)| (name, "true".to_owned())),
        );
        query
    }
}

pub(super) fn render(told: &Decisions) -> String {
    let Some(newest) = told.decisions.first() else {
        return "No such request is known.\n".to_owned();
    };
    let mut table = Table::new(&[
        Column::Left("REQUEST"),
        Column::Right("AGO"),
        Column::Left("MODEL"),
        Column::Left("DECIDED BY"),
        Column::Left("ASKED"),
        Column::Left("OUTCOME"),
        Column::Right("TOOK"),
    ]);
    for brief in &told.decisions {
        table.row(row(brief, told.now));
    }
    format!(
        "{}\nNext: `patchbay explain {}` tells why.\n",
        table.render(WIDTH),
        id(newest)
    )
}

fn row(brief: &Brief, now: u64) -> [Cell; 7] {
    let (strategy, decided) = match &brief.failed {
        Some(_) => (PASSING, "fallback"),
        None => (PLAIN, brief.strategy.as_str()),
    };
    let asked = brief.last.as_ref().map_or_else(
        || "nobody".to_owned(),
        |last| match brief.attempts {
            0 | 1 => format!("{}/{}", last.vendor, last.account),
            many => format!("{many}. {}/{}", last.vendor, last.account),
        },
    );
    [
        Cell::new(id(brief)),
        Cell::new(short(now.saturating_sub(brief.asked.at))),
        Cell::new(clean(&brief.asked.model, 10)),
        Cell::styled(strategy, clean(decided, 12)),
        Cell::new(clean(&asked, LONGEST)),
        Cell::styled(style(&brief.outcome), clean(&brief.outcome, 10)),
        Cell::new(took(brief.latency_ms)),
    ]
}

/// Its beginning.
fn id(brief: &Brief) -> String {
    let id: String = brief.asked.request_id.chars().take(ID).collect();
    clean(&id, ID)
}

/// In the largest unit alone.
fn short(millis: u64) -> String {
    match millis / 1000 {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}
