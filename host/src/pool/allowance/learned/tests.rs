//! What vendors report, believed within bounds.

use super::*;

const NOW: Millis = 1_700_000_000_000;
const SECOND: Duration = Duration::from_secs(1);

fn reported(what: &str, remaining: f64, resets_in: Option<Duration>) -> Reported {
    Reported {
        what: what.to_owned(),
        scope: Scope::Candidate,
        capacity: Some(100.0),
        remaining: Some(remaining),
        resets_in,
        window: None,
    }
}

fn learned(reported: &Reported) -> Learned {
    let mut learned = Learned::default();
    learned.report(NOW, reported, (0, 0));
    learned
}

#[test]
fn what_is_left_is_counted_down_until_it_is_reported_again_or_the_time_is_up() {
    let mut known = learned(&reported("requests", 2.0, Some(SECOND * 20)));
    known.count(1, 50);
    assert_eq!(known.spent(NOW, 1), None);
    known.count(1, 50);
    let spent = Spent {
        what: "requests",
        until: NOW + 20_000,
    };
    assert_eq!(known.spent(NOW + 19_999, 1), Some(spent));
    assert_eq!(known.spent(NOW + 20_000, 1), None);
    known.report(NOW, &reported("requests", 5.0, Some(SECOND)), (4, 9));
    assert_eq!(known.spent(NOW, 1), None, "one of five is not on its way yet");
    known.report(NOW, &reported("requests", 5.0, Some(SECOND)), (5, 9));
    assert!(known.spent(NOW, 1).is_some());
}

#[test]
fn tokens_have_to_be_enough_for_the_request() {
    let mut known = learned(&reported("tokens", 30.0, Some(SECOND)));
    assert_eq!(known.spent(NOW, 30), None);
    assert!(known.spent(NOW, 31).is_some());
    known.correct(0, 80, 10);
    assert_eq!(known.spent(NOW, 100), None);
    known.correct(0, 10, 20);
    assert!(known.spent(NOW, 91).is_some());
    // One that is larger than all there is goes when all of it is there.
    let full = learned(&reported("tokens", 100.0, Some(SECOND)));
    assert_eq!(full.spent(NOW, 5_000), None);
}

#[test]
fn nothing_holds_for_longer_than_an_hour_or_its_window() {
    let year = SECOND * 3600 * 24 * 365;
    let until = |window, resets_in| {
        let word = Reported {
            window,
            ..reported("requests", 0.0, resets_in)
        };
        learned(&word).spent(NOW, 1).map_or(0, |spent| spent.until - NOW)
    };
    assert_eq!(until(None, Some(year)), 3_600_000);
    assert_eq!(until(Some(SECOND * 60), Some(year)), 60_000);
    assert_eq!(until(Some(year), Some(year)), 24 * 3_600_000);
    assert_eq!(until(Some(SECOND * 10), None), 10_000);
    assert_eq!(until(None, None), 60_000);
    assert_eq!(until(Some(Duration::ZERO), Some(SECOND)), 1_000);
    assert_eq!(until(None, Some(Duration::MAX)), 3_600_000);
    assert_eq!(until(None, Some(Duration::ZERO)), 0);
}

#[test]
fn what_is_no_number_limits_nothing() {
    for remaining in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let known = learned(&reported("requests", remaining, Some(SECOND)));
        assert_eq!(known.spent(NOW, 1), None, "{remaining}");
    }
    let odd = Reported {
        capacity: Some(f64::NAN),
        ..reported("tokens", 0.0, Some(SECOND))
    };
    assert!(learned(&odd).spent(NOW, 1).is_some());
}

#[test]
fn other_words_are_shown_and_not_enforced() {
    let mut known = learned(&reported("balance", 0.0, Some(SECOND)));
    assert_eq!(known.spent(NOW, 1), None);
    assert!(known.is_over(NOW));
    for number in 0..20 {
        known.report(NOW, &reported(&format!("word{number}"), 0.0, None), (0, 0));
        known.report(NOW, &reported(&format!("word{number}"), 1.0, None), (0, 0));
    }
    let shown: Vec<(&str, Option<f64>)> = known
        .known(NOW)
        .map(|(name, known)| (name, known.remaining))
        .collect();
    assert_eq!(shown.len(), MOST_OTHERS);
    assert_eq!(shown.last(), Some(&("word19", Some(1.0))));
}
