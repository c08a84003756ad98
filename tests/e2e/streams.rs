//! Streams that break: hidden before the first token, said openly after it.

use std::time::{Duration, Instant};

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::Gateway;

use crate::setup::{asked, hello, say, simulator, streamed, vendor_that_streams, vendors};

#[tokio::test]
async fn after_the_first_token_nothing_is_tried_again() {
    let simulator = simulator().await;
    let gateway = Gateway::start(&["openai"], &vendors(&simulator, &["one", "two"])).await;
    simulator.add(Rule::always().vendor("one").tokens(10).cut_after(4));
    let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
    let error = stream.error().expect("an error at the end");
    assert_eq!(
        (error.kind.as_str(), error.code.as_deref()),
        ("server_error", Some("network_error"))
    );
    assert!(stream.events.iter().all(|event| event.data != "[DONE]"));
    assert_eq!(stream.content(), "token-0 token-1 token-2 token-3");
    assert_eq!((stream.status, stream.header("x-patchbay-attempts")), (200, "1"));
    assert_eq!(asked(&simulator), ["one"]);
    let record = gateway.record(stream.header("x-request-id")).await;
    assert_eq!(record["outcome"], "network_error");
    gateway
        .metric_until("patchbay_attempts_in_flight", &[], 0.0)
        .await;
}

const ROLE: &str = r#"{"id":"x","choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}]}"#;
const TOKEN: &str = r#"{"id":"x","choices":[{"index":0,"delta":{"content":"hi "},"finish_reason":null}]}"#;
const FINISH: &str = r#"{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const ERROR: &str =
    r#"{"error":{"message":"overloaded","type":"server_error","param":null,"code":"overloaded"}}"#;

/// The writes of a stream, each of events that arrive together.
type Writes = &'static [&'static [&'static str]];

/// A gateway whose first candidate answers with exactly these streams, one after the other; the second is the
/// simulator.
async fn scripted(streams: impl Iterator<Item = Writes>) -> (Gateway, Simulator) {
    let event = |event: &&str| format!("data: {event}\n\n");
    let writes = |writes: Writes| {
        writes
            .iter()
            .map(|events| events.iter().map(event).collect())
            .collect()
    };
    let url = vendor_that_streams(streams.map(writes).collect()).await;
    let simulator = simulator().await;
    let config = vendors(&simulator, &["one", "two"]).replace(&format!("{}/one", simulator.url()), &url);
    (Gateway::start(&["openai"], &config).await, simulator)
}

#[tokio::test]
async fn an_error_in_a_stream_before_the_first_token_is_hidden() {
    let streams: [Writes; 3] = [&[&[ERROR]], &[&[ROLE, ERROR]], &[&[ROLE], &[ERROR]]];
    let (gateway, _simulator) = scripted(streams.into_iter()).await;
    for writes in streams {
        let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
        assert_eq!(
            (stream.header("x-patchbay-attempts"), stream.is_done()),
            ("2", true),
            "{writes:?}"
        );
        assert_eq!(stream.content(), "Simulated reply to: Hello there", "{writes:?}");
    }
    let labels = [("vendor", "one"), ("kind", "service_unavailable")];
    assert_eq!(
        gateway.metric("patchbay_attempts_failed_total", &labels).await,
        3.0
    );
}

#[tokio::test]
async fn an_error_in_a_stream_after_the_first_token_ends_it_behind_all_that_came() {
    let streams: [Writes; 3] = [
        &[&[TOKEN], &[TOKEN], &[ERROR, TOKEN, "[DONE]"]],
        &[&[TOKEN], &[TOKEN, ERROR]],
        &[&[ROLE, TOKEN], &[TOKEN, ERROR, FINISH]],
    ];
    let (gateway, simulator) = scripted(streams.into_iter()).await;
    for writes in streams {
        let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
        let error = stream.error().unwrap();
        assert_eq!(
            (error.code.as_deref(), error.message.as_str()),
            (Some("service_unavailable"), "overloaded")
        );
        assert_eq!(
            (stream.content().as_str(), stream.is_done()),
            ("hi hi ", false),
            "{writes:?}"
        );
    }
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn a_stream_is_complete_only_if_the_vendor_says_so() {
    let streams: [(Writes, bool); 5] = [
        (&[&[TOKEN, FINISH, "[DONE]"]], true),
        (&[&[TOKEN], &[FINISH]], true),
        (&[&[TOKEN], &["[DONE]"]], true),
        (&[&[TOKEN]], false),
        (&[&[TOKEN], &["{\"choices\":"]], false),
    ];
    let (gateway, simulator) = scripted(streams.into_iter().map(|(writes, _)| writes)).await;
    for (writes, complete) in streams {
        let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
        assert_eq!(
            (stream.is_done(), stream.error().is_none()),
            (complete, complete),
            "{writes:?}"
        );
        assert_eq!(stream.content(), "hi ");
        if let Some(error) = stream.error() {
            assert_eq!(error.code.as_deref(), Some("malformed_reply"));
        }
    }
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn a_stream_that_takes_too_long_is_ended() {
    let simulator = simulator().await;
    let config = vendors(&simulator, &["one"]) + "[timeouts]\nstream = \"1s\"\n";
    let gateway = Gateway::start(&["openai"], &config).await;
    simulator.add(Rule::always().tokens(10).stall_after(3));
    let started = Instant::now();
    let stream = gateway.client().stream(&streamed(say("go"))).await.to_end().await;
    assert!(
        (950..1500).contains(&started.elapsed().as_millis()),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(stream.error().unwrap().code.as_deref(), Some("timeout"));
    assert_eq!(stream.content(), "token-0 token-1 token-2");
    assert!(simulator.settled(Duration::from_secs(2)).await);
}
