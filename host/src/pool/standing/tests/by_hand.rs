//! Probes of new keys and of others, and what operators do.

use super::*;

/// A probe asks, and this comes of it.
pub(super) fn probe(key: &mut Scene, by_hand: bool, found: Option<Kind>) -> Admission {
    let admission = key.standing.examine(key.now, by_hand);
    let trial = admission == Admission::Trial;
    match found {
        _ if matches!(admission, Admission::No(_)) => {}
        None => drop(key.standing.answered(key.now, trial)),
        Some(kind) => {
            let failure = Failure::new(kind, Scope::Account, "");
            key.standing.failed(key.now, &failure, trial, &key.rules, 1.0);
        }
    }
    admission
}

#[test]
fn a_new_key_waits_for_its_probe_and_not_for_ever() {
    let mut key = Scene::new();
    assert!(key.standing.verify(key.now).is_some());
    assert_eq!(key.stands(), ("verifying", Some(30 * SECOND)));
    assert!(matches!(key.standing.admit(key.now), Admission::No(Some(_))));
    // What was under way says nothing of the new credential.
    assert_eq!(key.standing.succeeded(key.now, false), None);
    key.standing.failed(
        key.now,
        &Failure::new(Kind::RateLimit, Scope::Account, ""),
        false,
        &key.rules,
        1.0,
    );
    assert_eq!(key.stands().0, "verifying");
    assert_eq!(probe(&mut key, false, None), Admission::Trial);
    assert!(key.standing.is_clear());
    for (found, stands) in [
        (Kind::Authentication, ("disabled by failure", None)),
        (Kind::InsufficientQuota, ("out of service", Some(HOUR))),
        (Kind::Timeout, ("cooling down", Some(2 * SECOND))),
        (Kind::Internal, ("cooling down", Some(2 * SECOND))),
        (Kind::NotSupported, ("available", None)),
    ] {
        let mut key = Scene::new();
        key.standing.verify(key.now);
        probe(&mut key, false, Some(found.clone()));
        assert_eq!(key.stands(), stands, "{found:?}");
    }
    // Without an answer one request finds out.
    let mut key = Scene::new();
    key.standing.verify(key.now);
    key.wait(30 * SECOND);
    assert_eq!(key.standing.admit(key.now), Admission::Trial);
    assert_eq!(key.stands().0, "half-open");
}

#[test]
fn a_probe_proves_only_what_it_asks_about() {
    let mut key = Scene::new();
    key.fail(Kind::InsufficientQuota);
    assert!(
        matches!(probe(&mut key, false, None), Admission::No(_)),
        "not due"
    );
    assert_eq!(probe(&mut key, true, None), Admission::Trial);
    assert_eq!(
        key.stands(),
        ("out of service", Some(0)),
        "the next request finds out"
    );
    key.succeed();
    assert!(key.standing.is_clear());

    let mut key = Scene::new();
    for _ in 0..3 {
        key.fail(Kind::Internal);
    }
    for _ in 0..10 {
        key.trial_fails(Kind::Internal);
    }
    assert_eq!(probe(&mut key, true, None), Admission::Trial);
    assert!(key.standing.is_clear(), "it answers again");
}

#[test]
fn a_recheck_by_hand_that_fails_costs_nothing() {
    let mut key = Scene::new();
    key.fail(Kind::InsufficientQuota);
    for _ in 0..20 {
        probe(&mut key, true, Some(Kind::InsufficientQuota));
        assert_eq!(key.stands(), ("out of service", Some(HOUR)));
    }
    let mut key = Scene::new();
    key.fail(Kind::Authentication);
    assert!(
        matches!(probe(&mut key, false, None), Admission::No(None)),
        "permanent"
    );
    for kind in [Kind::Authentication, Kind::Network, Kind::Internal] {
        assert_eq!(probe(&mut key, true, Some(kind)), Admission::Trial);
        assert_eq!(key.stands(), ("disabled by failure", None));
    }
    probe(&mut key, true, None);
    assert!(key.standing.is_clear(), "the vendor takes it again");
}

#[test]
fn a_probe_waits_for_whoever_finds_out_already() {
    let mut key = Scene::new();
    key.fail(Kind::RateLimit).wait(2 * SECOND);
    assert_eq!(key.standing.admit(key.now), Admission::Trial);
    assert!(matches!(key.standing.examine(key.now, true), Admission::No(_)));
    let mut key = Scene::new();
    key.fail(Kind::InsufficientQuota).wait(HOUR);
    assert_eq!(key.standing.admit(key.now), Admission::Trial);
    assert_eq!(key.stands().0, "rechecking");
    assert!(matches!(key.standing.examine(key.now, true), Admission::No(_)));
}

#[test]
fn switched_off_nothing_moves_it_but_being_switched_on() {
    let mut key = Scene::new();
    key.fail(Kind::Authentication);
    let change = key.standing.switch_off(key.now).unwrap();
    assert_eq!(
        (change.from.name(), change.to.name()),
        ("disabled by failure", "disabled by hand")
    );
    assert_eq!(key.standing.switch_off(key.now), None);
    assert_eq!(key.standing.reset(key.now), None);
    assert_eq!(key.standing.verify(key.now), None);
    assert_eq!(probe(&mut key, true, None), Admission::No(None));
    for trial in [true, false] {
        let failure = Failure::new(Kind::RateLimit, Scope::Account, "");
        assert_eq!(
            key.standing.failed(key.now, &failure, trial, &key.rules, 1.0),
            None
        );
        assert_eq!(key.standing.succeeded(key.now, trial), None);
    }
    assert_eq!(key.stands(), ("disabled by hand", None));
    assert!(key.standing.switch_on(key.now).is_some() && key.standing.is_clear());
    assert_eq!(key.standing.switch_on(key.now), None);
}
