//! The table of schedules, the thresholds, and every arrow of the drawing.

mod by_hand;
mod kept;
mod property;

use super::*;
use crate::failure::{Kind, Scope};
use crate::pool::Schedule;

const SECOND: Millis = 1000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;
const START: Millis = 1_700_000_000_000;

/// A key, the time, and the rules; without jitter.
struct Scene {
    standing: Standing,
    now: Millis,
    rules: Rules,
}

impl Scene {
    fn new() -> Self {
        Self {
            standing: Standing::new(START),
            now: START,
            rules: Rules::default(),
        }
    }

    fn wait(&mut self, time: Millis) -> &mut Self {
        self.now += time;
        self
    }

    fn fail(&mut self, kind: Kind) -> &mut Self {
        self.fail_with(kind, None)
    }

    /// Asks, as a trial where it has to be one, and fails.
    fn fail_with(&mut self, kind: Kind, retry_after: Option<u64>) -> &mut Self {
        let trial = self.standing.admit(self.now) == Admission::Trial;
        let failure = Failure {
            retry_after: retry_after.map(Duration::from_secs),
            ..Failure::new(kind, Scope::Candidate, "")
        };
        self.standing.failed(self.now, &failure, trial, &self.rules, 1.0);
        self
    }

    fn succeed(&mut self) -> &mut Self {
        let trial = self.standing.admit(self.now) == Admission::Trial;
        self.standing.succeeded(self.now, trial);
        self
    }

    /// Its state, and the time until it is tried again.
    fn stands(&self) -> (&'static str, Option<Millis>) {
        let state = self.standing.state();
        (
            state.name(),
            state.until().map(|until| until.saturating_sub(self.now)),
        )
    }

    /// Waits until it is tried again, and has that fail.
    fn trial_fails(&mut self, kind: Kind) -> &mut Self {
        let (_, left) = self.stands();
        self.wait(left.unwrap());
        assert_eq!(self.standing.outlook(self.now), Admission::Trial);
        self.fail(kind)
    }
}

#[test]
fn three_failures_in_a_row_open_the_circuit_and_one_rate_limit_does() {
    for kind in [
        Kind::Internal,
        Kind::ServiceUnavailable,
        Kind::Timeout,
        Kind::Network,
        Kind::Unknown,
    ] {
        let mut key = Scene::new();
        assert_eq!(
            key.fail(kind.clone()).fail(kind.clone()).stands(),
            ("available", None)
        );
        key.succeed().fail(kind.clone()).fail(kind.clone());
        assert_eq!(key.stands(), ("available", None), "a success in between");
        assert_eq!(key.fail(kind).stands(), ("cooling down", Some(2 * SECOND)));
        assert_eq!(
            key.standing.outlook(key.now),
            Admission::No(Some(key.now + 2 * SECOND))
        );
    }
    assert_eq!(
        Scene::new().fail(Kind::RateLimit).stands(),
        ("cooling down", Some(2 * SECOND))
    );
}

#[test]
fn what_speaks_of_the_request_changes_nothing() {
    for kind in [
        Kind::InvalidRequest,
        Kind::ContextLength,
        Kind::ContentFilter,
        Kind::NotSupported,
        Kind::Plugin,
    ] {
        let mut key = Scene::new();
        for _ in 0..10 {
            key.fail_with(kind.clone(), Some(60));
        }
        assert_eq!(key.stands(), ("available", None));
    }
}

#[test]
fn one_trial_at_a_time_and_success_closes() {
    let mut key = Scene::new();
    key.fail(Kind::RateLimit).wait(2 * SECOND);
    assert_eq!(key.standing.admit(key.now), Admission::Trial);
    assert_eq!(key.stands().0, "half-open");
    assert!(matches!(key.standing.admit(key.now), Admission::No(Some(_))));
    // The trial ends without a word: the caller has left.
    key.standing.released(key.now, true);
    assert_eq!(key.standing.admit(key.now), Admission::Trial);
    // One that had begun before says nothing of now.
    assert_eq!(key.standing.succeeded(key.now, false), None);
    let change = key.standing.succeeded(key.now, true).unwrap();
    assert_eq!((change.from.name(), change.to.name()), ("half-open", "available"));
    assert!(key.standing.is_clear());
}

#[test]
fn the_circuit_doubles_up_to_its_longest_and_hands_over_after_ten_trials() {
    let mut key = Scene::new();
    key.fail(Kind::RateLimit);
    let mut opened = Vec::new();
    for _ in 0..10 {
        opened.push(key.stands().1.unwrap() / SECOND);
        key.trial_fails(Kind::RateLimit);
    }
    assert_eq!(opened, [2, 4, 8, 16, 30, 30, 30, 30, 30, 30]);
    assert_eq!(key.stands(), ("out of service", Some(5 * MINUTE)));
}

#[test]
fn jitter_shortens_by_a_quarter_at_most() {
    let rules = Rules::default();
    let (least, most) = (rules.open_for(1, 0.0), rules.open_for(1, 1.0));
    assert_eq!((least, most), (Duration::from_secs(3), Duration::from_secs(4)));
}

#[test]
fn timeouts_and_networks_never_retire_a_key() {
    for kind in [Kind::Timeout, Kind::Network] {
        let mut key = Scene::new();
        for _ in 0..3 {
            key.fail(kind.clone());
        }
        for _ in 0..100 {
            key.trial_fails(kind.clone());
        }
        assert_eq!(key.stands(), ("cooling down", Some(30 * SECOND)));
        // Nor do they count as a recheck of one that is out of service for another reason.
        let mut key = Scene::new();
        key.fail(Kind::InsufficientQuota);
        for _ in 0..100 {
            key.trial_fails(kind.clone());
        }
        assert_eq!(key.stands(), ("out of service", Some(30 * SECOND)));
    }
}

