//! Stopping: what is under way gets its time, and nothing new begins.

use std::time::{Duration, Instant};

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Gateway, SERVER, Stream, ended_within, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::setup::{hello, one_vendor, simulator, streamed, vendor};

/// A stream whose first token has arrived.
async fn begun(gateway: &Gateway) -> Stream {
    let mut stream = gateway.client().stream(&streamed(hello())).await;
    while !stream.next().await.unwrap().data.contains("token-0") {}
    stream
}

/// A gateway with a stream under way that the vendor never ends.
async fn stalled(simulator: &Simulator, drain: &str) -> (Gateway, Stream) {
    let server = SERVER.replace("[server]", &format!("[server]\ndrain = \"{drain}\""));
    let config = format!("{server}{}models = [\"m\"]\n", vendor(simulator, "sim"));
    let gateway = Gateway::start(&["openai"], &config).await;
    simulator.add(Rule::always().tokens(10).stall_after(1));
    let stream = begun(&gateway).await;
    (gateway, stream)
}

#[tokio::test]
async fn a_running_stream_is_finished_and_the_gateway_is_not_ready_meanwhile() {
    let simulator = simulator().await;
    let mut gateway = one_vendor(&simulator).await;
    simulator.add(Rule::always().tokens(20).interval(Duration::from_millis(50)));
    assert_eq!(gateway.client().get("/readyz").await.status, 200);
    // A connection that has begun to ask, which is as far as a keep-alive connection gets while draining.
    let mut asking = TcpStream::connect(gateway.address).await.unwrap();
    asking
        .write_all(b"GET /readyz HTTP/1.1\r\nhost: a\r\n")
        .await
        .unwrap();
    let stream = begun(&gateway).await;

    gateway.signal("TERM");
    gateway.logged_text("draining").await;
    eventually("no new connection is taken", async || {
        TcpStream::connect(gateway.address).await.err()
    })
    .await;
    asking.write_all(b"\r\n").await.unwrap();
    let mut answer = String::new();
    asking.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");

    let rest = stream.to_end().await;
    assert!(
        rest.is_done() && rest.content().ends_with("token-19"),
        "{:?}",
        rest.events.last()
    );
    let status = ended_within(&mut gateway.process, Duration::from_secs(2)).await;
    assert_eq!(status.expect("the gateway ends").code(), Some(0));
    gateway.logged_text("stopped").await;
}

#[tokio::test]
async fn an_answer_under_way_is_finished_and_idle_connections_hold_nothing_up() {
    let simulator = simulator().await;
    let mut gateway = one_vendor(&simulator).await;
    let idle = gateway.client();
    assert_eq!(idle.get("/healthz").await.status, 200);
    simulator.add(Rule::always().latency(Duration::from_millis(500)));
    let client = gateway.client();
    let waiting = tokio::spawn(async move { client.chat(&hello()).await });
    gateway
        .metric_until("patchbay_attempts_in_flight", &[], 1.0)
        .await;
    gateway.signal("INT");
    assert_eq!(
        waiting.await.unwrap().content(),
        "Simulated reply to: Hello there"
    );
    let status = ended_within(&mut gateway.process, Duration::from_secs(2)).await;
    assert_eq!(status.expect("the gateway ends").code(), Some(0));
    drop(idle);
}

#[tokio::test]
async fn what_takes_longer_than_allowed_is_cut_off() {
    let simulator = simulator().await;
    let (mut gateway, stream) = stalled(&simulator, "1s").await;
    let told = Instant::now();
    gateway.signal("TERM");
    let status = ended_within(&mut gateway.process, Duration::from_secs(5)).await;
    assert_eq!(status.expect("the gateway ends").code(), Some(0));
    assert!(
        (900..2000).contains(&told.elapsed().as_millis()),
        "{:?}",
        told.elapsed()
    );
    let rest = stream.to_end().await;
    assert!(!rest.is_done() && !rest.clean);
    gateway.logged_text("server.drain").await;
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let simulator = simulator().await;
    let (mut gateway, _stream) = stalled(&simulator, "60s").await;
    gateway.signal("TERM");
    gateway.logged_text("draining").await;
    assert!(
        ended_within(&mut gateway.process, Duration::from_millis(500))
            .await
            .is_none()
    );
    gateway.signal("TERM");
    let status = ended_within(&mut gateway.process, Duration::from_secs(1)).await;
    assert_eq!(status.expect("the gateway ends").code(), Some(0));
}

#[tokio::test]
async fn without_work_it_stops_right_away() {
    let simulator = simulator().await;
    let mut gateway = one_vendor(&simulator).await;
    gateway.signal("TERM");
    let status = ended_within(&mut gateway.process, Duration::from_secs(1)).await;
    assert_eq!(status.expect("the gateway ends").code(), Some(0));
}
