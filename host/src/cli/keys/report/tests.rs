//! What a person sees of a week at 80 columns.

use super::*;
use crate::cli::snapshot;
use crate::pool::{Absence, Day};

const WEEK: u64 = 604_800_000;
const END: u64 = 1_795_132_800_000;

#[test]
fn a_week() {
    let quota = Counts {
        taken_out: 2,
        recovered: 1,
        reset: 1,
        rechecks_passed: 1,
        rechecks_failed: 3,
        ..Counts::default()
    };
    let limits = Counts {
        cooled_down: 1_204,
        recovered: 1_204,
        ..Counts::default()
    };
    let classes = [("insufficient_quota", quota), ("rate_limit_exceeded", limits)];
    let classes = classes.map(|(class, counts)| (class.to_owned(), counts));
    let day = |day: &str, which: usize| Day {
        day: day.to_owned(),
        classes: [classes[which].clone()].into(),
    };
    let absence = |account: &str, model: Option<&str>, seconds, now| Absence {
        vendor: "west".to_owned(),
        account: account.to_owned(),
        model: model.map(str::to_owned),
        times: 2,
        seconds,
        now,
    };
    let report = Report {
        from: END - WEEK,
        to: END,
        days: vec![day("2026-11-18", 1), day("2026-11-19", 0)],
        out_of_service: vec![
            absence("backup", None, 90_061, true),
            absence("main", Some("large"), 61, false),
        ],
        classes: classes.into(),
    };
    snapshot::matches("report", &render(&report));
    let quiet = Report {
        from: END - WEEK,
        to: END,
        ..Report::default()
    };
    snapshot::matches("report.quiet", &render(&quiet));
}
