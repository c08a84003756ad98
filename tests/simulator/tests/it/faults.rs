//! What can be wrong with a reply that HTTP finds nothing wrong with.

use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use patchbay_simulator::{How, Part, Rule};
use serde_json::{Value, json};

use crate::client::{SOON, hello, simulator, streamed};
use crate::raw::{Ending, Raw, chat, send};

fn with_usage() -> Value {
    hello(&json!({"stream": true, "stream_options": {"include_usage": true}}))
}

/// The data of every event of a stream that HTTP ends properly.
async fn events(rule: Rule, request: &Value) -> Vec<String> {
    let (simulator, _client) = simulator([rule]).await;
    let raw = chat(simulator.addr(), request).await;
    assert!(raw.chunks().1 && raw.end == Ending::Closed, "{}", raw.text());
    assert_eq!(simulator.requests()[0].ended.unwrap().how, How::Completed);
    raw.data()
}

async fn whole(rule: Rule) -> Raw {
    let (simulator, _client) = simulator([rule]).await;
    chat(simulator.addr(), &hello(&json!({}))).await
}

/// Whether an event says this token.
fn says(event: &str, token: &str) -> bool {
    event.contains(&format!("\"content\":\"{token}\""))
}

#[tokio::test]
async fn a_stream_may_end_properly_before_it_is_complete() {
    let events = events(Rule::always().tokens(4).end_after(2), &with_usage()).await;
    assert_eq!(events.len(), 3, "role and two tokens: {events:?}");
    assert!(says(&events[2], " token-1"));
}

#[tokio::test]
async fn a_whole_reply_may_end_early_with_a_length_that_fits() {
    let raw = whole(Rule::always().tokens(4).end_after(2)).await;
    let length: usize = raw.header("content-length").unwrap().parse().unwrap();
    assert_eq!((raw.rest().len(), raw.end), (length, Ending::Closed));
    assert!(serde_json::from_slice::<Value>(raw.rest()).is_err());
}

#[tokio::test]
async fn an_event_of_broken_json_is_one_more() {
    let events = events(Rule::always().tokens(3).malformed_after(1), &streamed()).await;
    assert_eq!(events.len(), 7);
    assert!(says(&events[1], "token-0") && says(&events[3], " token-1"));
    assert!(events[2].starts_with('{') && serde_json::from_str::<Value>(&events[2]).is_err());
    assert_eq!(events[6], "[DONE]");
}

#[tokio::test]
async fn a_whole_document_is_damaged_in_its_middle() {
    let raw = whole(Rule::always().malformed_after(1)).await;
    let length: usize = raw.header("content-length").unwrap().parse().unwrap();
    let body = raw.rest();
    assert_eq!(body.len(), length);
    assert!(body.starts_with(b"{") && body.ends_with(b"}"));
    assert!(serde_json::from_slice::<Value>(body).is_err());
}

