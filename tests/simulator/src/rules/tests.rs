//! Rules as data: what matches, what adds up, what is refused.

use serde_json::{Value, json};

use super::*;

fn subject<'a>(account: &'a str, model: &'a str) -> Subject<'a> {
    Subject {
        vendor: "openai",
        account,
        model,
        operation: Operation::Chat,
    }
}

/// What `rules` ask for when `account` uses `model`, as JSON.
fn asked(book: &RuleBook, account: &str, model: &str) -> Value {
    serde_json::to_value(book.behaviour(subject(account, model))).unwrap()
}

fn book(rules: Value) -> RuleBook {
    let book = RuleBook::default();
    book.replace(serde_json::from_value(rules).unwrap());
    book
}

#[test]
fn matching_rules_add_up_and_the_later_wins() {
    let book = book(json!([
        {"then": {"interval_ms": 5, "latency_ms": 1}},
        {"when": {"account": "a"}, "then": {"latency_ms": 2, "cut_after": 3}},
        {"when": {"account": "a", "model": "n"}, "then": {"latency_ms": 9}},
        {"when": {"operation": "embeddings"}, "then": {"status": 500}},
        {"when": {"vendor": "other"}, "then": {"status": 500}},
    ]));
    assert_eq!(
        asked(&book, "a", "m"),
        json!({"interval_ms": 5, "latency_ms": 2, "cut_after": 3})
    );
    assert_eq!(asked(&book, "b", "m"), json!({"interval_ms": 5, "latency_ms": 1}));
}

#[test]
fn a_used_up_rule_lets_the_earlier_through() {
    let book = book(json!([{"then": {"status": 200}}, {"times": 2, "then": {"status": 503}}]));
    let statuses: Vec<Value> = (0..3).map(|_| asked(&book, "a", "m")["status"].clone()).collect();
    assert_eq!(statuses, [503, 503, 200]);
    assert_eq!(
        book.list().iter().map(|rule| rule.used).collect::<Vec<_>>(),
        [3, 2]
    );
}

#[test]
fn adding_a_rule_keeps_the_counts_of_the_others() {
    let book = book(json!([{"times": 1, "then": {"status": 503}}]));
    assert_eq!(asked(&book, "a", "m"), json!({"status": 503}));
    book.add(Rule::always().tokens(3));
    assert_eq!(asked(&book, "a", "m"), json!({"reply": {"tokens": 3}}));
}

#[test]
fn a_built_rule_has_the_documented_json() {
    let rule = Rule::first(2)
        .vendor("v")
        .account("a")
        .model("m")
        .operation(Operation::Chat);
    let rule = rule
        .text("hi")
        .status(http::StatusCode::TOO_MANY_REQUESTS)
        .body(json!({"a": 1}))
        .header(http::header::RETRY_AFTER, http::HeaderValue::from_static("2"))
        .latency(std::time::Duration::from_secs(1))
        .stall_after(4);
    let expected = json!({
        "when": {"vendor": "v", "account": "a", "model": "m", "operation": "chat"},
        "times": 2,
        "then": {"reply": {"text": "hi"}, "status": 429, "body": {"a": 1}, "headers": {"retry-after": "2"},
            "latency_ms": 1000, "stall_after": 4},
    });
    assert_eq!(serde_json::to_value(&rule).unwrap(), expected);
    assert_eq!(
        serde_json::to_value(serde_json::from_value::<Rule>(expected.clone()).unwrap()).unwrap(),
        expected
    );
}

#[test]
fn what_a_rule_cannot_mean_is_refused() {
    for (rule, complaint) in [
        (json!({"then": {"latency": 5}}), "unknown field `latency`"),
        (json!({"when": {"key": "a"}, "then": {}}), "unknown field `key`"),
        (json!({"when": {}}), "missing field `then`"),
        (json!({"then": {"status": 99}}), "from 200 to 999"),
        (json!({"then": {"status": 100}}), "from 200 to 999"),
        (
            json!({"then": {"headers": {"a b": "c"}}}),
            "invalid HTTP header name",
        ),
        (json!({"then": {"coalesce": 0}}), "nonzero"),
    ] {
        let error = serde_json::from_value::<Rule>(rule).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
}
