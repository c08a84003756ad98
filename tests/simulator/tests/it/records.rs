//! What the simulator remembers: requests, their ends, counts.

use std::time::Duration;

use http::Method;
use patchbay_simulator::{How, Operation, Rule};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::client::{SOON, hello, simulator, streamed};
use crate::raw;

#[tokio::test]
async fn a_request_is_recorded_as_it_came() {
    let (simulator, client) = simulator([]).await;
    let body = streamed().to_string();
    let headers = [
        ("api-key", "secret"),
        ("content-type", "application/json"),
        ("x-trace", "7"),
    ];
    let path = "/north/v1/chat/completions?api-version=1";
    let response = client.send(Method::POST, path, &headers, body).await;
    http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap();

    let requests = simulator.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(
        (
            request.vendor.as_str(),
            request.account.as_str(),
            request.model.as_str()
        ),
        ("north", "secret", "gpt-4o")
    );
    assert_eq!(
        (
            request.sequence,
            request.operation,
            request.streaming,
            request.status
        ),
        (1, Operation::Chat, true, 200)
    );
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", path));
    assert_eq!(
        (&request.headers["x-trace"], &request.body),
        (&"7".to_owned(), &streamed())
    );
    assert!(!request.headers.contains_key("api-key"));
    let ended = request.ended.unwrap();
    assert_eq!(ended.how, How::Completed);
    assert!(ended.at >= request.received);
}

#[tokio::test]
async fn leaving_before_the_headers_is_noticed_at_once() {
    let (simulator, client) = simulator([Rule::always().latency(Duration::from_secs(60))]).await;
    let request = hello(&json!({}));
    assert!(
        timeout(Duration::from_millis(100), client.chat("a", &request))
            .await
            .is_err()
    );
    let left = simulator.state().uptime_ms;
    assert!(simulator.settled(SOON).await);
    let ended = simulator.requests()[0].ended.unwrap();
    assert_eq!((ended.how, ended.events), (How::CallerLeft, 0));
    // The caller left just before `left` was read.
    let at = ended.at.as_millis();
    assert!(
        at + 50 >= left && at <= left + 500,
        "ended at {at}, left at {left}"
    );
}

#[tokio::test]
async fn a_caller_who_leaves_a_paced_stream_stops_it() {
    let (simulator, client) =
        simulator([Rule::always().tokens(1_000).interval(Duration::from_millis(20))]).await;
    assert!(
        timeout(Duration::from_millis(200), client.chat("a", &streamed()))
            .await
            .is_err()
    );
    assert!(simulator.settled(SOON).await);
    let ended = simulator.requests()[0].ended.unwrap();
    assert_eq!(ended.how, How::CallerLeft);
    assert!((2..100).contains(&ended.events), "{} events", ended.events);
}

#[tokio::test]
async fn counts_are_kept_per_account() {
    let (simulator, client) = simulator([
        Rule::always().account("b").cut_after(0),
        Rule::always().account("slow").latency(Duration::from_millis(100)),
    ])
    .await;
    let request = hello(&json!({}));
    client.chat("a", &request).await;
    client.chat("b", &request).await;
    tokio::join!(
        client.chat("slow", &request),
        client.chat("slow", &request),
        client.chat("slow", &request)
    );
    let state = simulator.state();
    let counts: Vec<_> = state
        .accounts
        .iter()
        .map(|a| {
            (
                a.account.as_str(),
                a.received,
                a.completed,
                a.cut,
                a.peak_in_flight,
            )
        })
        .collect();
    assert_eq!(
        counts,
        [("a", 1, 1, 0, 1), ("b", 1, 0, 1, 1), ("slow", 3, 3, 0, 3)]
    );
    assert_eq!((state.received, state.in_flight), (5, 0));
    assert!(state.connections >= 1);
}

#[tokio::test]
async fn recording_can_be_switched_off() {
    let (simulator, client) = simulator([]).await;
    simulator.set_recording(false);
    client.chat("a", &streamed()).await;
    assert!(simulator.requests().is_empty());
    assert_eq!(simulator.state().accounts[0].completed, 1);
    simulator.set_recording(true);
    client.chat("a", &streamed()).await;
    assert_eq!(simulator.requests()[0].sequence, 2);
}

#[tokio::test]
async fn only_the_latest_requests_and_small_bodies_are_kept() {
    let (simulator, client) = simulator([]).await;
    let request = json!({"model": "e", "input": "a", "dimensions": 1});
    for _ in 0..10_005 {
        client.post("/v1/embeddings", "a", &request).await;
    }
    let padding = " ".repeat(64 * 1024);
    client
        .post("/v1/embeddings", "a", &json!({"model": "e", "input": padding}))
        .await;
    let requests = simulator.requests();
    assert_eq!(
        (requests.len(), requests[0].sequence, requests[9_999].sequence),
        (10_000, 7, 10_006)
    );
    assert_eq!(
        (&requests[0].body, &requests[9_999].body),
        (&request, &Value::Null)
    );
}

#[tokio::test]
async fn the_record_knows_connections_and_times() {
    let (simulator, client) =
        simulator([Rule::always().account("late").latency(Duration::from_millis(50))]).await;
    client.chat("a", &streamed()).await;
    client.chat("late", &streamed()).await;
    raw::chat(simulator.addr(), &streamed()).await;
    let [first, late, other] = simulator.requests().try_into().unwrap();
    assert_eq!((first.connection, late.connection, other.connection), (1, 1, 2));
    assert_eq!(simulator.state().accepted, 2);
    assert!(late.answered.unwrap() >= late.received + Duration::from_millis(50));
    assert!(late.ended.unwrap().at >= late.answered.unwrap());
    // The first caller keeps its connection; the other one asked for it to be closed.
    assert_eq!((first.disconnected, late.disconnected), (None, None));
    let now = simulator.now();
    let closed = timeout(SOON, async {
        loop {
            match simulator.requests()[2].disconnected {
                Some(closed) => break closed,
                None => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    });
    let closed = closed.await.unwrap();
    assert!(closed >= other.received && closed <= now + SOON);
}
