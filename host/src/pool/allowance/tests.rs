//! Allowances as attempts meet them: shared by an account's models, configured anew, dropped in every way.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::chat::{TokenClass, Tokens};
use crate::config::Price;
use crate::failure::{Kind, Scope};
use crate::pool::{CandidateKey, Denied, Lease, Pool, Rules};

fn pool() -> Pool {
    Pool::new(Storage::in_memory()).unwrap()
}

fn key(model: &str) -> CandidateKey {
    CandidateKey {
        vendor: "v".to_owned(),
        account: "a".to_owned(),
        model: model.to_owned(),
    }
}

fn need(input: u64) -> Need {
    Need {
        input,
        output: Some(10),
        most_output: None,
        price: Price {
            input: Some(1e6),
            output: Some(1e6),
            ..Price::default()
        },
        credentials: 0,
    }
}

fn tokens(input: u64, output: u64) -> Tokens {
    let mut tokens = Tokens::default();
    tokens.set(TokenClass::Input, input);
    tokens.set(TokenClass::Output, output);
    tokens
}

fn used(pool: &Pool, model: Option<&str>, limit: &str) -> f64 {
    let allowances = pool.allowances();
    let allowance = allowances
        .iter()
        .find(|allowance| allowance.name.model.as_deref() == model)
        .unwrap();
    let view = allowance
        .view()
        .into_iter()
        .find(|view| view.name == limit)
        .unwrap();
    view.used.unwrap()
}

/// The vendor reads it and says nothing.
fn ask(mut lease: Lease) {
    lease.asked(10);
}

#[track_caller]
fn denied(result: Result<Lease, Denied>) -> Held {
    match result {
        Err(Denied::Held(held)) => held,
        other => panic!("{other:?}"),
    }
}

const LIMITED: Bounds = Bounds {
    concurrency: Some(3),
    requests_per_minute: Some(4),
    tokens_per_minute: Some(1000),
    daily_tokens: Some(1000),
    monthly_tokens: None,
    daily_cost: Some(1000.0),
    monthly_cost: None,
    warn_at: 0.8,
};

#[test]
fn an_account_is_limited_over_all_of_its_models() {
    let pool = pool();
    let states = ["m", "n"].map(|model| pool.state(&key(model), &Rules::default()));
    for state in &states {
        state.allowed().configure(&LIMITED, &Bounds::default());
    }
    let [m, n] = &states;
    let leases = [m, n, m].map(|state| state.lease(&need(10)).unwrap());
    assert!(matches!(n.lease(&need(10)), Err(Denied::Full)));
    assert!(!m.has_room() && !n.has_room());
    assert_eq!((m.in_flight(), n.in_flight()), (2, 1));
    leases.into_iter().for_each(ask);
    ask(n.lease(&need(10)).unwrap());
    let held = denied(m.lease(&need(10)));
    let failure = held.failure;
    assert_eq!((failure.kind, failure.scope), (Kind::RateLimit, Scope::Account));
    assert_eq!(failure.message, "the limit of 4 requests a minute is reached");
    let left = failure.retry_after.unwrap().as_secs_f64();
    assert!((59.0..62.1).contains(&left), "{left}");
    assert!(n.held().is_some(), "strategies are told as well");
    assert_eq!((m.in_flight(), n.in_flight()), (0, 0));
    // A limit that is changed takes effect at once, and what was counted stays.
    m.allowed().configure(
        &Bounds {
            requests_per_minute: Some(5),
            ..LIMITED
        },
        &Bounds::default(),
    );
    ask(n.lease(&need(10)).unwrap());
    assert!(m.held().is_some());
    m.allowed().configure(&Bounds::default(), &Bounds::default());
    assert!(m.held().is_none());
    assert_eq!(m.allowed().quota_left(), f64::INFINITY);
}

#[test]
fn what_the_model_refuses_is_given_back_to_the_account() {
    let pool = pool();
    let state = pool.state(&key("m"), &Rules::default());
    let model = Bounds {
        tokens_per_minute: Some(15),
        ..Bounds::default()
    };
    state.allowed().configure(&LIMITED, &model);
    for _ in 0..10 {
        let failure = denied(state.lease(&need(10))).failure;
        assert_eq!(failure.scope, Scope::Candidate);
        assert_eq!(
            failure.message,
            "the request may need 20 tokens, and the limit is 15 tokens a minute"
        );
        assert_eq!(failure.retry_after, None);
    }
    assert_eq!(used(&pool, None, "requests_per_minute"), 0.0);
    assert_eq!(used(&pool, None, "daily_tokens"), 0.0);
    assert!(state.held().is_none(), "a smaller request has room");
    drop(state.lease(&need(5)).unwrap());
}

