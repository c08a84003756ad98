//! Leases, what they leave behind, and what a plugin's word does to keys.

use std::time::Duration;

use super::*;
use crate::clock;
use crate::failure::{Failure, Kind, Scope};

/// Of the fingerprints "a" and "b".
const CREDENTIALS: u64 = 10;
const OTHERS: u64 = 11;

fn need() -> Need {
    Need {
        credentials: CREDENTIALS,
        ..Need::default()
    }
}

fn named(model: &str) -> CandidateKey {
    CandidateKey {
        vendor: "v".into(),
        account: "a".into(),
        model: model.into(),
    }
}

fn terms<'a>(rules: &'a Arc<Rules>, fingerprint: &'a str) -> Terms<'a> {
    Terms {
        rules,
        fingerprint: Some(fingerprint),
        account_enabled: true,
        model_enabled: true,
        verify: false,
    }
}

fn took(latency: u64) -> Took {
    Took {
        latency: Duration::from_millis(latency),
        first_token: Some(Duration::from_millis(latency / 10)),
    }
}

fn stands(state: &CandidateState) -> (&'static str, &'static str) {
    let name = |key: &Key| key.standing().state().name();
    (name(state.account_key()), name(state.model_key()))
}

#[test]
fn leases_give_themselves_back_and_state_outlives_them() {
    let pool = Pool::new(Storage::in_memory()).unwrap();
    let state = pool.state(&named("m"), &Rules::default());
    assert!(state.health().latency.average_ms().is_nan());
    state.configure(terms(&Arc::default(), "a"));
    let (first, second) = (state.lease(&need()).unwrap(), state.lease(&need()).unwrap());
    assert_eq!((state.in_flight(), pool.in_flight()), (2, 2));
    first.succeeded(took(100));
    second.failed(&Failure::malformed(""), 1);
    drop((first, second));
    let again = pool.state(&named("m"), &Rules::default());
    assert!(Arc::ptr_eq(&state, &again));
    assert_eq!((again.in_flight(), again.requests()), (0, 2));
    let health = again.health();
    assert_eq!(health.consecutive_failures(), 1);
    assert!((health.success_rate(clock::unix_millis()) - 0.5).abs() < 1e-9);
    assert!((health.latency.average_ms() - 100.0).abs() < 1e-9);
    assert!((health.first_token.average_ms() - 10.0).abs() < 1e-9);
    assert_eq!(again.condition(clock::unix_millis()), Condition::Degraded);
}

#[test]
fn a_failure_reaches_the_key_that_it_speaks_of() {
    let pool = Pool::new(Storage::in_memory()).unwrap();
    let rules = Arc::new(Rules::default());
    let (one, other) = (
        pool.state(&named("one"), &rules),
        pool.state(&named("other"), &rules),
    );
    for state in [&one, &other] {
        state.configure(terms(&rules, "a"));
    }
    let limited = Failure::new(Kind::RateLimit, Scope::Candidate, "");
    let _ = one.lease(&need()).unwrap().failed(&limited, 1);
    assert_eq!(stands(&one), ("available", "cooling down"));
    assert!(one.lease(&need()).is_err() && other.lease(&need()).is_ok());
    let refused = Failure::new(Kind::Authentication, Scope::Account, "");
    let _ = other.lease(&need()).unwrap().failed(&refused, 1);
    assert_eq!(stands(&other), ("disabled by failure", "available"));
    assert!(other.lease(&need()).is_err());
    // Other credentials clear what those before have caused.
    one.configure(terms(&rules, "a"));
    assert_eq!(stands(&one), ("disabled by failure", "cooling down"));
    one.configure(terms(&rules, "b"));
    other.configure(terms(&rules, "b"));
    assert_eq!(stands(&one), ("available", "available"));
}

#[test]
fn what_a_version_that_is_taken_back_has_said_is_undone() {
    let pool = Pool::new(Storage::in_memory()).unwrap();
    let rules = Arc::new(Rules::default());
    let (one, other) = (
        pool.state(&named("one"), &rules),
        pool.state(&named("other"), &rules),
    );
    for state in [&one, &other] {
        state.configure(terms(&rules, "a"));
    }
    let fails = |state: &Arc<CandidateState>, kind, plugin| {
        let failure = Failure::new(kind, Scope::Candidate, "");
        let _ = state.lease(&need()).unwrap().failed(&failure, plugin);
    };
    fails(&one, Kind::InsufficientQuota, 1);
    fails(&other, Kind::Internal, 2);
    fails(&other, Kind::Authentication, 2);
    assert_eq!(stands(&other).1, "disabled by failure");
    pool.undo(2);
    assert_eq!(stands(&one).1, "out of service", "an older version said that");
    assert_eq!(stands(&other).1, "available");
    assert!(other.model_key().standing().is_clear());
    // Nor does it count what it says afterwards, with requests that have begun before.
    fails(&other, Kind::Authentication, 2);
    assert_eq!(stands(&other).1, "available");
}

