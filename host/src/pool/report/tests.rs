//! Histories as they are kept, and what is counted of them.

use super::*;

const DAY: u64 = 86_400_000;
const MINUTE: u64 = 60_000;
/// The first minute of 2026-11-20.
const START: u64 = 1_795_132_800_000;

fn event(account: &str, at: u64, from: &str, to: &str, class: Option<&str>) -> KeyEvent {
    KeyEvent {
        at,
        key: KeyName {
            vendor: "v".to_owned(),
            account: account.to_owned(),
            model: None,
        },
        from: from.to_owned(),
        to: to.to_owned(),
        class: class.map(str::to_owned),
        message: None,
        vendor_code: None,
        until: None,
    }
}

fn report(from: u64, to: u64, events: &[KeyEvent]) -> Report {
    let mut recount = Recount::new(from, to);
    events.iter().for_each(|event| recount.tell(event));
    recount.finish()
}

fn absence(account: &str, times: u64, seconds: u64, now: bool) -> Absence {
    Absence {
        vendor: "v".to_owned(),
        account: account.to_owned(),
        model: None,
        times,
        seconds,
        now,
    }
}

#[test]
fn what_changes_nothing_counts_for_nothing() {
    let events = [
        event("a", START, "available", "verifying", None),
        event("a", START + 1, "verifying", "available", None),
        event("a", START + 2, "available", "available", Some("internal_error")),
    ];
    let report = report(START - 1, START + DAY, &events);
    assert!(report.classes.is_empty() && report.days.is_empty(), "{report:?}");
}

#[test]
fn the_way_out_and_back_is_counted_under_its_class() {
    let quota = Some("insufficient_quota");
    let events = [
        event("a", START, "available", "out of service", quota),
        event("a", START + 10 * MINUTE, "rechecking", "out of service", quota),
        event("a", START + 30 * MINUTE, "rechecking", "available", None),
        event(
            "a",
            START + 40 * MINUTE,
            "available",
            "cooling down",
            Some("timeout"),
        ),
        event(
            "a",
            START + 41 * MINUTE,
            "half-open",
            "cooling down",
            Some("timeout"),
        ),
        event("a", START + 42 * MINUTE, "half-open", "available", None),
        event(
            "b",
            START + DAY,
            "available",
            "disabled by failure",
            Some("authentication_error"),
        ),
        event(
            "b",
            START + DAY + MINUTE,
            "disabled by failure",
            "available",
            None,
        ),
    ];
    let report = report(START, START + 2 * DAY, &events);
    let quota = Counts {
        taken_out: 1,
        recovered: 1,
        rechecks_passed: 1,
        rechecks_failed: 1,
        ..Counts::default()
    };
    let timeout = Counts {
        cooled_down: 1,
        recovered: 1,
        ..Counts::default()
    };
    let refused = Counts {
        taken_out: 1,
        reset: 1,
        ..Counts::default()
    };
    let classes = [("insufficient_quota", quota), ("timeout", timeout)]
        .map(|(class, counts)| (class.to_owned(), counts));
    let refused = ("authentication_error".to_owned(), refused);
    assert_eq!(report.days.len(), 2);
    assert_eq!(
        (report.days[0].day.as_str(), &report.days[0].classes),
        ("2026-11-20", &classes.clone().into())
    );
    assert_eq!(
        (report.days[1].day.as_str(), &report.days[1].classes),
        ("2026-11-21", &[refused.clone()].into())
    );
    assert_eq!(report.classes, classes.into_iter().chain([refused]).collect());
    assert_eq!(
        report.out_of_service,
        [absence("a", 1, 1800, false), absence("b", 1, 60, false)]
    );
    assert_eq!(Counts::sum(report.classes.values()).taken_out, 2);
}

#[test]
fn only_the_time_that_was_asked_for_counts() {
    let class = Some("internal_error");
    let events = [
        // Gone before, and still.
        event("a", START - DAY, "available", "out of service", class),
        // Gone before, and back meanwhile; its class is known from before.
        event("b", START - DAY, "available", "disabled by failure", class),
        event("b", START + MINUTE, "rechecking", "available", None),
        // Gone and back before.
        event("c", START - DAY, "available", "out of service", class),
        event("c", START - MINUTE, "rechecking", "available", None),
        // Only the end of its history is there.
        event("d", START + 2 * MINUTE, "rechecking", "available", None),
        // Nothing of it is a fact.
        event("e", START + 9 * MINUTE, "available", "disabled by hand", None),
    ];
    let report = report(START, START + 10 * MINUTE, &events);
    let expected = [
        absence("a", 1, 600, true),
        absence("d", 1, 120, false),
        absence("b", 1, 60, false),
    ];
    assert_eq!(report.out_of_service, expected);
    let classes: Vec<(&str, u64)> = report
        .classes
        .iter()
        .map(|(class, counts)| (class.as_str(), counts.rechecks_passed))
        .collect();
    assert_eq!(classes, [("internal_error", 1), ("unknown_error", 1)]);
    assert_eq!(report.days.len(), 1);
}
