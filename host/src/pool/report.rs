//! What has become of keys over time, counted from their history: what took them out of service, what brought them
//! back, and how long they were gone.
//!
//! Counts only; where the history lies is the business of [`crate::storage`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::storage::{KeyEvent, KeyName};

/// What is counted where a key's history tells of no class.
const NO_CLASS: &str = "unknown_error";

/// `GET /admin/keys/report`. Times are Unix milliseconds, days those of UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub from: u64,
    pub to: u64,
    /// All of it, by class of failure.
    pub classes: BTreeMap<String, Counts>,
    /// Days on which something happened, the oldest first.
    pub days: Vec<Day>,
    /// Keys that were out of service, the longest first.
    pub out_of_service: Vec<Absence>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// "2026-11-21"
    pub day: String,
    pub classes: BTreeMap<String, Counts>,
}

/// How often something happened to a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Left alone for seconds.
    pub cooled_down: u64,
    /// Taken out of service, or disabled.
    pub taken_out: u64,
    /// Used again because it worked again.
    pub recovered: u64,
    /// Used again because somebody said so.
    pub reset: u64,
    /// Rechecks that brought the key back.
    pub rechecks_passed: u64,
    /// Rechecks after which it was still not to be used.
    pub rechecks_failed: u64,
}

/// How long a key was out of service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    pub vendor: String,
    pub account: String,
    /// None is the account as a whole.
    pub model: Option<String>,
    pub times: u64,
    pub seconds: u64,
    /// It still is.
    pub now: bool,
}

/// Reads a history once, key by key.
#[derive(Debug)]
pub struct Recount {
    report: Report,
    days: BTreeMap<String, BTreeMap<String, Counts>>,
    key: Option<Followed>,
}

/// The key whose events are coming.
#[derive(Debug)]
struct Followed {
    name: KeyName,
    class: String,
    /// Since when it is out of service.
    gone: Option<u64>,
    times: u64,
    millis: u64,
}

// === impl Recount ===

impl Recount {
    /// Of the time from `from` to `to`.
    pub fn new(from: u64, to: u64) -> Self {
        Self {
            report: Report {
                from,
                to,
                ..Report::default()
            },
            days: BTreeMap::new(),
            key: None,
        }
    }

    /// The next event: of the same key and later, or of another key, which then is the only one to come.
    pub fn tell(&mut self, event: &KeyEvent) {
        if self.key.as_ref().is_none_or(|key| key.name != event.key) {
            self.leave();
            self.key = Some(Followed::new(event, self.report.from));
        }
        let Some(key) = &mut self.key else {
            return;
        };
        if let Some(class) = &event.class {
            key.class.clone_from(class);
        }
        let (from, to) = (self.report.from, self.report.to);
        key.moves(event, from, to);
        let counted = Counts::of(event);
        if (from..=to).contains(&event.at) && counted != Counts::default() {
            let day = self.days.entry(clock::date(event.at)).or_default();
            for counts in [&mut self.report.classes, day] {
                let known = counts.entry(key.class.clone()).or_default();
                *known = Counts::sum([&*known, &counted].into_iter());
            }
        }
    }

    pub fn finish(mut self) -> Report {
        self.leave();
        let days = self.days.into_iter();
        self.report.days = days.map(|(day, classes)| Day { day, classes }).collect();
        let absences = &mut self.report.out_of_service;
        absences.sort_by_key(|absence| std::cmp::Reverse(absence.seconds));
        self.report
    }

    /// Nothing more will come of this key.
    fn leave(&mut self) {
        let Some(mut key) = self.key.take() else {
            return;
        };
        let now = key.gone.is_some();
        key.is_back(self.report.from, self.report.to);
        if key.times > 0 {
            self.report.out_of_service.push(Absence {
                vendor: key.name.vendor,
                account: key.name.account,
                model: key.name.model,
                times: key.times,
                seconds: key.millis / 1000,
                now,
            });
        }
    }
}

// === impl Followed ===

impl Followed {
    /// `from`: the beginning of the time that counts. What was before the first event is known by where it left from.
    fn new(first: &KeyEvent, from: u64) -> Self {
        Self {
            name: first.key.clone(),
            class: NO_CLASS.to_owned(),
            gone: is_gone(&first.from).then_some(from.min(first.at)),
            times: 0,
            millis: 0,
        }
    }

    fn moves(&mut self, event: &KeyEvent, from: u64, to: u64) {
        match (self.gone, is_gone(&event.to)) {
            (None, true) => self.gone = Some(event.at),
            (Some(_), false) => self.is_back(from, event.at.min(to)),
            (None, false) | (Some(_), true) => {}
        }
    }

    /// Counts what lies after `from` of the time for which it was gone.
    fn is_back(&mut self, from: u64, at: u64) {
        let Some(gone) = self.gone.take() else {
            return;
        };
        if at >= from {
            self.times += 1;
            self.millis += at.saturating_sub(gone.max(from));
        }
    }
}

// === impl Counts ===

impl Counts {
    /// What an event counts for: nothing, if it is a new key's verification, or a failure that changed nothing yet.
    fn of(event: &KeyEvent) -> Self {
        let mut counts = Self::default();
        let was_gone = is_gone(&event.from);
        match event.to.as_str() {
            "available" if is_trial(&event.from) => counts.recovered = 1,
            "available" if was_gone || event.from == "cooling down" => counts.reset = 1,
            "cooling down" if event.from == "available" => counts.cooled_down = 1,
            to if is_gone(to) && !was_gone => counts.taken_out = 1,
            _ => {}
        }
        if event.from == "rechecking" {
            if event.to == "available" {
                counts.rechecks_passed = 1;
            } else {
                counts.rechecks_failed = 1;
            }
        }
        counts
    }

    /// All of them together.
    pub fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            cooled_down: sum.cooled_down + one.cooled_down,
            taken_out: sum.taken_out + one.taken_out,
            recovered: sum.recovered + one.recovered,
            reset: sum.reset + one.reset,
            rechecks_passed: sum.rechecks_passed + one.rechecks_passed,
            rechecks_failed: sum.rechecks_failed + one.rechecks_failed,
        })
    }
}

/// By a failure; what was disabled by hand is where its operator wants it.
fn is_gone(state: &str) -> bool {
    matches!(state, "out of service" | "rechecking" | "disabled by failure")
}

fn is_trial(state: &str) -> bool {
    matches!(state, "half-open" | "rechecking")
}

#[cfg(test)]
mod tests;
