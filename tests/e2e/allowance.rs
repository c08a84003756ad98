//! What accounts may be used for: never more than that is sent to a vendor, whoever asks; others serve, and when all
//! have reached their limits, callers are told when to come back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Answer, Client, Gateway, MARK, SERVER, eventually};
use serde_json::{Value, json};

use crate::setup::{hello, simulator, streamed, with, with_server};

/// A vendor `sim` with these lines in its table, whose accounts (names and limits) serve the models `m` and `n`.
pub(crate) fn accounts(simulator: &Simulator, vendor: &str, accounts: &[(&str, &str)]) -> String {
    let url = simulator.url();
    let mut config =
        format!("{SERVER}\n[vendors.sim]\nadapter = \"openai\"\nbase_url = \"{url}/sim/v1\"\n{vendor}\n");
    for (name, limits) in accounts {
        config += &format!(
            "[[vendors.sim.accounts]]\nname = \"{name}\"\napi_key = \"{name}-key.{MARK}\"\nlimits = {{ {limits} }}\n"
        );
    }
    if !vendor.contains("models") {
        config += "[[vendors.sim.models]]\nname = \"m\"\n[[vendors.sim.models]]\nname = \"n\"\n";
    }
    config
}

pub(crate) async fn start(simulator: &Simulator, vendor: &str, limits: &[(&str, &str)]) -> Gateway {
    Gateway::start(&["openai"], &accounts(simulator, vendor, limits)).await
}

/// Requests by the account's name.
pub(crate) fn served(simulator: &Simulator) -> BTreeMap<String, usize> {
    let mut served = BTreeMap::new();
    for request in simulator.requests() {
        *served.entry(name_of(&request.account)).or_default() += 1;
    }
    served
}

/// The name of the account with this key.
pub(crate) fn name_of(key: &str) -> String {
    key.split('-').next().unwrap().to_owned()
}

