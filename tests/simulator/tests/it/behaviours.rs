//! What rules do to answers, as the caller sees it.

use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use patchbay_simulator::{How, Operation, Rule};
use serde_json::json;
use tokio::time::timeout;

use crate::client::{SOON, hello, simulator, streamed};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test]
async fn a_status_brings_the_vendors_error_for_the_first_requests() {
    let rule = Rule::first(2).account("a").status(StatusCode::TOO_MANY_REQUESTS);
    let rule = rule.header(RETRY_AFTER, HeaderValue::from_static("2"));
    let (simulator, client) = simulator([rule]).await;
    assert_eq!(client.chat("b", &streamed()).await.status, StatusCode::OK);
    for _ in 0..2 {
        let answer = client.chat("a", &streamed()).await;
        assert_eq!(
            (answer.status, &answer.headers["retry-after"]),
            (StatusCode::TOO_MANY_REQUESTS, &HeaderValue::from_static("2"))
        );
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.json()["error"]["code"], "rate_limit_exceeded");
    }
    assert_eq!(client.chat("a", &streamed()).await.status, StatusCode::OK);
    assert_eq!(simulator.rules()[0].used, 2);
}

#[tokio::test]
async fn rules_tell_vendor_model_and_operation_apart() {
    let (_simulator, client) = simulator([
        Rule::always().vendor("north").status(StatusCode::BAD_GATEWAY),
        Rule::always()
            .model("slow")
            .status(StatusCode::SERVICE_UNAVAILABLE),
        Rule::always()
            .operation(Operation::Embeddings)
            .status(StatusCode::NOT_FOUND),
    ])
    .await;
    let slow = hello(&json!({"model": "slow"}));
    let embed = json!({"model": "e", "input": "a"});
    for (path, request, status) in [
        ("/v1/chat/completions", hello(&json!({})), 200),
        ("/north/v1/chat/completions", hello(&json!({})), 502),
        ("/south/v1/chat/completions", slow.clone(), 503),
        ("/v1/embeddings", embed, 404),
    ] {
        assert_eq!(
            client.post(path, "a", &request).await.status.as_u16(),
            status,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_fixed_body_and_text_are_sent_as_they_are() {
    let (_simulator, client) = simulator([
        Rule::always().account("json").body(json!({"odd": [1]})),
        Rule::always()
            .account("text")
            .status(StatusCode::BAD_GATEWAY)
            .body("<html>")
            .header(http::header::CONTENT_TYPE, HeaderValue::from_static("text/html")),
        Rule::always().account("said").text("Just this."),
    ])
    .await;
    assert_eq!(client.chat("json", &streamed()).await.text(), "{\"odd\":[1]}");
    let html = client.chat("text", &streamed()).await;
    assert_eq!((html.text().as_str(), html.status.as_u16()), ("<html>", 502));
    assert_eq!(html.headers["content-type"], "text/html");
    assert_eq!(client.chat("said", &streamed()).await.said(0), "Just this.");
}

#[tokio::test]
async fn pauses_are_where_rules_put_them() {
    let paced = Rule::always()
        .tokens(4)
        .first_token(millis(80))
        .interval(millis(40));
    let (_simulator, client) = simulator([paced.latency(millis(50))]).await;
    let start = Instant::now();
    let answer = client.chat("a", &streamed()).await;
    assert!(answer.clean);
    // Role at 50, tokens at 130, 170, 210, 250; later is possible on a busy machine, earlier is not.
    for (at, due) in [(0, 50), (1, 130), (2, 170), (3, 210), (4, 250)] {
        assert!(
            answer.times[at] >= millis(due),
            "event {at} came after {:?}",
            answer.times[at]
        );
    }
    assert!(
        answer.times[0] < millis(130),
        "the role waited for the first token"
    );
    assert!(start.elapsed() < SOON);
    let whole = client.chat("a", &hello(&json!({}))).await;
    assert!(whole.times[0] >= millis(50) && whole.clean);
}

#[tokio::test]
async fn a_cut_stream_ends_after_its_tokens_without_a_clean_end() {
    for (count, said) in [
        (0, ""),
        (2, "token-0 token-1"),
        (99, "token-0 token-1 token-2 token-3"),
    ] {
        let (simulator, client) = simulator([Rule::always().tokens(4).cut_after(count)]).await;
        let answer = client.chat("a", &streamed()).await;
        assert_eq!((answer.said(0).as_str(), answer.clean), (said, false));
        assert!(!answer.text().contains("[DONE]") && !answer.text().contains("\"stop\""));
        let ended = simulator.requests()[0].ended.unwrap();
        assert_eq!((ended.how, ended.events as usize), (How::Cut, count.min(4) + 1));
    }
}

#[tokio::test]
async fn a_cut_whole_answer_is_shorter_than_announced() {
    let (_simulator, client) = simulator([Rule::always().tokens(4).cut_after(2)]).await;
    let answer = client.chat("a", &hello(&json!({}))).await;
    let announced: usize = answer.headers["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!((answer.text().len(), answer.clean), (announced * 2 / 5, false));
}

#[tokio::test]
async fn a_large_reply_is_delivered_up_to_its_cut() {
    let (_simulator, client) = simulator([Rule::always().tokens(1_000).cut_after(900)]).await;
    let answer = client.chat("a", &streamed()).await;
    assert_eq!((answer.chunks().len(), answer.clean), (901, false));
}

#[tokio::test]
async fn a_stalled_stream_is_silent_until_the_caller_leaves() {
    let (simulator, client) = simulator([Rule::always().tokens(4).stall_after(1)]).await;
    let body = streamed().to_string();
    let response = client
        .send(http::Method::POST, "/v1/chat/completions", &[], body)
        .await;
    let mut body = response.into_body();
    let mut arrived = Vec::new();
    while let Ok(frame) = timeout(millis(150), body.frame()).await {
        arrived.extend(frame.expect("the stream ended").unwrap().into_data().unwrap());
    }
    let text = String::from_utf8(arrived).unwrap();
    assert!(text.contains("token-0") && !text.contains("token-1"), "{text}");
    assert_eq!(simulator.state().in_flight, 1);
    assert!(simulator.requests()[0].ended.is_none());

    drop(body);
    assert!(simulator.settled(SOON).await);
    assert_eq!(simulator.requests()[0].ended.unwrap().how, How::CallerLeft);
}

#[tokio::test]
async fn coalesced_events_share_a_write() {
    let (simulator, client) = simulator([
        Rule::always().tokens(6).interval(millis(20)),
        Rule::always()
            .account("joined")
            .coalesce(NonZeroU16::new(4).unwrap()),
    ])
    .await;
    let joined = client.chat("joined", &streamed()).await;
    let single = client.chat("single", &streamed()).await;
    // Role, six tokens, finish, end mark. Pauses keep single events apart on the socket, too.
    assert_eq!((joined.frames.len(), joined.data().len()), (3, 9));
    assert!(single.frames.len() >= 7, "{} frames", single.frames.len());
    assert_eq!(
        joined
            .text()
            .replace("chatcmpl-1", "chatcmpl-2")
            .replace("joined", "single"),
        single.text()
    );
    assert!(
        simulator
            .requests()
            .iter()
            .all(|request| request.ended.unwrap().events == 9)
    );
}
