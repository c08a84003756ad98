//! A decision and what came of it, as one would tell it.

use super::{full, took};
use crate::cli::text::clean;
use crate::config::BUILT_IN;
use crate::decision::told::{AttemptView, Explained, Name};

/// Attempts that are told one by one at the beginning; of more than one more, only the last.
const TOLD: usize = 4;

pub(super) fn of(told: &Explained) -> String {
    let first = told
        .candidates
        .iter()
        .find(|candidate| candidate.place == Some(1));
    let mut clauses = vec![decided(told, first.map(|first| &first.name))];
    let mut before = first.map(|first| &first.name);
    if let (Some(first), Some(attempt)) = (first, told.attempts.first())
        && first.name != attempt.name
    {
        clauses.push(if first.available {
            "it was passed over".to_owned()
        } else {
            "it could not be asked".to_owned()
        });
    }
    let many = told.attempts.len();
    for (index, attempt) in told.attempts.iter().enumerate() {
        match many.saturating_sub(TOLD + 1) {
            more if more > 0 && index == TOLD => clauses.push(format!("{more} more failed")),
            more if more > 0 && (TOLD..many - 1).contains(&index) => {}
            _ => clauses.push(came(attempt, before)),
        }
        before = Some(&attempt.name);
    }
    clauses.extend(end(told));
    format!("{}.", clauses.join("; "))
}

/// Who decided, and what.
fn decided(told: &Explained, first: Option<&Name>) -> String {
    let who = match (&told.failed, told.strategy.as_str()) {
        (Some(_), _) => "The strategy could not decide, so the built-in order".to_owned(),
        (None, BUILT_IN) => "The built-in order".to_owned(),
        (None, strategy) => clean(strategy, 200),
    };
    match (first, told.candidates.len()) {
        (None, _) => format!("{who} left everybody out"),
        (Some(only), 1) => format!("{who} had nobody but {}", full(only)),
        (Some(first), many) => {
            let out = told.candidates.iter().filter(|one| one.place.is_none()).count();
            let out = match out {
                0 => String::new(),
                out => format!("and left {out} out"),
            };
            let preferred = told.candidates.iter().any(|one| one.preferred);
            let rule = match told.rule.filter(|_| preferred) {
                Some(rule) => format!(", as rule {rule} prefers it,"),
                None => String::new(),
            };
            let told = format!("{who} put {} first of {many}{rule} {out}", full(first));
            told.trim_end_matches([' ', ',']).to_owned()
        }
    }
}

/// What an attempt came to. `before`: the candidate that was spoken of last.
fn came(attempt: &AttemptView, before: Option<&Name>) -> String {
    let name = &attempt.name;
    let who = match before {
        Some(before) if before == name => "it".to_owned(),
        Some(before) if before.model == name.model => {
            clean(&format!("{}/{}", name.vendor, name.account), 200)
        }
        _ => full(name),
    };
    let took = took(attempt.took_ms);
    match attempt.outcome.as_str() {
        "completed" => format!("{who} answered in {took}"),
        "under way" => format!("{who} is at work"),
        "cancelled" => format!("{who} was at work for {took} when the caller left"),
        kind => format!("{who} failed with {} after {took}", clean(kind, 64)),
    }
}

/// What the caller got, where the last attempt does not say it.
fn end(told: &Explained) -> Option<String> {
    let last = told.attempts.last().map(|last| last.outcome.as_str());
    match (told.outcome.as_str(), last) {
        ("under way", None) => Some("nobody has been asked yet".to_owned()),
        ("under way" | "completed", _) | ("cancelled", Some("cancelled")) => None,
        ("cancelled", None) => Some("the caller left before anybody was asked".to_owned()),
        ("cancelled", Some(_)) => Some("then the caller left".to_owned()),
        (kind, None) => Some(format!(
            "nobody was asked, and the caller was told {}",
            clean(kind, 64)
        )),
        (kind, Some(_)) => Some(format!("the caller was told {}", clean(kind, 64))),
    }
}
