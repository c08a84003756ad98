//! Standings that are undone, kept and restored.

use super::*;
use crate::storage::KeyName;

#[test]
fn what_a_word_has_caused_can_be_undone() {
    let mut key = Scene::new();
    key.fail(Kind::InsufficientQuota);
    let before = key.standing.clone();
    key.fail(Kind::Authentication);
    let failure = Failure::new(Kind::Authentication, Scope::Account, "");
    key.standing.failed(key.now, &failure, false, &key.rules, 1.0);
    assert_eq!(key.stands().0, "disabled by failure");
    let change = key.standing.undo(before.clone(), key.now).unwrap();
    assert_eq!(change.to.name(), "out of service");
    assert_eq!(key.stands(), ("out of service", Some(HOUR)));
}

#[test]
fn every_state_is_kept_and_restored() {
    let name = KeyName {
        vendor: "v".to_owned(),
        account: "a".to_owned(),
        model: None,
    };
    let schedule = Schedule {
        after: Duration::from_secs(1800),
        attempts: 2,
    };
    let until = START + MINUTE;
    for (state, restored) in [
        (State::Verifying { until }, State::Verifying { until }),
        (State::Available { failures: 2 }, State::Available { failures: 0 }),
        (
            State::CoolingDown { until, trials: 3 },
            State::CoolingDown { until, trials: 3 },
        ),
        (
            State::HalfOpen { trials: 3 },
            State::CoolingDown {
                until: START,
                trials: 3,
            },
        ),
        (
            State::OutOfService {
                until,
                failed: 1,
                schedule,
            },
            State::OutOfService {
                until,
                failed: 1,
                schedule,
            },
        ),
        (
            State::Rechecking {
                failed: 1,
                schedule: Some(schedule),
                by_hand: false,
            },
            State::OutOfService {
                until: START,
                failed: 1,
                schedule,
            },
        ),
        (
            State::DisabledByFailure {
                until: Some(until),
                schedule: Some(schedule),
            },
            State::DisabledByFailure {
                until: Some(until),
                schedule: Some(schedule),
            },
        ),
        (
            State::DisabledByFailure {
                until: None,
                schedule: None,
            },
            State::DisabledByFailure {
                until: None,
                schedule: None,
            },
        ),
        (State::DisabledByHand, State::DisabledByHand),
    ] {
        let standing = Standing {
            state,
            failure: Some(Failure::new(Kind::Unknown, Scope::Account, "so it is")),
            ..Standing::new(START)
        };
        let record = standing.record(name.clone(), Some("f".to_owned()));
        let again = Standing::restored(&record, &Rules::default());
        assert_eq!(again.state(), restored);
        assert_eq!(again.failure(), standing.failure());
    }
}
