//! What a person reads at 80 columns.

use std::collections::BTreeMap;

use super::*;
use crate::cli::snapshot;
use crate::decision::told::{Asked, AttemptView, Brief, CandidateView, Decisions, Fact};

/// Makes another story of the same request.
type Change = fn(&mut Explained);

const NOW: u64 = 1_795_132_800_000;

fn name(account: &str, model: &str) -> Name {
    let (vendor, account) = account.split_once('/').unwrap();
    Name {
        vendor: vendor.to_owned(),
        account: account.to_owned(),
        model: model.to_owned(),
    }
}

fn asked() -> Asked {
    Asked {
        request_id: "req_0f3a9c5511d2e4870f3a9c5511d2e487".to_owned(),
        number: 812,
        at: NOW - 192_000,
        caller: "team-a".to_owned(),
        model: "fast".to_owned(),
        operation: "chat".to_owned(),
        tags: vec!["batch".to_owned(), "night".to_owned()],
        streaming: true,
        estimated_tokens: 1_240,
    }
}

fn candidate(account: &str, place: Option<usize>, available: bool, facts: [Option<f64>; 4]) -> CandidateView {
    let names = ["success-rate", "latency-ms", "quota-left", "input-price"];
    let fact = |number: Option<f64>| {
        number.map(|number| match number {
            f64::INFINITY => Fact::Word("unlimited".to_owned()),
            number => Fact::Number(number),
        })
    };
    let known = names.iter().zip(facts);
    let known = known.map(|(name, number)| ((*name).to_owned(), fact(number)));
    let others = [("weight", 1.0), ("health", 1.0), ("in-flight", 0.0)];
    let others = others.map(|(name, number)| (name.to_owned(), fact(Some(number))));
    CandidateView {
        name: name(account, "gpt-4o"),
        place,
        preferred: false,
        available,
        facts: known.chain(others).collect::<BTreeMap<_, _>>(),
    }
}

fn attempt(account: &str, outcome: &str, took_ms: Option<f64>) -> AttemptView {
    AttemptView {
        name: name(account, "gpt-4o"),
        outcome: outcome.to_owned(),
        took_ms,
    }
}

/// The first one fails, the second one answers.
fn failover() -> Explained {
    Explained {
        now: NOW,
        asked: asked(),
        strategy: "smooth-thing@0.1.0".to_owned(),
        failed: None,
        rule: None,
        note: Some("smooth: main is owed most (\u{1b}[31m0.62\u{1b}[0m of its share)".to_owned()),
        wanted: vec![
            "available".to_owned(),
            "success-rate".to_owned(),
            "latency-ms".to_owned(),
        ],
        candidates: vec![
            candidate(
                "openai/main",
                Some(1),
                true,
                [Some(0.98), Some(640.0), Some(0.5), Some(2.5)],
            ),
            candidate(
                "openai/spare",
                Some(2),
                true,
                [Some(1.0), Some(1_840.0), Some(f64::INFINITY), Some(2.5)],
            ),
            candidate(
                "relay-with-a-long-name/account-with-one-too",
                Some(3),
                false,
                [None; 4],
            ),
            candidate("north/old", None, true, [Some(0.25), None, None, Some(0.15)]),
        ],
        unfit: vec![name("south/mini", "text-only")],
        shadow: Some(ShadowView {
            strategy: "cheapest@0.2.0".to_owned(),
            order: Some(vec![name("north/old", "gpt-4o"), name("openai/main", "gpt-4o")]),
            note: Some("$0.15 is least".to_owned()),
            failed: None,
            agreed: Some(false),
            same_order: Some(false),
            took_ms: Some(0.042),
        }),
        attempts: vec![
            attempt("openai/main", "rate_limit_exceeded", Some(120.2)),
            attempt("openai/spare", "completed", Some(800.0)),
        ],
        outcome: "completed".to_owned(),
        input_tokens: Some(1_198),
        output_tokens: Some(64),
        cost: Some(0.003_634_8),
        latency_ms: Some(934.0),
        first_token_ms: Some(401.0),
    }
}

/// Nobody could decide, and nobody could be asked.
fn in_vain() -> Explained {
    let mut told = failover();
    told.strategy = "built-in".to_owned();
    told.failed = Some(
        "plugin smooth-thing@0.1.0, strategy.rank: took longer than the limit of 250 ms (plugins.limits.call)"
            .to_owned(),
    );
    told.note = None;
    told.wanted = Vec::new();
    told.rule = Some(2);
    told.unfit = Vec::new();
    told.candidates.truncate(2);
    told.candidates.iter_mut().for_each(|one| one.available = false);
    told.shadow = None;
    told.attempts = Vec::new();
    told.outcome = "no_candidate".to_owned();
    (told.input_tokens, told.output_tokens, told.cost) = (Some(0), Some(0), None);
    (told.latency_ms, told.first_token_ms) = (Some(0.4), None);
    told
}

#[test]
fn one_request_from_a_sentence_to_its_numbers() {
    snapshot::matches("explain", &render(&failover()));
    snapshot::matches("explain.in_vain", &render(&in_vain()));
}

