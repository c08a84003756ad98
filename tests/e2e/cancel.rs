//! Callers who leave: the work for them stops, everywhere.

use std::time::{Duration, Instant};

use patchbay_simulator::{How, Rule, Simulator};
use patchbay_tests::{Gateway, SERVER, eventually};

use crate::setup::{hello, simulator, streamed, vendor};

/// A vendor behind the passing and one behind the translating adapter, and one without a server.
async fn gateway(simulator: &Simulator) -> Gateway {
    let relay = vendor(simulator, "relayed").replace("\"openai\"", "\"relay\"");
    let config = format!(
        "{SERVER}{}models = [\"passing\"]\n{relay}models = [\"translated\"]\n[vendors.echo]\nmodels = [\"echoed\"]\n",
        vendor(simulator, "passed"),
    );
    Gateway::start(&["openai", "relay", "echo"], &config).await
}

/// Within a second of `left` the vendor sees that nobody listens any more, and the gateway holds nothing.
async fn assert_stopped(gateway: &Gateway, simulator: &Simulator, left: Instant) {
    let ended = eventually("the vendor sees the caller leave", async || {
        simulator.requests().pop()?.ended
    })
    .await;
    assert_eq!(ended.how, How::CallerLeft);
    assert!(
        left.elapsed() < Duration::from_secs(1),
        "it took {:?}",
        left.elapsed()
    );
    assert_nothing_held(gateway).await;
}

async fn assert_nothing_held(gateway: &Gateway) {
    gateway
        .metric_until("patchbay_attempts_in_flight", &[], 0.0)
        .await;
    gateway.metric_until("patchbay_plugin_instances", &[], 0.0).await;
}

#[tokio::test]
async fn a_caller_who_leaves_before_the_answer_stops_the_vendors_work() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    simulator.add(
        Rule::always()
            .latency(Duration::from_secs(60))
            .first_token(Duration::from_secs(60)),
    );
    for (model, request) in [
        ("passing", hello()),
        ("passing", streamed(hello())),
        ("translated", hello()),
        ("translated", streamed(hello())),
    ] {
        simulator.forget_requests();
        let mut request = request;
        request["model"] = model.into();
        let client = gateway.client();
        let waiting = tokio::spawn(async move { client.chat(&request).await });
        eventually("the vendor is asked", async || simulator.requests().pop()).await;
        gateway
            .metric_until("patchbay_attempts_in_flight", &[], 1.0)
            .await;
        waiting.abort();
        assert_stopped(&gateway, &simulator, Instant::now()).await;
    }
    gateway
        .metric_until("patchbay_requests_total", &[("outcome", "cancelled")], 4.0)
        .await;
    assert_eq!(
        gateway.metric("patchbay_attempts_failed_total", &[]).await,
        0.0,
        "leaving is nobody's failure"
    );
}

#[tokio::test]
async fn a_caller_who_leaves_a_stream_stops_the_vendors_work() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    // Silent after some tokens, so that no write tells the gateway that the caller is gone.
    simulator.add(Rule::always().tokens(1000).stall_after(5));
    for model in ["passing", "translated"] {
        simulator.forget_requests();
        let mut request = streamed(hello());
        request["model"] = model.into();
        let mut stream = gateway.client().stream(&request).await;
        while !stream.next().await.unwrap().data.contains("token-4") {}
        assert_eq!(gateway.metric("patchbay_attempts_in_flight", &[]).await, 1.0);
        let request_id = stream.header("x-request-id").to_owned();
        drop(stream);
        assert_stopped(&gateway, &simulator, Instant::now()).await;
        assert_eq!(gateway.record(&request_id).await["outcome"], "cancelled");
    }
    gateway
        .metric_until("patchbay_requests_total", &[("outcome", "cancelled")], 2.0)
        .await;
}

#[tokio::test]
async fn a_caller_who_leaves_an_endless_adapter_frees_its_instance() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    let mut request = streamed(hello());
    // More than all buffers on the way hold.
    request["messages"][0]["content"] = "word ".repeat(1_000_000).into();
    request["model"] = "echoed".into();
    let mut stream = gateway.client().stream(&request).await;
    for _ in 0..10 {
        stream.next().await.unwrap();
    }
    assert_eq!(gateway.metric("patchbay_plugin_instances", &[]).await, 1.0);
    drop(stream);
    assert_nothing_held(&gateway).await;
    gateway
        .metric_until("patchbay_requests_total", &[("outcome", "cancelled")], 1.0)
        .await;
}
