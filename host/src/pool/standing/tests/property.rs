//! No path leads to a state that nothing leaves.

use proptest::prelude::*;

use super::by_hand::probe;
use super::*;

fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::RateLimit,
        Kind::ResourceExhausted,
        Kind::ServiceUnavailable,
        Kind::Internal,
        Kind::InsufficientQuota,
        Kind::Unknown,
        Kind::ModelNotFound,
        Kind::Timeout,
        Kind::Network,
        Kind::MalformedReply,
        Kind::InvalidRequest,
        Kind::Custom("moon".to_owned()),
        Kind::Authentication,
    ])
}

proptest! {
    /// Whatever happens in whatever order: a key is disabled for good only by a refused credential, and from anywhere
    /// else waiting leads to a trial, and the trial's success back to service.
    #[test]
    fn nothing_leads_where_nothing_leads_out(
        events in prop::collection::vec((any_kind(), 0_u64..100_000, prop::option::of(0_u64..1000), 0_u8..9), 0..60)
    ) {
        let mut key = Scene::new();
        let mut refused = false;
        for (kind, wait, wish, what) in events {
            key.wait(wait * SECOND);
            match what {
                0 => { key.succeed(); }
                1 => {
                    let trial = key.standing.admit(key.now) == Admission::Trial;
                    key.standing.released(key.now, trial);
                }
                2 => {
                    // Late news of an attempt that began earlier.
                    refused |= kind == Kind::Authentication;
                    let failure = Failure::new(kind, Scope::Account, "");
                    key.standing.failed(key.now, &failure, false, &key.rules, 0.5);
                }
                3 => { probe(&mut key, wish.is_some(), None); }
                4 => {
                    refused |= kind == Kind::Authentication;
                    probe(&mut key, wish.is_some(), Some(kind));
                }
                5 => {
                    key.standing.switch_off(key.now);
                    prop_assert_eq!(key.standing.outlook(key.now), Admission::No(None));
                    key.standing.switch_on(key.now);
                }
                6 => drop(key.standing.verify(key.now)),
                _ => {
                    refused |= kind == Kind::Authentication;
                    key.fail_with(kind, wish);
                }
            }
        }
        if key.standing.outlook(key.now) == Admission::No(None) {
            prop_assert!(refused);
            return Ok(());
        }
        if let Some(until) = key.standing.state().until() {
            key.now = key.now.max(until);
        }
        let admission = key.standing.admit(key.now);
        prop_assert!(matches!(admission, Admission::Yes | Admission::Trial), "{admission:?} {:?}", key.standing);
        key.standing.succeeded(key.now, admission == Admission::Trial);
        prop_assert!(key.standing.is_clear());
    }
}