#[test]
fn the_latest_as_a_table() {
    let brief = |id: &str, at: u64, outcome: &str, attempts: usize| Brief {
        asked: Asked {
            request_id: id.to_owned(),
            at: NOW - at,
            ..asked()
        },
        strategy: "smooth-thing-of-many-words@0.1.0".to_owned(),
        failed: (attempts == 0).then(|| "it trapped".to_owned()),
        candidates: 4,
        first: Some(name("openai/main", "gpt-4o")),
        attempts,
        last: (attempts > 0).then(|| name("openai/account-of-the-team", "gpt-4o")),
        outcome: outcome.to_owned(),
        latency_ms: (outcome != "under way").then_some(1_234.0),
        cost: None,
        shadow: None,
    };
    let decisions = vec![
        brief("req_0f3a9c5511d2e4870f3a9c5511d2e487", 2_000, "under way", 1),
        brief("req_a1b2c3d4e5f60718a1b2c3d4e5f60718", 125_000, "completed", 2),
        brief(
            "req_ffffffffffffffffffffffffffffffff",
            8_000_000,
            "rate_limit_exceeded",
            3,
        ),
        brief(
            "req_00000000000000000000000000000001",
            90_000_000,
            "no_candidate",
            0,
        ),
    ];
    let told = Decisions { now: NOW, decisions };
    snapshot::matches("explain.latest", &latest::render(&told));
    let none = Decisions {
        now: NOW,
        decisions: vec![],
    };
    assert_eq!(latest::render(&none), "No such request is known.\n");
}

#[test]
fn the_story_of_every_ending() {
    let story = |change: Change| {
        let mut told = failover();
        change(&mut told);
        story::of(&told)
    };
    let put = "smooth-thing@0.1.0 put openai/main gpt-4o first of 4 and left 1 out";
    let cases: [(Change, &str); 8] = [
        (
            |_| (),
            "; it failed with rate_limit_exceeded after 120 ms; openai/spare answered in 800 ms.",
        ),
        (
            |told| drop(told.attempts.remove(0)),
            "; it was passed over; openai/spare answered in 800 ms.",
        ),
        (
            |told| {
                told.attempts = vec![attempt("openai/main", "under way", None)];
                told.outcome = "under way".to_owned();
            },
            "; it is at work.",
        ),
        (
            |told| {
                told.attempts = vec![attempt("openai/main", "cancelled", Some(2_000.0))];
                told.outcome = "cancelled".to_owned();
            },
            "; it was at work for 2.0 s when the caller left.",
        ),
        (
            |told| {
                told.attempts.pop();
                told.outcome = "cancelled".to_owned();
            },
            "; it failed with rate_limit_exceeded after 120 ms; then the caller left.",
        ),
        (
            |told| {
                told.attempts.clear();
                told.outcome = "under way".to_owned();
            },
            "; nobody has been asked yet.",
        ),
        (
            |told| {
                told.attempts.pop();
                told.attempts.push(attempt("openai/main", "timeout", Some(9.0)));
                told.outcome = "timeout".to_owned();
            },
            "; it failed with rate_limit_exceeded after 120 ms; it failed with timeout after 9.0 ms; the caller was told \
             timeout.",
        ),
        (
            |told| {
                let failed = attempt("openai/main", "network", Some(1.0));
                told.attempts.splice(0..1, vec![failed; 20]);
            },
            "; it failed with network after 1.0 ms; it failed with network after 1.0 ms; it failed with network after 1.0 ms; \
             it failed with network after 1.0 ms; 16 more failed; openai/spare answered in 800 ms.",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(story(change), format!("{put}{expected}"));
    }
    let alone = story(|told| told.candidates.truncate(1));
    assert!(
        alone.starts_with("smooth-thing@0.1.0 had nobody but openai/main gpt-4o; "),
        "{alone}"
    );
    let preferred = story(|told| {
        told.rule = Some(2);
        told.candidates[0].preferred = true;
        told.strategy = "built-in".to_owned();
    });
    assert!(
        preferred.starts_with(
            "The built-in order put openai/main gpt-4o first of 4, as rule 2 prefers it, and left"
        ),
        "{preferred}"
    );
}

#[test]
fn an_id_is_found_in_whatever_was_copied_with_it() {
    for words in [
        "req_0f3a9c",
        " req_0f3a9c\n",
        "\"req_0f3a9c\"",
        "x-request-id: req_0f3a9c",
        "x-request-id:req_0f3a9c",
        "\"request_id\":\"req_0f3a9c\",\"caller\":\"team\"",
        "req_0f3a9c…",
        "req_0f3a9c...",
        "REQ_0F3A9C",
        "0f3a9c",
        "'0f3a9c'",
    ] {
        assert_eq!(request_id(words).as_deref(), Some("req_0f3a9c"), "{words}");
    }
    for words in [
        "",
        "req_",
        "hello",
        "x-request-id:",
        "req_xyz",
        "0f3a9cz",
        "req_0f3a9cz",
    ] {
        assert_eq!(request_id(words), None, "{words}");
    }
}
