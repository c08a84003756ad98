//! Every class and every state has words of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::pool::Schedule;

const SCHEDULE: Schedule = Schedule {
    after: Duration::from_secs(60),
    attempts: 7,
};

fn key(model: Option<&str>) -> KeyName {
    KeyName {
        vendor: "v".to_owned(),
        account: "a".to_owned(),
        model: model.map(str::to_owned),
    }
}

/// Those of the requirements and the host's own.
fn classes() -> Vec<Kind> {
    let named = [
        "authentication_error",
        "permission_denied",
        "rate_limit_exceeded",
        "resource_exhausted",
        "service_unavailable",
        "internal_error",
        "insufficient_quota",
        "unknown_error",
        "model_not_found",
        "invalid_request",
        "context_length_exceeded",
        "content_filter",
        "timeout",
        "network_error",
        "malformed_reply",
        "not_supported",
        "strange_error",
    ];
    let named = named.into_iter().map(Kind::from);
    named.chain([Kind::Plugin, Kind::Overloaded]).collect()
}

fn states() -> [State; 9] {
    [
        State::Verifying { until: 5 },
        State::DisabledByHand,
        State::Available { failures: 2 },
        State::CoolingDown { until: 5, trials: 1 },
        State::HalfOpen { trials: 1 },
        State::OutOfService {
            until: 5,
            failed: 3,
            schedule: SCHEDULE,
        },
        State::Rechecking {
            failed: 3,
            schedule: Some(SCHEDULE),
            by_hand: false,
        },
        State::DisabledByFailure {
            until: Some(5),
            schedule: Some(SCHEDULE),
        },
        State::DisabledByFailure {
            until: None,
            schedule: None,
        },
    ]
}

#[test]
fn every_class_and_every_state_has_words_of_its_own() {
    let disabled = State::DisabledByFailure {
        until: None,
        schedule: None,
    };
    let meanings: BTreeSet<String> = classes()
        .iter()
        .map(|class| Advice::on(&key(None), disabled, Some(class)).meaning)
        .collect();
    assert_eq!(meanings.len(), classes().len());
    let nexts: BTreeSet<String> = states()
        .into_iter()
        .map(|state| Advice::on(&key(None), state, Some(&Kind::RateLimit)).next)
        .collect();
    assert_eq!(nexts.len(), states().len());
    for class in classes() {
        for state in states() {
            let advice = Advice::on(&key(Some("m")), state, Some(&class));
            for text in [&advice.meaning, &advice.next, &advice.action] {
                assert!(
                    text.ends_with('.') && !text.contains("  "),
                    "{class:?} {state:?}: {text:?}"
                );
            }
        }
    }
}

#[test]
fn what_to_do_can_be_typed_as_it_stands() {
    let state = State::DisabledByFailure {
        until: None,
        schedule: None,
    };
    let advice = Advice::on(&key(None), state, Some(&Kind::Authentication));
    assert!(
        advice.action.contains("`patchbay keys rotate v/a`"),
        "{}",
        advice.action
    );
    assert!(
        advice.action.ends_with("`patchbay keys recheck v/a`."),
        "{}",
        advice.action
    );
    let advice = Advice::on(&key(None), states()[5], Some(&Kind::InsufficientQuota));
    assert!(advice.next.contains("3 of 7"), "{}", advice.next);
}

#[test]
fn a_key_without_trouble_needs_nothing() {
    for class in [None, Some(&Kind::Timeout)] {
        let advice = Advice::on(&key(None), State::Available { failures: 0 }, class);
        assert_eq!(
            (advice.meaning.as_str(), advice.action.as_str()),
            ("Nothing is known against it.", "Nothing.")
        );
    }
}
