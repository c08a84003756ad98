//! The sums of decisions made by hand.

use std::time::Duration;

use serde_json::{Value, json};

use super::tally::{Case, Tally};
use super::*;
use crate::decision::recording::RecordedPool;

/// Candidates a (prices 1 and 10, 100 ms), b (2 and 20, 50 ms) and c, of which nothing is known.
fn pool() -> RecordedPool {
    let candidate = |name: &str| json!({"vendor": name, "account": "main", "model": "m", "tags": []});
    let strategy = json!({"name": "cost", "identity": "cost@1", "settings": {}});
    let pool = json!({
        "number": 1,
        "model": "small",
        "candidates": (["a", "b", "c"].map(candidate)),
        "facts": ["available", "input-price", "output-price", "latency-ms"],
        "strategies": [strategy],
    });
    serde_json::from_value(pool).unwrap()
}

/// Made by the strategy: b, a, c, of which all could be asked.
fn decision(changes: Value) -> RecordedDecision {
    let mut decision = json!({
        "number": 1, "request_id": "r", "pool": 1, "operation": "chat", "caller": "tester", "tags": [],
        "streaming": false, "input_tokens": 1000, "sequence": 0, "entropy": "0000000000000000", "now": 1,
        "deadline": 2, "offered": [0, 1, 2],
        "facts": [[1.0, 1.0, 10.0, 100.0], [1.0, 2.0, 20.0, 50.0], [1.0, null, null, null]],
        "state": "", "strategy": 0, "order": [1, 0, 2], "note": null, "failed": null, "rule": null,
        "preferred": [], "shadow": null, "attempts": [], "end": null,
    });
    let Value::Object(changes) = changes else {
        panic!("{changes} changes no member");
    };
    decision.as_object_mut().unwrap().extend(changes);
    serde_json::from_str(&decision.to_string()).unwrap()
}

fn ended(input: u64, output: u64) -> Value {
    json!({"outcome": "completed", "input_tokens": input, "output_tokens": output, "cost": null,
        "latency_ms": 1.0, "first_token_ms": null})
}

/// What the replayed strategy decided each time.
fn report(decisions: &[(RecordedDecision, Result<Vec<u32>, &str>)]) -> Report {
    let pool = pool();
    let mut tally = Tally::default();
    for (line, (decision, replayed)) in (3..).zip(decisions) {
        tally.add(&Case {
            line,
            pool: &pool,
            decision,
            replayed: replayed.clone().map_err(str::to_owned),
            took: Duration::from_micros(line as u64),
        });
    }
    tally.report("other@1")
}

fn agreement(decisions: u64, same_order: u64, same_askable: u64, same_first: u64) -> Agreement {
    Agreement {
        decisions,
        same_order,
        same_askable,
        same_first,
    }
}

#[test]
fn orders_agree_wholly_or_among_those_that_can_be_asked_or_at_the_top() {
    let b_is_away = json!({"facts": [[1.0, 1.0, 10.0, 1.0], [0.0, 2.0, 20.0, 1.0], [1.0, null, null, null]]});
    let report = report(&[
        (decision(json!({})), Ok(vec![1, 0, 2])),
        (decision(json!({})), Ok(vec![1, 2, 0])),
        (decision(json!({})), Ok(vec![0, 1, 2])),
        (decision(b_is_away.clone()), Ok(vec![0, 2, 1])),
        (decision(b_is_away), Ok(vec![0])),
        (decision(json!({})), Ok(vec![])),
    ]);
    assert_eq!(report.agreement, agreement(6, 1, 2, 4));
    assert!(!report.is_exact());
    let difference = report.first_difference.unwrap();
    assert_eq!((difference.line, difference.request_id.as_str()), (4, "r"));
    assert_eq!(difference.recorded, ["b/main/m", "a/main/m", "c/main/m"]);
    assert_eq!(difference.replayed, ["b/main/m", "c/main/m", "a/main/m"]);
    let chosen: Vec<_> = report
        .candidates
        .iter()
        .map(|chosen| (chosen.candidate.as_str(), chosen.recorded, chosen.replayed))
        .collect();
    assert_eq!(chosen, [("b/main/m", 4, 2), ("a/main/m", 2, 3)]);
    assert_eq!((report.nobody.recorded, report.nobody.replayed), (0, 1));
}

#[test]
fn whoever_a_rule_prefers_is_asked_first_whatever_the_order() {
    let preferred = json!({"preferred": [2]});
    let report = report(&[(decision(preferred), Ok(vec![0, 1, 2]))]);
    assert_eq!(report.agreement, agreement(1, 0, 0, 1));
    assert_eq!(
        (
            report.candidates[0].candidate.as_str(),
            report.candidates[0].recorded
        ),
        ("c/main/m", 1)
    );
}

#[test]
fn what_the_gateway_decided_itself_is_counted_apart() {
    let built_in = json!({"strategy": null});
    let failed = json!({"strategy": null, "failed": "it trapped"});
    let same = [
        (decision(json!({})), Ok(vec![1, 0, 2])),
        (decision(built_in), Ok(vec![1, 0, 2])),
        (decision(failed.clone()), Ok(vec![0, 1, 2])),
    ];
    let report = report(&same);
    assert_eq!(report.agreement, agreement(1, 1, 1, 1));
    let by: Vec<_> = report
        .recorded_by
        .iter()
        .map(|by| (by.decider.as_str(), by.after_failure, by.agreement.same_order))
        .collect();
    assert_eq!(
        by,
        [
            ("cost@1", false, 1),
            ("built-in", false, 1),
            ("built-in", true, 0)
        ]
    );
    // Nobody's order was recorded where a strategy had failed.
    assert!(report.is_exact());
    assert_eq!(report.compared(), 3);
    assert!(!super::tests::report(&[(decision(failed), Ok(vec![1, 0, 2]))]).is_exact());
}