#[test]
fn a_key_does_not_suffer_for_the_credentials_it_had_before() {
    let pool = Pool::new(Storage::in_memory()).unwrap();
    let rules = Arc::new(Rules::default());
    let state = pool.state(&named("m"), &rules);
    let refused = Failure::new(Kind::Authentication, Scope::Account, "");
    state.configure(terms(&rules, "a"));
    let begun = state.lease(&need()).unwrap();
    state.configure(terms(&rules, "b"));
    // One that has begun before, and one that goes on with the configuration of then.
    let _ = begun.failed(&refused, 1);
    let _ = state.lease(&need()).unwrap().failed(&refused, 1);
    assert_eq!(stands(&state), ("available", "available"));
    // They find nothing out either.
    state.configure(Terms {
        verify: true,
        ..terms(&rules, "c")
    });
    assert!(state.account_key().pass_probe(OTHERS, false).is_err());
    begun.succeeded(took(1));
    assert_eq!(stands(&state).0, "verifying");
}

#[test]
fn a_long_stream_that_is_a_trial_does_not_keep_others_waiting() {
    let pool = Pool::new(Storage::in_memory()).unwrap();
    let rules = Arc::new(Rules {
        first: Duration::ZERO,
        ..Rules::default()
    });
    let state = pool.state(&named("m"), &rules);
    state.configure(terms(&rules, "a"));
    let limited = Failure::new(Kind::RateLimit, Scope::Account, "");
    let _ = state.lease(&need()).unwrap().failed(&limited, 1);
    let stream = state.lease(&need()).unwrap();
    assert_eq!(stands(&state).0, "half-open");
    assert!(state.lease(&need()).is_err(), "one finds out");
    stream.proved();
    assert_eq!(stands(&state).0, "available");
    assert!(state.lease(&need()).is_ok());
    // Its end is one like any other's.
    let _ = stream.failed(&Failure::new(Kind::Internal, Scope::Account, ""), 1);
    assert_eq!(stands(&state).0, "available");
}

#[test]
fn what_cannot_be_reached_yet_is_verified_when_it_can() {
    let pool = Pool::new(Storage::in_memory()).unwrap();
    let rules = Arc::new(Rules::default());
    let state = pool.state(&named("m"), &rules);
    state.configure(Terms {
        fingerprint: None,
        ..terms(&rules, "a")
    });
    assert_eq!(stands(&state).0, "available");
    state.configure(Terms {
        verify: true,
        ..terms(&rules, "a")
    });
    assert_eq!(stands(&state).0, "verifying");
}

#[test]
fn switched_off_by_the_configuration_and_on_again() {
    let pool = Pool::new(Storage::in_memory()).unwrap();
    let rules = Arc::new(Rules::default());
    let state = pool.state(&named("m"), &rules);
    let usual = terms(&rules, "a");
    state.configure(Terms {
        account_enabled: false,
        ..usual
    });
    assert_eq!(stands(&state), ("disabled by hand", "available"));
    assert!(state.lease(&need()).is_err());
    state.account_key().reset();
    assert!(
        state.lease(&need()).is_err(),
        "the configuration alone switches it on"
    );
    state.configure(Terms {
        verify: true,
        ..usual
    });
    assert_eq!(stands(&state), ("verifying", "available"));
    assert!(state.lease(&need()).is_err());
    let probe = state.account_key().pass_probe(CREDENTIALS, false).unwrap();
    probe.answered(took(1));
    assert!(state.lease(&need()).is_ok());
}

#[test]
fn a_new_key_is_verified_once_and_others_wait_meanwhile() {
    let storage = Storage::in_memory();
    let rules = Arc::new(Rules::default());
    let pool = Pool::new(storage).unwrap();
    let state = pool.state(&named("m"), &rules);
    let usual = Terms {
        verify: true,
        ..terms(&rules, "a")
    };
    state.configure(usual);
    assert_eq!(stands(&state).0, "verifying");
    let held = state.held().unwrap();
    assert!(held.verifying && held.until.is_some());
    let probe = state.account_key().pass_probe(CREDENTIALS, false).unwrap();
    let refused = Failure::new(Kind::Authentication, Scope::Account, "");
    let _ = probe.failed(&refused, &rules, 1);
    assert_eq!(stands(&state).0, "disabled by failure");
    state.configure(usual);
    assert_eq!(stands(&state).0, "disabled by failure", "nothing has changed");
    state.configure(Terms {
        fingerprint: Some("b"),
        ..usual
    });
    assert_eq!(stands(&state).0, "verifying");
}
