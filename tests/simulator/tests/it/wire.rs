//! What can be wrong with a reply below HTTP: how it is cut up, how long it says it is, how it breaks off.

use std::num::NonZeroU16;
use std::time::Duration;

use http::StatusCode;
use patchbay_simulator::{How, Reset, Rule};
use serde_json::{Value, json};

use crate::client::{SOON, hello, simulator, streamed};
use crate::raw::{Ending, Raw, chat, send};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test]
async fn a_reset_before_the_headers_leaves_nothing() {
    let (simulator, client) = simulator([Rule::first(1).reset(Reset::BeforeHeaders)]).await;
    let raw = chat(simulator.addr(), &streamed()).await;
    assert_eq!((raw.text().as_str(), raw.end), ("", Ending::Reset));
    let request = &simulator.requests()[0];
    let ended = request.ended.unwrap();
    assert_eq!((ended.how, ended.events, request.answered), (How::Cut, 0, None));
    assert_eq!(client.chat("a", &streamed()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_reset_after_the_headers_leaves_them_alone() {
    for request in [streamed(), hello(&json!({}))] {
        let (simulator, _client) = simulator([Rule::always().reset(Reset::AfterHeaders)]).await;
        let raw = chat(simulator.addr(), &request).await;
        assert!(raw.text().starts_with("HTTP/1.1 200 OK\r\n"), "{}", raw.text());
        assert_eq!((raw.rest().len(), raw.end), (0, Ending::Reset));
        let request = &simulator.requests()[0];
        assert_eq!(request.ended.unwrap().how, How::Cut);
        assert!(request.answered.unwrap() >= request.received);
    }
}

#[tokio::test]
async fn a_reset_after_tokens_leaves_those() {
    let (simulator, _client) = simulator([Rule::always().tokens(4).reset_after(2)]).await;
    let raw = chat(simulator.addr(), &streamed()).await;
    assert_eq!(
        (raw.data().len(), raw.chunks().1, raw.end),
        (3, false, Ending::Reset)
    );
    let raw = chat(simulator.addr(), &hello(&json!({}))).await;
    let length: usize = raw.header("content-length").unwrap().parse().unwrap();
    assert_eq!((raw.rest().len(), raw.end), (length * 2 / 5, Ending::Reset));
}

#[tokio::test]
async fn a_cut_is_a_close_and_not_a_reset() {
    let (simulator, _client) = simulator([Rule::always().tokens(4).cut_after(2)]).await;
    let raw = chat(simulator.addr(), &streamed()).await;
    assert_eq!((raw.chunks().1, raw.end), (false, Ending::Closed));
}

#[tokio::test]
async fn a_request_that_is_never_answered_ends_with_the_callers_leaving() {
    let (simulator, _client) = simulator([Rule::always().never()]).await;
    let mut stream = send(simulator.addr(), "/v1/chat/completions", "", &streamed()).await;
    let raw = Raw::read(&mut stream, 1).await;
    assert_eq!((raw.bytes.len(), raw.end), (0, Ending::Silent));
    assert_eq!(simulator.state().in_flight, 1);
    let left = simulator.now();
    drop(stream);
    assert!(simulator.settled(SOON).await);
    let request = &simulator.requests()[0];
    let ended = request.ended.unwrap();
    assert_eq!((ended.how, request.answered), (How::CallerLeft, None));
    assert!(ended.at >= left);
}

#[tokio::test]
async fn a_split_body_comes_byte_by_byte() {
    let (simulator, _client) = simulator([Rule::always().tokens(2).split(NonZeroU16::MIN)]).await;
    let raw = chat(simulator.addr(), &streamed()).await;
    let (chunks, ended) = raw.chunks();
    assert!(ended && chunks.iter().all(|chunk| chunk.len() == 1));
    assert_eq!(raw.data().len(), 5);
    // The reader can fall behind, but a body written at once would be one or two reads.
    assert!(
        raw.reads.len() > chunks.len() / 4,
        "{} reads of {}",
        raw.reads.len(),
        chunks.len()
    );
    assert_eq!(simulator.requests()[0].ended.unwrap().events, 5);

    let raw = chat(simulator.addr(), &hello(&json!({}))).await;
    assert!(raw.reads.len() > raw.rest().len() / 4);
    assert_eq!(raw.json()["choices"][0]["message"]["content"], "token-0 token-1");
}

#[tokio::test]
async fn pieces_are_as_large_as_they_are_asked_to_be() {
    let size = NonZeroU16::new(100).unwrap();
    let (simulator, _client) = simulator([Rule::always().tokens(2).split(size)]).await;
    let raw = chat(simulator.addr(), &streamed()).await;
    let (chunks, ended) = raw.chunks();
    assert!(ended && chunks.iter().all(|chunk| chunk.len() <= 100));
    assert!(chunks.iter().filter(|chunk| chunk.len() == 100).count() > 5);
}

#[tokio::test]
async fn a_body_drips() {
    let rule = Rule::always().body("0123456789").drip(millis(20));
    let (simulator, _client) = simulator([rule]).await;
    let raw = chat(simulator.addr(), &streamed()).await;
    assert_eq!((raw.rest(), raw.end), (&b"0123456789"[..], Ending::Closed));
    let took = raw.reads.last().unwrap().1;
    assert!(raw.reads.len() >= 5 && took >= millis(200), "{:?}", raw.reads);

    let pieces = Rule::always().split(NonZeroU16::new(5).unwrap());
    simulator.add(pieces);
    let raw = chat(simulator.addr(), &streamed()).await;
    let took = raw.reads.last().unwrap().1;
    assert!(
        (millis(40)..millis(150)).contains(&took),
        "two pieces took {took:?}"
    );
}

#[tokio::test]
async fn more_is_announced_than_there_is() {
    let (simulator, _client) = simulator([Rule::always().tokens(2).content_length(7)]).await;
    for request in [streamed(), hello(&json!({}))] {
        let raw = chat(simulator.addr(), &request).await;
        let length: usize = raw.header("content-length").unwrap().parse().unwrap();
        assert_eq!((raw.rest().len() + 7, raw.end), (length, Ending::Closed));
        assert_eq!(raw.header("transfer-encoding"), None);
    }
    assert_eq!(simulator.requests()[0].ended.unwrap().how, How::Cut);
}

#[tokio::test]
async fn less_is_announced_than_comes() {
    let (simulator, _client) = simulator([Rule::always().tokens(2).content_length(-7)]).await;
    for (request, end) in [(streamed(), "[DONE]\n\n"), (hello(&json!({})), "}")] {
        let raw = chat(simulator.addr(), &request).await;
        let length: usize = raw.header("content-length").unwrap().parse().unwrap();
        assert_eq!((raw.rest().len() - 7, raw.end), (length, Ending::Closed));
        assert!(raw.text().ends_with(end));
    }
    assert_eq!(simulator.requests()[0].ended.unwrap().how, How::Completed);
}

#[tokio::test]
async fn a_stream_may_announce_its_length() {
    let (simulator, _client) = simulator([Rule::always().tokens(2).content_length(0)]).await;
    let raw = chat(simulator.addr(), &streamed()).await;
    let length: usize = raw.header("content-length").unwrap().parse().unwrap();
    assert_eq!(raw.rest().len(), length);
}

#[tokio::test]
async fn informational_heads_come_first_and_at_once() {
    let statuses = [StatusCode::EARLY_HINTS, StatusCode::CONTINUE];
    let rule = Rule::always().informational(statuses).latency(millis(100));
    let (simulator, _client) = simulator([rule]).await;
    let raw = chat(simulator.addr(), &hello(&json!({}))).await;
    let start = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n";
    assert!(raw.text().starts_with(start), "{}", raw.text());
    assert_eq!(raw.json()["object"], "chat.completion");
    assert!(raw.reads[0].1 < raw.reads[1].1 && raw.reads[1].1 >= millis(100));
    assert!(raw.reads[0].0 < start.len(), "the reply waited for its latency");
}

#[tokio::test]
async fn faults_have_their_documented_json() {
    let then = json!({
        "stream": true, "omit": ["done", "finish", "usage"], "twice": "finish",
        "huge_after": {"tokens": 3, "bytes": 9}, "informational": [103, 100], "never": true,
        "endless": true, "malformed_after": 1, "noise_after": 2, "error_after": 3, "end_after": 4,
        "gzip": true, "reset_after": 5, "reset": "before_headers", "content_length": -3, "split": 1,
        "drip_ms": 5,
    });
    let written = |rule: &Value| serde_json::to_value(serde_json::from_value::<Rule>(rule.clone()).unwrap());
    let rule = json!({"when": {}, "then": then});
    assert_eq!(written(&rule).unwrap(), rule);
    for wrong in [
        json!({"informational": [101]}),
        json!({"informational": [200]}),
        json!({"split": 0}),
        json!({"omit": ["all"]}),
        json!({"reset": "later"}),
        json!({"huge_after": {"tokens": 1}}),
    ] {
        let rule = serde_json::from_value::<Rule>(json!({"then": wrong}));
        assert!(rule.is_err(), "{rule:?}");
    }
}
