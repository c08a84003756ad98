//! Vendors that take too long: each clock rings by itself, says which it was, and lets another candidate answer where
//! nothing has reached the caller yet. Callers who wait are kept company meanwhile.

use std::num::NonZero;
use std::time::{Duration, Instant};

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Gateway, Streamed};
use serde_json::json;

use crate::setup::{asked, hello, simulator, streamed, vendors, with_server};

const LONG: Duration = Duration::from_secs(60);

async fn gateway(simulator: &Simulator, names: &[&str], more: &str) -> Gateway {
    Gateway::start(&["openai"], &(vendors(simulator, names) + more)).await
}

#[track_caller]
fn assert_took(started: Instant, from: u64, to: u64) {
    let took = started.elapsed().as_millis();
    assert!((u128::from(from)..u128::from(to)).contains(&took), "{took} ms");
}

#[tokio::test]
async fn a_slow_start_is_a_reason_to_ask_somebody_else() {
    let simulator = simulator().await;
    for (setting, rule, streams) in [
        ("first_byte", Rule::always().latency(LONG), [false, true]),
        ("first_token", Rule::always().first_token(LONG), [true, true]),
    ] {
        let timeouts = format!("[timeouts]\n{setting} = \"300ms\"\n");
        let gateway = gateway(&simulator, &["one", "two"], &timeouts).await;
        simulator.set_rules(vec![rule.vendor("one")]);
        for streaming in streams {
            simulator.forget_requests();
            let started = Instant::now();
            let content = if streaming {
                let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
                assert!(stream.is_done() && stream.clean);
                stream.content()
            } else {
                gateway.client().chat(&hello()).await.content()
            };
            assert_eq!(content, "Simulated reply to: Hello there");
            assert_took(started, 295, 700);
            assert_eq!(asked(&simulator), ["one", "two"], "{setting}");
        }
        simulator.add(Rule::always().latency(LONG));
        let answer = gateway.client().chat(&streamed(hello())).await;
        assert_eq!(
            (answer.status, answer.error().code.as_deref()),
            (504, Some("timeout"))
        );
        let message = answer.error().message;
        assert!(message.contains(setting), "{message}");
        assert!(
            simulator.settled(Duration::from_secs(1)).await,
            "the vendor still works"
        );
    }
}

#[tokio::test]
async fn a_whole_reply_may_take_as_long_as_all_attempts() {
    let simulator = simulator().await;
    let gateway = gateway(
        &simulator,
        &["one"],
        "[timeouts]\nfirst_token = \"200ms\"\nidle = \"200ms\"\n",
    )
    .await;
    simulator.add(Rule::always().latency(Duration::from_millis(800)));
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
}

#[tokio::test]
async fn silence_between_tokens_ends_the_stream() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one", "two"], "[timeouts]\nidle = \"400ms\"\n").await;
    simulator.set_rules(vec![Rule::always().tokens(10).stall_after(3)]);
    let started = Instant::now();
    let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
    assert_took(started, 395, 800);
    let error = stream.error().expect("an error event");
    assert!(
        error.message.contains("timeouts.idle") && !stream.is_done(),
        "{error:?}"
    );
    assert_eq!(stream.content(), "token-0 token-1 token-2");
    assert_eq!(
        asked(&simulator),
        ["one"],
        "nobody is asked after the first token"
    );
    assert!(simulator.settled(Duration::from_secs(1)).await);

    // Slow is not silent.
    simulator.set_rules(vec![
        Rule::always().tokens(6).interval(Duration::from_millis(200)),
    ]);
    assert!(
        gateway
            .client()
            .stream(&streamed(hello()))
            .await
            .to_end()
            .await
            .is_done()
    );
}

#[tokio::test]
async fn a_caller_who_does_not_read_is_no_silence_of_the_vendor() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one"], "[timeouts]\nidle = \"300ms\"\n").await;
    // More than the buffers on the way hold.
    let long = "word ".repeat(400_000);
    simulator.set_rules(vec![
        Rule::always().text(&long).coalesce(NonZero::new(100).unwrap()),
    ]);
    let mut stream = gateway.client().stream(&streamed(hello())).await;
    stream.next().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(stream.to_end().await.is_done());
}

#[tokio::test]
async fn a_stream_has_an_end_in_time() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one"], "[timeouts]\nstream = \"1s\"\n").await;
    simulator.set_rules(vec![
        Rule::always().tokens(1000).interval(Duration::from_millis(50)),
    ]);
    let started = Instant::now();
    let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
    assert_took(started, 990, 1400);
    assert!(stream.error().unwrap().message.contains("timeouts.stream"));
}

/// What a stream's comments said, and how long after `started`.
fn comments(stream: &Streamed, started: Instant) -> Vec<(u128, &str)> {
    let comments = stream.comments.iter();
    comments
        .map(|comment| ((comment.at - started).as_millis(), comment.text.as_str()))
        .collect()
}