#[test]
fn leases_give_themselves_back_whatever_happens() {
    let pool = pool();
    let state = pool.state(&key("m"), &Rules::default());
    state.allowed().configure(&LIMITED, &LIMITED);
    let lease = || state.lease(&need(10)).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut lease = lease();
        lease.uses(tokens(10, 3));
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    // One whose future is dropped while it waits for the vendor: the input was read.
    let mut waiting = lease();
    waiting.asked(10);
    drop(waiting);
    // One that never got so far.
    drop(lease());
    let mut answered = lease();
    answered.uses(tokens(12, 0));
    answered.uses(tokens(12, 8));
    assert_eq!(used(&pool, None, "daily_tokens"), 13.0 + 10.0 + 20.0, "reserved");
    drop(answered);
    assert_eq!(state.in_flight(), 0);
    for model in [None, Some("m")] {
        assert_eq!(used(&pool, model, "concurrency"), 0.0);
        assert_eq!(used(&pool, model, "requests_per_minute"), 3.0);
        assert_eq!(used(&pool, model, "tokens_per_minute"), 43.0);
        assert_eq!(used(&pool, model, "daily_tokens"), 43.0);
        assert_eq!(used(&pool, model, "daily_cost"), 43.0);
    }
    assert!((state.allowed().quota_left() - 0.957).abs() < 1e-9);
}

#[test]
fn asking_again_is_another_request() {
    let pool = pool();
    let state = pool.state(&key("m"), &Rules::default());
    state.allowed().configure(&LIMITED, &Bounds::default());
    let mut lease = state.lease(&need(10)).unwrap();
    lease.uses(Tokens::default());
    for _ in 0..3 {
        lease.again(&need(10)).unwrap();
        lease.asked(10);
    }
    assert_eq!(used(&pool, None, "requests_per_minute"), 4.0);
    assert!(lease.again(&need(10)).is_err());
    drop(lease);
    assert_eq!(state.in_flight(), 0);
    assert_eq!(used(&pool, None, "tokens_per_minute"), 30.0);
}

#[test]
fn what_was_counted_while_there_was_no_limit_is_nothing() {
    let pool = pool();
    let state = pool.state(&key("m"), &Rules::default());
    let before = state.lease(&need(10)).unwrap();
    state.allowed().configure(&LIMITED, &Bounds::default());
    drop(before);
    assert_eq!(used(&pool, None, "daily_tokens"), 0.0);
    let mut under_way = state.lease(&need(10)).unwrap();
    under_way.asked(10);
    state.allowed().configure(&Bounds::default(), &Bounds::default());
    drop(under_way);
    state.allowed().configure(&LIMITED, &Bounds::default());
    assert_eq!(used(&pool, None, "daily_tokens"), 10.0, "booked is settled");
}

#[test]
fn answers_teach_what_the_next_one_may_need() {
    let pool = pool();
    let state = pool.state(&key("m"), &Rules::default());
    state.allowed().configure(&LIMITED, &Bounds::default());
    let open = Need {
        output: None,
        ..need(10)
    };
    let mut first = state.lease(&open).unwrap();
    assert_eq!(used(&pool, None, "daily_tokens"), 1000.0, "no more than there is");
    first.uses(tokens(10, 30));
    drop(first);
    let second = state.lease(&open).unwrap();
    assert_eq!(used(&pool, None, "daily_tokens"), 40.0 + 40.0);
    drop(second);
}

#[tokio::test]
async fn quotas_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patchbay.db");
    for (run, expected) in [(0, 0.0), (1, 300.0), (2, 600.0), (3, 900.0)] {
        let storage = Storage::open(&path).unwrap();
        let pool = Pool::new(storage).unwrap();
        let state = pool.state(&key("m"), &Rules::default());
        state.allowed().configure(&LIMITED, &Bounds::default());
        assert_eq!(used(&pool, None, "daily_tokens"), expected);
        assert_eq!(used(&pool, None, "daily_cost"), expected);
        if run == 3 {
            let failure = denied(state.lease(&need(200))).failure;
            assert_eq!(failure.kind, Kind::InsufficientQuota);
            assert!(failure.retry_after.is_some());
        } else {
            let mut lease = state.lease(&need(100)).unwrap();
            lease.uses(tokens(200, 100));
        }
    }
}

#[test]
fn limits_that_are_learned_hold_for_their_scope() {
    let pool = pool();
    let [m, n] = ["m", "n"].map(|model| pool.state(&key(model), &Rules::default()));
    let word = |scope, remaining| Reported {
        what: "requests".to_owned(),
        scope,
        capacity: Some(10.0),
        remaining: Some(remaining),
        resets_in: Some(std::time::Duration::from_secs(20)),
        window: None,
    };
    let mut lease = m.lease(&need(1)).unwrap();
    for scope in [Scope::Request, Scope::Endpoint] {
        lease.learn(&word(scope, 0.0));
    }
    assert!(m.held().is_none());
    lease.learn(&word(Scope::Candidate, 0.0));
    assert!(m.held().is_some() && n.held().is_none());
    lease.learn(&word(Scope::Candidate, 1.0));
    assert!(m.held().is_none(), "the newer word counts");
    lease.learn(&word(Scope::Account, 0.0));
    let failure = n.held().unwrap().failure;
    assert_eq!(failure.message, "the vendor's limit of requests is used up");
    assert!(failure.retry_after.unwrap().as_secs() <= 20);
    lease.learn(&word(Scope::Account, 9.0));
    drop(lease);
    assert!(m.held().is_none() && n.held().is_none());
    let views = pool.allowances()[0].view();
    let [view] = &views[..] else { panic!("{views:?}") };
    assert_eq!(
        (view.name.as_str(), view.learned, view.remaining),
        ("requests", true, Some(9.0))
    );
}