/// First delays and rechecks of requirement H2.
#[test]
fn each_class_has_its_schedule() {
    for (kind, first, attempts, at_once) in [
        (Kind::RateLimit, 5, 10, false),
        (Kind::ResourceExhausted, 30, 5, true),
        (Kind::ServiceUnavailable, 10, 8, false),
        (Kind::Internal, 15, 3, false),
        (Kind::InsufficientQuota, 60, 3, true),
        (Kind::Unknown, 30, 2, false),
    ] {
        let mut key = Scene::new();
        key.fail(kind.clone());
        if !at_once {
            key.fail(kind.clone()).fail(kind.clone());
            for _ in 0..10 {
                key.trial_fails(kind.clone());
            }
        }
        for attempt in 0..attempts {
            let expected = ((first * MINUTE) << attempt).min(4 * HOUR);
            assert_eq!(
                key.stands(),
                ("out of service", Some(expected)),
                "{kind:?} {attempt}"
            );
            key.trial_fails(kind.clone());
        }
        assert_eq!(key.stands(), ("disabled by failure", Some(24 * HOUR)), "{kind:?}");
        key.trial_fails(kind.clone());
        assert_eq!(
            key.stands(),
            ("disabled by failure", Some(24 * HOUR)),
            "rechecked daily"
        );
        key.wait(24 * HOUR).succeed();
        assert!(key.standing.is_clear(), "{kind:?}");
    }
}

#[test]
fn a_refused_credential_disables_until_somebody_acts() {
    for kind in [Kind::Authentication, Kind::PermissionDenied] {
        let mut key = Scene::new();
        key.fail(kind);
        assert_eq!(key.stands(), ("disabled by failure", None));
        key.wait(1000 * HOUR);
        assert_eq!(key.standing.outlook(key.now), Admission::No(None));
        key.fail_with(Kind::RateLimit, Some(1));
        assert_eq!(key.stands(), ("disabled by failure", None));
        assert!(key.standing.reset(key.now).is_some() && key.standing.is_clear());
    }
}

#[test]
fn a_vendors_wish_is_kept_exactly_and_the_later_of_two_stands() {
    let mut key = Scene::new();
    key.fail_with(Kind::Internal, Some(90));
    assert_eq!(
        key.stands(),
        ("cooling down", Some(90 * SECOND)),
        "at the first failure"
    );
    let late = |key: &mut Scene, seconds| {
        let failure = Failure {
            retry_after: Some(Duration::from_secs(seconds)),
            ..Failure::new(Kind::RateLimit, Scope::Candidate, "")
        };
        key.standing.failed(key.now, &failure, false, &key.rules, 1.0);
    };
    late(&mut key, 10);
    assert_eq!(key.stands().1, Some(90 * SECOND));
    late(&mut key, 120);
    assert_eq!(key.stands().1, Some(120 * SECOND));
    key.fail_with(Kind::RateLimit, Some(10_000_000));
    assert_eq!(key.stands().1, Some(24 * HOUR), "within reason");

    let mut key = Scene::new();
    key.fail_with(Kind::InsufficientQuota, Some(7200));
    assert_eq!(key.stands(), ("out of service", Some(2 * HOUR)));

    // One that comes while somebody finds out keeps the next one away; what is found out counts all the same.
    let mut key = Scene::new();
    key.fail(Kind::RateLimit).wait(2 * SECOND);
    assert_eq!(key.standing.admit(key.now), Admission::Trial);
    late(&mut key, 20);
    assert_eq!(key.stands(), ("cooling down", Some(20 * SECOND)));
    assert!(key.standing.succeeded(key.now, true).is_some() && key.standing.is_clear());
    let mut key = Scene::new();
    key.fail(Kind::InsufficientQuota).wait(HOUR);
    assert_eq!(key.standing.admit(key.now), Admission::Trial);
    late(&mut key, 20);
    assert_eq!(key.stands(), ("out of service", Some(20 * SECOND)));
}

#[test]
fn a_model_that_is_not_known_is_left_alone_for_a_while_and_again() {
    let mut key = Scene::new();
    key.fail(Kind::ModelNotFound);
    for _ in 0..20 {
        assert_eq!(key.stands(), ("cooling down", Some(5 * MINUTE)));
        key.trial_fails(Kind::ModelNotFound);
    }
    key.rules.model_not_found = None;
    let mut other = Scene::new();
    other.rules.model_not_found = None;
    assert_eq!(other.fail(Kind::ModelNotFound).stands(), ("available", None));
}

#[test]
fn schedules_can_be_set_and_all_of_it_switched_off() {
    let mut key = Scene::new();
    let schedule = Schedule {
        after: Duration::from_secs(7),
        attempts: 1,
    };
    key.rules
        .schedules
        .insert("insufficient_quota".to_owned(), schedule);
    key.fail(Kind::InsufficientQuota);
    assert_eq!(key.stands(), ("out of service", Some(7 * SECOND)));
    key.trial_fails(Kind::InsufficientQuota);
    assert_eq!(key.stands().0, "disabled by failure");

    let mut key = Scene::new();
    key.rules.enabled = false;
    for _ in 0..10 {
        key.fail_with(Kind::Authentication, Some(60));
    }
    assert_eq!(key.stands(), ("available", None));
}
