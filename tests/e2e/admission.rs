//! More requests than can be served at once: some wait their turn, the rest is sent away, and nothing is forgotten.

use std::time::{Duration, Instant};

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Answer, Gateway, eventually};
use tokio::task::JoinHandle;

use crate::setup::{asked, hello, simulator, vendors, with_server};

const SLOW: Duration = Duration::from_millis(400);

/// One or more vendors who take their time, behind a gateway with these lines in `[server]`.
async fn gateway(simulator: &Simulator, names: &[&str], server: &str) -> Gateway {
    simulator.add(Rule::always().latency(SLOW));
    Gateway::start(&["openai"], &with_server(&vendors(simulator, names), server)).await
}

/// Sends a request, and returns when it has been counted.
async fn send(gateway: &Gateway, gauge: &str, count: f64) -> JoinHandle<(Answer, Instant)> {
    let client = gateway.client();
    let sent = tokio::spawn(async move { (client.chat(&hello()).await, Instant::now()) });
    gateway.metric_until(gauge, &[], count).await;
    sent
}

const SERVED: &str = "patchbay_requests_in_flight";
const WAITING: &str = "patchbay_requests_waiting";

#[track_caller]
fn assert_busy(answer: &Answer) {
    let error = answer.error();
    assert_eq!((answer.status, error.code.as_deref()), (503, Some("overloaded")));
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn who_is_one_too_many_waits_and_who_cannot_wait_is_sent_away() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one"], "concurrency = 1\nqueue = 1\n").await;
    let first = send(&gateway, SERVED, 1.0).await;
    let second = send(&gateway, WAITING, 1.0).await;
    let started = Instant::now();
    assert_busy(&gateway.client().chat(&hello()).await);
    assert!(started.elapsed() < SLOW / 2, "sent away at once");
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!((first.0.status, second.0.status), (200, 200));
    assert!(
        second.1 - first.1 >= SLOW - Duration::from_millis(20),
        "one after the other"
    );
    assert_eq!(simulator.requests().len(), 2);
    let accounts = simulator.state().accounts;
    assert_eq!(accounts[0].peak_in_flight, 1);
    for gauge in [SERVED, WAITING] {
        gateway.metric_until(gauge, &[], 0.0).await;
    }
    let shed = [("outcome", "overloaded")];
    assert_eq!(gateway.metric("patchbay_requests_total", &shed).await, 1.0);
}

#[tokio::test]
async fn nobody_waits_longer_than_set() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one"], "concurrency = 1\nqueue_wait = \"100ms\"\n").await;
    let first = send(&gateway, SERVED, 1.0).await;
    assert_busy(&gateway.client().chat(&hello()).await);
    assert_eq!(first.await.unwrap().0.status, 200);
}

#[tokio::test]
async fn a_caller_who_leaves_the_queue_is_never_served() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one"], "concurrency = 1\n").await;
    let first = send(&gateway, SERVED, 1.0).await;
    let second = send(&gateway, WAITING, 1.0).await;
    second.abort();
    gateway.metric_until(WAITING, &[], 0.0).await;
    let third = send(&gateway, WAITING, 1.0).await;
    assert_eq!(
        (first.await.unwrap().0.status, third.await.unwrap().0.status),
        (200, 200)
    );
    assert_eq!(simulator.requests().len(), 2);
}

#[tokio::test]
async fn callers_take_turns_in_the_queue() {
    let simulator = simulator().await;
    simulator.add(Rule::always().latency(Duration::from_millis(100)));
    let keys = "[[keys]]\nname = \"other\"\nkey = \"other-key\"\n";
    let config = with_server(&vendors(&simulator, &["one"]), "concurrency = 1\n");
    let gateway = Gateway::start(&["openai"], &(config + keys)).await;
    let mut greedy = vec![send(&gateway, SERVED, 1.0).await];
    for waiting in 1..=5 {
        greedy.push(send(&gateway, WAITING, f64::from(waiting)).await);
    }
    let started = Instant::now();
    let modest = gateway.client_with("other-key").chat(&hello()).await;
    assert_eq!(modest.status, 200);
    assert!(
        started.elapsed() < Duration::from_millis(400),
        "behind one of the other's requests, not behind all: {:?}",
        started.elapsed()
    );
    for request in greedy {
        assert_eq!(request.await.unwrap().0.status, 200);
    }
}

#[tokio::test]
async fn more_room_lets_those_in_who_wait() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one"], "concurrency = 1\n").await;
    let first = send(&gateway, SERVED, 1.0).await;
    let second = send(&gateway, WAITING, 1.0).await;
    gateway.write_config(&with_server(&vendors(&simulator, &["one"]), "concurrency = 2\n"));
    eventually("both are served", async || {
        (simulator.state().in_flight == 2).then_some(())
    })
    .await;
    assert_eq!(
        (first.await.unwrap().0.status, second.await.unwrap().0.status),
        (200, 200)
    );
}

/// A candidate may have no more than so many attempts at once, so the next one serves, and with none left one waits.
#[tokio::test]
async fn a_full_candidate_is_passed_over_and_waited_for_when_all_are_full() {
    let simulator = simulator().await;
    simulator.add(Rule::always().latency(SLOW));
    let config = vendors(&simulator, &["one", "two"])
        .replace("models = [\"m\"]", "models = [{ name = \"m\", concurrency = 1 }]");
    let gateway = Gateway::start(&["openai"], &with_server(&config, "queue = 1\n")).await;
    let first = send(&gateway, SERVED, 1.0).await;
    let second = send(&gateway, SERVED, 2.0).await;
    let third = send(&gateway, SERVED, 3.0).await;
    eventually("two are asked", async || {
        (simulator.requests().len() == 2).then_some(())
    })
    .await;
    assert_eq!(asked(&simulator), ["one", "two"]);
    // Each has a queue of one, and the third request stands in both.
    assert_busy(&gateway.client().chat(&hello()).await);
    for sent in [first, second, third] {
        let (answer, _) = sent.await.unwrap();
        assert_eq!((answer.status, answer.header("x-patchbay-attempts")), (200, "1"));
    }
    assert_eq!(simulator.requests().len(), 3);
    for account in simulator.state().accounts {
        assert_eq!(account.peak_in_flight, 1, "{account:?}");
    }
    gateway
        .metric_until("patchbay_attempts_in_flight", &[], 0.0)
        .await;
}