/// The answers to so many requests sent at once.
pub(crate) async fn at_once(client: &Client, count: usize, request: &Value) -> Vec<Answer> {
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let (client, request) = (client.clone(), request.clone());
            tokio::spawn(async move { client.chat(&request).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

#[track_caller]
pub(crate) fn assert_limited(answer: &Answer, code: &str, seconds: std::ops::RangeInclusive<u64>) {
    assert_eq!(
        (answer.status, answer.error().code.as_deref()),
        (429, Some(code)),
        "{}",
        answer.text()
    );
    let retry_after: u64 = answer.header("retry-after").parse().unwrap();
    assert!(seconds.contains(&retry_after), "retry-after: {retry_after}");
}

/// Waits until nothing is under way and nothing is reserved.
pub(crate) async fn assert_nothing_held(gateway: &Gateway) {
    gateway
        .metric_until("patchbay_attempts_in_flight", &[], 0.0)
        .await;
    gateway
        .metric_until("patchbay_limit_used_ratio", &[("limit", "concurrency")], 0.0)
        .await;
}

#[tokio::test]
async fn requests_a_minute_are_shared_out_and_no_more_are_sent() {
    let simulator = simulator().await;
    let limits = [("a", "requests_per_minute = 3"), ("b", "requests_per_minute = 5")];
    let gateway = start(&simulator, "", &limits).await;
    let answers = at_once(&gateway.client(), 30, &hello()).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((good.len(), bad.len()), (8, 22));
    for answer in bad {
        assert_limited(answer, "rate_limit_exceeded", 55..=62);
        assert_eq!(answer.header("x-patchbay-attempts"), "0");
    }
    assert_eq!(
        served(&simulator),
        [("a".to_owned(), 3), ("b".to_owned(), 5)].into()
    );
    // Of a model that has requests of its own the account's are the same ones.
    let other = with(hello(), json!({"model": "n"}));
    assert_limited(
        &gateway.client().chat(&other).await,
        "rate_limit_exceeded",
        55..=62,
    );
    let used = [("account", "b"), ("limit", "requests_per_minute")];
    assert_eq!(gateway.metric("patchbay_limit_used_ratio", &used).await, 1.0);
    // A limit that is raised holds at once, and what was counted stays.
    let raised = [("a", "requests_per_minute = 4"), ("b", "requests_per_minute = 5")];
    gateway.write_config(&accounts(&simulator, "", &raised));
    eventually("the limit is raised", async || {
        (gateway.client().chat(&hello()).await.status == 200).then_some(())
    })
    .await;
    assert_limited(
        &gateway.client().chat(&hello()).await,
        "rate_limit_exceeded",
        50..=62,
    );
}

/// Callers who do as they are told, for longer than a minute: whatever minute is looked at, no account has more than
/// its limit in it, and every caller is served in the end.
#[tokio::test]
async fn in_no_minute_are_there_more_requests_than_allowed() {
    const LIMITS: [(&str, usize); 2] = [("a", 5), ("b", 9)];
    let simulator = simulator().await;
    simulator.add(Rule::always().latency(Duration::from_millis(30)));
    let limits = [("a", "requests_per_minute = 5"), ("b", "requests_per_minute = 9")];
    let gateway = start(&simulator, "", &limits).await;
    let started = Instant::now();
    let tasks: Vec<_> = (0..24)
        .map(|_| {
            let client = gateway.client();
            tokio::spawn(async move {
                loop {
                    let answer = client.chat(&hello()).await;
                    if answer.status == 200 {
                        return;
                    }
                    assert_limited(&answer, "rate_limit_exceeded", 1..=62);
                    let wait = answer.header("retry-after").parse().unwrap();
                    tokio::time::sleep(Duration::from_secs(wait)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(
        started.elapsed() < Duration::from_secs(75),
        "{:?}",
        started.elapsed()
    );
    let requests = simulator.requests();
    assert_eq!(requests.len(), 24);
    for (account, most) in LIMITS {
        let of_account = || {
            requests
                .iter()
                .filter(|request| name_of(&request.account) == account)
        };
        for first in of_account() {
            let minute = first.received..first.received + Duration::from_secs(60);
            let inside = of_account()
                .filter(|request| minute.contains(&request.received))
                .count();
            assert!(
                inside <= most,
                "{inside} requests of {account} from {:?}",
                first.received
            );
        }
    }
}

#[tokio::test]
async fn tokens_are_reserved_by_estimate_and_settled_by_count() {
    let simulator = simulator().await;
    let gateway = start(&simulator, "", &[("a", "tokens_per_minute = 300")]).await;
    simulator.add(Rule::always().latency(Duration::from_millis(300)));
    // Each may write 100 tokens, so three at once do not fit beside their input.
    let bounded = with(hello(), json!({"max_tokens": 100}));
    let answers = at_once(&gateway.client(), 3, &bounded).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 429]);
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert_limited(refused, "rate_limit_exceeded", 1..=1);
    // They wrote little, and what they did not use is there again.
    let used: u64 = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.json()["usage"]["total_tokens"].as_u64().unwrap())
        .sum();
    let ratio = gateway.metric("patchbay_limit_used_ratio", &[]).await;
    assert!((ratio - used as f64 / 300.0).abs() < 1e-9, "{ratio}, {used}");
    assert_eq!(gateway.client().chat(&bounded).await.status, 200);
    // What can never fit is refused at once, with the reason and nothing to wait for.
    let huge = with(hello(), json!({"max_tokens": 1000}));
    let answer = gateway.client().chat(&huge).await;
    assert_eq!(answer.status, 429);
    let message = answer.error().message;
    assert!(message.contains("the limit is 300 tokens a minute"), "{message}");
    assert!(!answer.headers.contains_key("retry-after"));
    assert_eq!(simulator.requests().len(), 3);
}

#[tokio::test]
async fn an_accounts_places_are_shared_by_its_models_and_waited_for() {
    let simulator = simulator().await;
    simulator.add(Rule::always().latency(Duration::from_millis(100)));
    let models = "models = [{ name = \"m\", concurrency = 2 }, \"n\"]";
    let config = accounts(&simulator, models, &[("a", "concurrency = 3")]);
    let gateway = Gateway::start(&["openai"], &with_server(&config, "queue_wait = \"30s\"")).await;
    let other = with(hello(), json!({"model": "n"}));
    let (client, request) = (gateway.client(), hello());
    let (one, two) = tokio::join!(at_once(&client, 20, &request), at_once(&client, 20, &other));
    for answer in one.iter().chain(&two) {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let requests = simulator.requests();
    assert_eq!(requests.len(), 40);
    for at in requests.iter().map(|request| request.received) {
        let under_way = |model: Option<&str>| {
            let inside = requests.iter().filter(|request| {
                model.is_none_or(|model| request.model == model)
                    && request.received <= at
                    && request.answered.is_none_or(|answered| answered > at)
            });
            inside.count()
        };
        assert!(under_way(None) <= 3 && under_way(Some("m")) <= 2);
    }
    assert_nothing_held(&gateway).await;
}

/// Strategies see who is over a limit: whoever ranks, nobody is asked in vain.
#[tokio::test]
async fn strategies_are_told_who_is_over_a_limit() {
    let simulator = simulator().await;
    let limits = [("a", "requests_per_minute = 2"), ("b", ""), ("c", "")];
    let config = accounts(&simulator, "", &limits) + "[routing]\nstrategy = \"round-robin\"\n";
    let gateway = Gateway::start(&["openai", "round-robin"], &config).await;
    for _ in 0..20 {
        let answer = gateway.client().chat(&hello()).await;
        assert_eq!((answer.status, answer.header("x-patchbay-attempts")), (200, "1"));
        assert!(answer.header("x-patchbay-strategy").starts_with("round-robin@"));
    }
    let served = served(&simulator);
    assert_eq!(served["a"], 2);
    // Those of the one that is left out are not all its neighbour's.
    assert!(served["b"].abs_diff(served["c"]) <= 2, "{served:?}");
}

#[tokio::test]
async fn everything_is_given_back_whatever_becomes_of_an_attempt() {
    let simulator = simulator().await;
    let limits =
        "concurrency = 5, requests_per_minute = 1000, tokens_per_minute = 100000, daily_tokens = 100000";
    let config =
        accounts(&simulator, "", &[("a", limits)]) + "[timeouts]\nidle = \"300ms\"\ntotal = \"1s\"\n";
    let gateway = Gateway::start(&["openai"], &config).await;
    let long = Duration::from_secs(60);
    // A caller who leaves before the answer, and one who leaves in its middle.
    simulator.set_rules(vec![Rule::always().latency(long).first_token(long)]);
    for (number, request) in [hello(), streamed(hello())].into_iter().enumerate() {
        let client = gateway.client();
        let waiting = tokio::spawn(async move { client.chat(&request).await });
        eventually("the vendor is asked", async || {
            simulator.requests().get(number).cloned()
        })
        .await;
        waiting.abort();
        assert_nothing_held(&gateway).await;
    }
    simulator.set_rules(vec![Rule::always().interval(Duration::from_millis(100))]);
    let mut stream = gateway.client().stream(&streamed(hello())).await;
    stream.next().await.unwrap();
    drop(stream);
    assert_nothing_held(&gateway).await;
    // Timeouts, before anything came and after; streams that break and vendors that fail.
    for rule in [
        Rule::always().latency(long).first_token(long),
        Rule::always().stall_after(2),
        Rule::always().cut_after(2),
        Rule::always().reset_after(2),
        Rule::always().status(http::StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        simulator.set_rules(vec![rule]);
        at_once(&gateway.client(), 3, &hello()).await;
        at_once(&gateway.client(), 3, &streamed(hello())).await;
        assert_nothing_held(&gateway).await;
    }
    simulator.set_rules(vec![]);
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    assert_nothing_held(&gateway).await;
    // What is left is what was used, and far from what was reserved for so many attempts.
    let used = gateway
        .metric("patchbay_limit_used_ratio", &[("limit", "daily_tokens")])
        .await;
    assert!((0.0001..0.02).contains(&used), "{used}");
    let requests = [("limit", "requests_per_minute")];
    let counted = gateway.metric("patchbay_limit_used_ratio", &requests).await * 1000.0;
    assert!(
        (counted - simulator.requests().len() as f64).abs() < 0.5,
        "{counted}"
    );
}