#[test]
fn costs_are_for_the_tokens_there_were() {
    let report = report(&[
        // 1,000 estimated tokens, and no output: 2 dollars for a million of them at b, 1 at a.
        (decision(json!({})), Ok(vec![0, 1, 2])),
        // As many as there were: 2 * 2 + 1 * 20, and 2 * 1 + 1 * 10.
        (
            decision(json!({"end": ended(2_000_000, 1_000_000)})),
            Ok(vec![0, 1, 2]),
        ),
        // Nobody knows what c costs, or how long it takes.
        (decision(json!({})), Ok(vec![2, 1, 0])),
        // What nothing was asked of costs nothing.
        (decision(json!({"end": ended(0, 0)})), Ok(vec![2, 1, 0])),
        (decision(json!({})), Ok(vec![])),
    ]);
    let cost = report.cost_usd;
    assert_eq!((cost.decisions, cost.unknown), (3, 2));
    assert!((cost.recorded_sum - 24.002).abs() < 1e-9, "{cost:?}");
    assert!((cost.replayed_sum - 12.001).abs() < 1e-9, "{cost:?}");
    let latency = report.latency_ms;
    assert_eq!((latency.decisions, latency.unknown), (2, 3));
    assert!((latency.recorded_sum - 100.0).abs() < 1e-9 && (latency.replayed_sum - 200.0).abs() < 1e-9);
}

#[test]
fn failures_are_counted_by_what_they_say_and_nowhere_else() {
    let report = report(&[
        (decision(json!({})), Err("rarely")),
        (decision(json!({})), Err("often")),
        (decision(json!({})), Ok(vec![1, 0, 2])),
        (decision(json!({})), Err("often")),
    ]);
    let failures: Vec<_> = report
        .failures
        .iter()
        .map(|failure| (failure.message.as_str(), failure.times, failure.first_line))
        .collect();
    assert_eq!(failures, [("often", 2, 4), ("rarely", 1, 3)]);
    assert_eq!(
        (report.decisions, report.compared(), report.candidates.len()),
        (4, 1, 1)
    );
    assert!(!report.is_exact());
    assert_eq!((report.calls.count, report.calls.p99_us), (4, 6.0));
    assert!((report.calls.mean_us - 4.5).abs() < 1e-9);
}

#[test]
fn a_hundredth_of_the_calls_may_be_slower() {
    let mut calls: Vec<u32> = (1..=1000).rev().map(|call| call * 1000).collect();
    assert_eq!(Calls::of(&mut calls).p99_us, 990.0);
    assert_eq!(Calls::of(&mut [5000]).p99_us, 5.0);
    assert_eq!(Calls::of(&mut []), Calls::default());
}

#[test]
fn decisions_that_do_not_fit_their_pool_are_wrong() {
    let cases = [
        (json!({"offered": [0, 1, 3]}), "offered: candidate 3 of 3"),
        (json!({"order": [9]}), "order: candidate 9"),
        (json!({"preferred": [3]}), "preferred: candidate 3"),
        (json!({"offered": [0, 1]}), "not 2 rows of 4 numbers"),
        (json!({"facts": [[1.0], [1.0], [1.0]]}), "not 3 rows of 4 numbers"),
        (json!({"strategy": 1}), "strategy 1 of 1"),
    ];
    for (change, expected) in cases {
        let problem = index::check(&pool(), &decision(change)).unwrap_err();
        assert!(problem.contains(expected), "{problem}");
    }
    assert_eq!(index::check(&pool(), &decision(json!({}))), Ok(()));
}

/// The lines of the decisions in the order in which they are replayed, section by section.
fn order(lines: &[Value], model: Option<&str>) -> Result<Vec<Vec<usize>>, String> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let index = Index::of(text.as_bytes(), model).map_err(|error| error.to_string())?;
    index.decisions().map_err(|error| error.to_string())?;
    let places = |section: &Section| section.decisions.iter().map(|place| place.line).collect();
    Ok(index.sections.iter().map(places).collect())
}

#[test]
fn decisions_are_replayed_in_the_order_in_which_they_were_made() {
    let head = || json!({"recording": {"version": 1}});
    let pool = |number: u64, model: &str| json!({"pool": {"number": number, "model": model, "candidates": [], "facts": [], "strategies": []}});
    let decision = |number: u64, pool: u64| json!({"decision": {"number": number, "pool": pool}});
    let lines = [
        head(),
        pool(1, "small"),
        decision(3, 1),
        decision(1, 1),
        pool(2, "large"),
        decision(2, 2),
        head(),
        pool(1, "large"),
        decision(2, 1),
        decision(1, 1),
    ];
    assert_eq!(order(&lines, None), Ok(vec![vec![4, 6, 3], vec![10, 9]]));
    assert_eq!(order(&lines, Some("large")), Ok(vec![vec![6], vec![10, 9]]));
    let problem = order(&lines, Some("tiny")).unwrap_err();
    assert_eq!(
        problem,
        "it holds no decisions of a model \"tiny\"; there are those of large, small"
    );
    // Pools do not outlive the gateway.
    let problem = order(&[head(), pool(1, "m"), head(), decision(1, 1)], None).unwrap_err();
    assert!(
        problem.starts_with("line 4: a decision about pool 1"),
        "{problem}"
    );
    let problem = order(&[head(), pool(1, "m"), pool(1, "m")], None).unwrap_err();
    assert_eq!(problem, "line 3: pool 1 has been described before");
    let problem = order(&[head(), pool(1, "m")], None).unwrap_err();
    assert!(problem.starts_with("it holds no decisions yet"), "{problem}");
}