#[tokio::test]
async fn whoever_waits_for_a_stream_hears_so_and_later_who_answered() {
    let simulator = simulator().await;
    let config = with_server(&vendors(&simulator, &["one", "two"]), "keep_alive = \"300ms\"")
        + "[timeouts]\nfirst_token = \"700ms\"\n";
    let gateway = Gateway::start(&["openai"], &config).await;
    simulator.set_rules(vec![
        Rule::always().tokens(3).interval(Duration::from_millis(500)),
        Rule::always().vendor("one").first_token(LONG),
    ]);
    let started = Instant::now();
    let stream = gateway.client().stream(&streamed(hello())).await;
    assert_took(started, 295, 450);
    assert_eq!((stream.status, stream.header("x-patchbay-vendor")), (200, ""));
    assert!(stream.header("x-request-id").starts_with("req_"));
    let stream = stream.to_end().await;
    assert!(stream.is_done() && stream.clean);
    assert_eq!(stream.content(), "token-0 token-1 token-2");
    let comments = comments(&stream, started);
    let waiting: Vec<u128> = comments
        .iter()
        .filter(|(_, text)| *text == "waiting")
        .map(|(at, _)| *at)
        .collect();
    // At 300 and 600 ms for the first token, and once in each pause of half a second between the tokens.
    assert_eq!(waiting.len(), 4, "{comments:?}");
    assert!(
        (295..450).contains(&waiting[0]) && (595..690).contains(&waiting[1]),
        "{waiting:?}"
    );
    for mark in ["x-patchbay-vendor: two", "x-patchbay-attempts: 2"] {
        assert!(
            comments.iter().any(|(at, text)| *text == mark && *at >= 695),
            "{comments:?}"
        );
    }

    // A failure is said in the stream too, with what its headers would have said.
    let limited = Rule::always()
        .latency(Duration::from_millis(400))
        .status(http::StatusCode::TOO_MANY_REQUESTS)
        .header(http::header::RETRY_AFTER, http::HeaderValue::from_static("7"));
    simulator.set_rules(vec![limited]);
    let started = Instant::now();
    let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
    assert_eq!((stream.status, stream.events.len()), (200, 1));
    assert_eq!(
        stream.error().unwrap().code.as_deref(),
        Some("rate_limit_exceeded")
    );
    let texts: Vec<&str> = stream
        .comments
        .iter()
        .map(|comment| comment.text.as_str())
        .collect();
    assert!(
        texts.contains(&"retry-after: 7") && texts.contains(&"x-patchbay-attempts: 2"),
        "{texts:?}"
    );
    assert_took(started, 795, 1200);
}

#[tokio::test]
async fn a_caller_who_leaves_while_it_is_kept_company_stops_the_work() {
    let simulator = simulator().await;
    let config = with_server(&vendors(&simulator, &["one", "two"]), "keep_alive = \"100ms\"");
    let gateway = Gateway::start(&["openai"], &config).await;
    simulator.set_rules(vec![Rule::always().latency(LONG)]);
    let stream = gateway.client().stream(&streamed(hello())).await;
    assert_eq!(stream.status, 200);
    drop(stream);
    assert!(
        simulator.settled(Duration::from_secs(1)).await,
        "the vendor still works"
    );
    let cancelled = [("outcome", "cancelled")];
    gateway
        .metric_until("patchbay_requests_total", &cancelled, 1.0)
        .await;
    for gauge in ["patchbay_requests_in_flight", "patchbay_attempts_in_flight"] {
        gateway.metric_until(gauge, &[], 0.0).await;
    }
    assert_eq!(asked(&simulator), ["one"]);
}

#[tokio::test]
async fn what_was_used_until_the_caller_left_is_written() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one"], "").await;
    simulator.set_rules(vec![
        Rule::always().tokens(100).interval(Duration::from_millis(20)),
    ]);
    let mut stream = gateway.client().stream(&streamed(hello())).await;
    for _ in 0..10 {
        stream.next().await.unwrap();
    }
    let request_id = stream.header("x-request-id").to_owned();
    drop(stream);
    let record = gateway.record(&request_id).await;
    assert_eq!(record["outcome"], json!("cancelled"));
    assert_eq!(record["tokens_estimated"], json!(true));
    let output = record["output_tokens"].as_u64().unwrap();
    assert!((10..40).contains(&output), "{record}");
    assert!(record["input_tokens"].as_u64().unwrap() > 0, "{record}");
}

#[tokio::test]
async fn a_whole_reply_that_falls_silent_is_left_for_another() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, &["one", "two"], "[timeouts]\nidle = \"300ms\"\n").await;
    simulator.set_rules(vec![Rule::always().vendor("one").tokens(10).stall_after(5)]);
    let started = Instant::now();
    let answer = gateway.client().chat(&hello()).await;
    assert_took(started, 295, 700);
    assert_eq!(answer.content(), "Simulated reply to: Hello there");
    assert_eq!(asked(&simulator), ["one", "two"]);
    let timeouts = [("vendor", "one"), ("kind", "timeout")];
    assert_eq!(
        gateway.metric("patchbay_attempts_failed_total", &timeouts).await,
        1.0
    );
}
