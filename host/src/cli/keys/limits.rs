//! What an account may be used for, and how much of it is used.

use crate::accounts::AccountView;
use crate::cli::style::{BAD, PASSING, PLAIN, QUIET, painted};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::text::{WIDTH, clean, span};
use crate::pool::LimitView;

/// Longest name of a limit that is shown, in columns: vendors have names of their own.
const LONGEST_NAME: usize = 40;

/// Each limit of the account and of its models on a line; nothing where there is none.
pub(in crate::cli) fn table(account: &AccountView, now: u64) -> String {
    let mut table = Table::new(&[
        Column::Left("LIMIT"),
        Column::Right("USED"),
        Column::Right("OF"),
        Column::Right("LEFT"),
        Column::Left("ALL THERE"),
    ]);
    let limits = named(account);
    for (name, limit) in &limits {
        let style = match limit.remaining {
            Some(left) if left <= 0.0 => BAD,
            _ if limit.warned => PASSING,
            _ => PLAIN,
        };
        table.row([
            Cell::styled(style, name.as_str()),
            Cell::styled(style, amount(limit, limit.used)),
            Cell::new(amount(limit, limit.most)),
            Cell::new(amount(limit, limit.remaining)),
            Cell::new(again(limit, now)),
        ]);
    }
    if limits.is_empty() {
        return String::new();
    }
    format!("\n{}", table.render(WIDTH))
}

/// A line for each limit of which so much is used that it is warned of.
pub(in crate::cli) fn warnings(account: &AccountView, now: u64) -> Vec<String> {
    let warned = named(account).into_iter().filter(|(_, limit)| limit.warned);
    let lines = warned.map(|(name, limit)| {
        let used = format!(
            "{name}: {} of {} used",
            amount(limit, limit.used),
            amount(limit, limit.most)
        );
        let again = match again(limit, now) {
            again if again.is_empty() => again,
            again => format!(", all there {again}"),
        };
        painted(QUIET, &clean(&format!("{used}{again}"), WIDTH - 2))
    });
    lines.collect()
}

/// With what they are called: the model's first, where it is one of a model.
fn named(account: &AccountView) -> Vec<(String, &LimitView)> {
    let own = account.limits.iter().map(|limit| (name(limit), limit));
    let models = account.models.iter().flat_map(|model| {
        let of_model = model.limits.iter();
        of_model.map(move |limit| (clean(&format!("{} {}", model.model, name(limit)), WIDTH), limit))
    });
    own.chain(models).collect()
}

fn name(limit: &LimitView) -> String {
    let name = clean(&limit.name, LONGEST_NAME);
    if limit.learned {
        format!("{name} (told by the vendor)")
    } else {
        name
    }
}

fn amount(limit: &LimitView, amount: Option<f64>) -> String {
    amount.map_or_else(String::new, |amount| {
        if limit.unit == "dollars" {
            format!("${amount:.2}")
        } else {
            format!("{amount:.0}")
        }
    })
}

fn again(limit: &LimitView, now: u64) -> String {
    limit.resets_at.map_or_else(String::new, |at| {
        format!("in {}", span(at.saturating_sub(now).max(1000)))
    })
}
