//! What a gateway has kept of its keys, read from its database once it has ended.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

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
