//! What a gateway has kept of its keys, read from its database once it has ended.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::fault::{Fate, Fault, Until};

/// One line of the history. Times are Unix milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at: u64,
    /// `vendor-account`, as the simulator calls it.
    pub(crate) account: String,
    /// Empty for the account as a whole.
    pub(crate) model: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) class: Option<String>,
    pub(crate) until: Option<u64>,
}

const HISTORY: &str = "
    SELECT at, vendor || '-' || account, model, \"from\", \"to\", class, until FROM history ORDER BY number";

/// All of it, oldest first.
pub(crate) fn read(folder: &Path) -> Vec<Event> {
    let path = folder.join("patchbay.db");
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let mut statement = connection.prepare(HISTORY).unwrap();
    let rows = statement.query_map([], |row| {
        Ok(Event {
            at: u64::try_from(row.get::<_, i64>(0)?).unwrap(),
            account: row.get(1)?,
            model: row.get(2)?,
            from: row.get(3)?,
            to: row.get(4)?,
            class: row.get(5)?,
            until: row
                .get::<_, Option<i64>>(6)?
                .map(|until| u64::try_from(until).unwrap()),
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// The events of one key, in order, which must follow from each other.
#[track_caller]
pub(crate) fn story(events: &[Event], account: &str, model: &str) -> Vec<Event> {
    let of_key = |event: &&Event| event.account == account && event.model == model;
    let story: Vec<Event> = events.iter().filter(of_key).cloned().collect();
    for pair in story.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        assert!(
            follows(&before.to, &after.from) && before.at <= after.at,
            "{account} {model}: {before:?} and then {after:?}"
        );
    }
    story
}

/// That a trial begins is no change worth a line, and one that was under way in a power cut is made again.
fn follows(to: &str, from: &str) -> bool {
    let trial_of = match from {
        "half-open" => ["cooling down", "verifying"].as_slice(),
        "rechecking" => &["out of service", "disabled by failure"],
        _ => &[],
    };
    to == from || trial_of.contains(&to)
}

/// Operators are told the history as it is kept.
pub(crate) fn as_told(events: &[Event], account: &str, told: &str) {
    let told: Value = serde_json::from_str(told).unwrap();
    let told = told["history"].as_array().unwrap();
    assert!(told.len() < 500, "there is more");
    let members = |event: &Value| ["at", "from", "to", "class", "until"].map(|member| event[member].clone());
    let told: Vec<_> = told.iter().rev().map(members).collect();
    let kept = events.iter().filter(|event| event.account == account);
    let kept: Vec<_> = kept
        .map(|event| members(&json!({
            "at": event.at, "from": event.from, "to": event.to, "class": event.class, "until": event.until,
        })))
        .collect();
    assert_eq!(told, kept);
}

/// The history tells what has come of the fault, and of its end. `open`: for how long a circuit may be.
pub(crate) fn recorded(events: &[Event], fault: &Fault, open: RangeInclusive<Duration>) {
    let whole = matches!(
        fault.fate,
        Fate::Gone
            | Fate::Left {
                whole_account: true,
                ..
            }
    );
    let model = if whole { "" } else { fault.model.unwrap_or("m1") };
    let story = story(events, fault.account, model);
    let trouble = story.iter().find(|event| event.to == fault.state);
    let trouble = trouble.unwrap_or_else(|| panic!("{}: never {} in {story:#?}", fault.account, fault.state));
    assert_eq!(
        trouble.class.as_deref(),
        Some(fault.class),
        "{}: {story:#?}",
        fault.account
    );
    let until = trouble
        .until
        .map(|until| Duration::from_millis(until.saturating_sub(trouble.at)));
    let fits = match (fault.fate, until) {
        (Fate::Gone, until) => until.is_none(),
        (
            Fate::Left {
                until: Until::After(time),
                ..
            },
            Some(left),
        ) => left == time,
        (
            Fate::Left {
                until: Until::At(at), ..
            },
            Some(_),
        ) => (at * 1000..at * 1000 + 100).contains(&trouble.until.unwrap()),
        (Fate::Circuit { .. }, Some(left)) => open.contains(&left),
        (Fate::Left { .. } | Fate::Circuit { .. }, None) => false,
    };
    assert!(fits, "{}: {story:#?}", fault.account);
    let last = story.last().unwrap();
    let ends = if fault.fate == Fate::Gone {
        fault.state
    } else {
        "available"
    };
    assert_eq!(last.to, ends, "{}: {story:#?}", fault.account);
}