#[tokio::test]
async fn noise_is_an_event_that_is_no_json_and_only_in_streams() {
    let rule = Rule::always().tokens(3).noise_after(2);
    let events = events(rule.clone(), &streamed()).await;
    assert_eq!((events.len(), events[3].as_str()), (7, "ping"));
    assert_eq!(whole(rule).await.json()["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn parts_are_left_out_of_a_stream() {
    let complete = ["stop", "usage", "[DONE]"];
    for (omitted, left) in [
        (vec![Part::Done], vec!["stop", "usage"]),
        (vec![Part::Finish], vec!["usage", "[DONE]"]),
        (vec![Part::Usage], vec!["stop", "[DONE]"]),
        (vec![Part::Usage, Part::Done, Part::Finish], vec![]),
        (vec![], complete.to_vec()),
    ] {
        let events = events(Rule::always().tokens(1).omit(omitted), &with_usage()).await;
        let ends = events[2..].iter().map(|event| match event.as_str() {
            event if event.contains("\"finish_reason\":\"stop\"") => "stop",
            event if event.contains("\"usage\":{") => "usage",
            event => event,
        });
        assert_eq!(ends.collect::<Vec<_>>(), left);
    }
}

#[tokio::test]
async fn parts_are_left_out_of_a_whole_reply() {
    let answer = whole(Rule::always().omit([Part::Finish, Part::Usage]))
        .await
        .json();
    assert_eq!(answer["choices"][0].get("finish_reason"), Some(&Value::Null));
    assert_eq!(answer.get("usage"), None);
}

#[tokio::test]
async fn a_part_comes_twice() {
    let counts = async |part| {
        let events = events(Rule::always().tokens(1).twice(part), &with_usage()).await;
        ["\"finish_reason\":\"stop\"", "\"usage\":{", "[DONE]"]
            .map(|part| events.iter().filter(|event| event.contains(part)).count())
    };
    assert_eq!(counts(Part::Finish).await, [2, 1, 1]);
    assert_eq!(counts(Part::Usage).await, [1, 2, 1]);
    assert_eq!(counts(Part::Done).await, [1, 1, 2]);
}

#[tokio::test]
async fn an_error_comes_in_the_middle_of_a_good_status() {
    let rule = Rule::always().tokens(4).error_after(2);
    let events = events(rule.clone(), &with_usage()).await;
    assert_eq!(events.len(), 4);
    let error: Value = serde_json::from_str(&events[3]).unwrap();
    assert_eq!(error["error"]["type"], "server_error");
    let raw = whole(rule).await;
    assert!(raw.head().starts_with("HTTP/1.1 200 "));
    assert_eq!(raw.json(), error);
}

#[tokio::test]
async fn the_kind_of_reply_is_not_the_one_asked_for() {
    let raw = whole(Rule::always().tokens(2).stream(true)).await;
    assert_eq!(
        raw.header("content-type").unwrap(),
        "text/event-stream; charset=utf-8"
    );
    assert_eq!((raw.data().len(), raw.chunks().1), (5, true));

    let (simulator, _client) = simulator([Rule::always().tokens(2).stream(false)]).await;
    let raw = chat(simulator.addr(), &streamed()).await;
    assert_eq!(raw.header("content-type").unwrap(), "application/json");
    assert_eq!(raw.json()["choices"][0]["message"]["content"], "token-0 token-1");
    assert!(simulator.requests()[0].streaming, "the caller asked for a stream");
}

#[tokio::test]
async fn headers_name_another_type_or_place() {
    let plain = HeaderValue::from_static("text/plain");
    let raw = whole(Rule::always().header(CONTENT_TYPE, plain).error_after(0)).await;
    assert_eq!(raw.header("content-type").unwrap(), "text/plain");
    assert_eq!(raw.head().matches("content-type").count(), 1);

    let elsewhere = HeaderValue::from_static("http://127.0.0.1:1/elsewhere");
    let raw = whole(
        Rule::always()
            .status(StatusCode::FOUND)
            .header(LOCATION, elsewhere),
    )
    .await;
    assert!(raw.head().starts_with("HTTP/1.1 302 Found"));
    assert_eq!(raw.header("location").unwrap(), "http://127.0.0.1:1/elsewhere");
}

#[tokio::test]
async fn one_token_is_huge() {
    const BYTES: usize = 3_000_000;
    let rule = Rule::always().tokens(3).huge_after(2, BYTES);
    let events = events(rule.clone(), &streamed()).await;
    assert_eq!(events.len(), 7);
    let huge: Value = serde_json::from_str(&events[3]).unwrap();
    assert_eq!(
        huge["choices"][0]["delta"]["content"].as_str().unwrap().len(),
        BYTES
    );
    assert!(says(&events[4], " token-2"));
    let answer = whole(rule).await.json();
    let said = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(said.len(), BYTES + "token-0 token-1 token-2".len());
}

#[tokio::test]
async fn an_endless_stream_goes_on_until_the_caller_leaves() {
    let rule = Rule::always()
        .tokens(2)
        .interval(Duration::from_millis(5))
        .endless();
    let (simulator, _client) = simulator([rule]).await;
    let mut stream = send(simulator.addr(), "/v1/chat/completions", "", &streamed()).await;
    let raw = Raw::read(&mut stream, 20_000).await;
    let said = raw.text().matches("\"content\":\" token-1\"").count();
    let took = raw.reads.last().unwrap().1;
    assert!(said > 50 && !raw.text().contains("finish_reason\":\"stop"));
    assert!(
        took >= Duration::from_millis(5 * (said as u64 - 2)),
        "{said} tokens in {took:?}"
    );
    assert_eq!(simulator.state().in_flight, 1);
    drop(stream);
    assert!(simulator.settled(SOON).await);
    assert_eq!(simulator.requests()[0].ended.unwrap().how, How::CallerLeft);
}

#[tokio::test]
async fn an_endless_stream_breaks_where_it_is_told() {
    let events = events(Rule::always().tokens(2).endless().error_after(50), &streamed()).await;
    assert_eq!(events.len(), 52, "role, fifty tokens, error");
}

#[tokio::test]
async fn gzip_is_used_though_nobody_accepts_it() {
    let rule = Rule::always().tokens(300).gzip();
    let (simulator, _client) = simulator([rule.clone()]).await;
    let raw = chat(simulator.addr(), &streamed()).await;
    assert_eq!(raw.header("content-encoding").unwrap(), "gzip");
    let (chunks, ended) = raw.chunks();
    let mut text = String::new();
    GzDecoder::new(chunks.concat().as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert!(ended && text.ends_with("data: [DONE]\n\n"));
    assert_eq!(text.matches("\"content\":\"").count(), 301);

    // What came so far can be read at any time.
    let (mut start, mut role) = (GzDecoder::new(chunks[0].as_slice()), vec![0; 100]);
    start.read_exact(&mut role).unwrap();
    assert!(text.as_bytes().starts_with(&role));

    let raw = whole(rule).await;
    let mut json = String::new();
    GzDecoder::new(raw.rest()).read_to_string(&mut json).unwrap();
    let length: usize = raw.header("content-length").unwrap().parse().unwrap();
    assert_eq!(raw.rest().len(), length);
    let answer: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(answer["usage"]["completion_tokens"], 300);
}

#[tokio::test]
async fn an_endless_stream_can_be_compressed() {
    let rule = Rule::always()
        .tokens(2)
        .interval(Duration::from_millis(1))
        .endless()
        .gzip();
    let (simulator, _client) = simulator([rule]).await;
    let mut stream = send(simulator.addr(), "/v1/chat/completions", "", &streamed()).await;
    let raw = Raw::read(&mut stream, 20_000).await;
    let start = raw.chunks().0.concat();
    let mut text = Vec::new();
    // The file is not complete, so reading it ends with an error.
    GzDecoder::new(start.as_slice())
        .read_to_end(&mut text)
        .unwrap_err();
    let text = String::from_utf8(text).unwrap();
    assert!(text.matches("\"content\":\" token-1\"").count() > 50);
}
