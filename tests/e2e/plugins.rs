//! Plugins that misbehave: each spoils its own call and nothing else.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::hostile::{assert_error, assert_named, assert_serves, gateway, order};
use crate::setup::{simulator, streamed};

#[tokio::test]
async fn a_call_that_breaks_a_limit_fails_alone_and_is_named() {
    let simulator = simulator().await;
    let gateway = gateway(
        &simulator,
        "memory = \"16MiB\"\ncall = \"100ms\"\nhost_data = \"1MiB\"",
    )
    .await;
    for (command, problem, text) in [
        (
            json!({"do": "panic", "message": "ouch, that hurt"}),
            "trap",
            "ouch, that hurt",
        ),
        (
            json!({"do": "loop"}),
            "call",
            "took longer than the limit of 100 ms (plugins.limits.call)",
        ),
        (
            json!({"do": "hoard"}),
            "memory",
            "more memory than the limit of 16777216 bytes (plugins.limits.memory)",
        ),
        (json!({"do": "recurse"}), "stack", "nested its calls deeper"),
        (
            json!({"do": "swell", "bytes": 3_000_000}),
            "host_data",
            "1048576 bytes (plugins.limits.host_data)",
        ),
    ] {
        for (later, function) in [(false, "exchange.start"), (true, "exchange.advance")] {
            let mut command = command.clone();
            command["later"] = later.into();
            let started = Instant::now();
            assert_error(
                &gateway.client().chat(&order(&command)).await,
                502,
                "plugin_error",
                &command,
            );
            assert!(
                started.elapsed() < Duration::from_secs(2),
                "{command} took {:?}",
                started.elapsed()
            );
            assert_named(&gateway, function, text).await;
            let labels = [("function", function), ("problem", problem)];
            assert_eq!(
                gateway.metric("patchbay_plugin_failures_total", &labels).await,
                1.0,
                "{command}"
            );
            assert_serves(&gateway).await;
        }
    }
    gateway.metric_until("patchbay_plugin_instances", &[], 0.0).await;
    assert_eq!(
        gateway
            .metric("patchbay_requests_total", &[("outcome", "plugin_error")])
            .await,
        10.0
    );
}

#[tokio::test]
async fn a_plugin_that_fails_in_a_stream_ends_it_with_an_error() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "call = \"100ms\"").await;
    for command in [
        json!({"later": true, "do": "panic", "message": "ouch"}),
        json!({"later": true, "do": "loop"}),
        json!({"later": true, "do": "send", "path": "/../up"}),
        json!({"later": true, "do": "pull-for-ever"}),
        json!({"later": true, "do": "say", "chunk": "{\"choices\":\n[]}"}),
        json!({"later": true, "do": "more-of-nothing"}),
    ] {
        let stream = gateway
            .client()
            .stream(&streamed(order(&command)))
            .await
            .to_end()
            .await;
        let error = stream
            .error()
            .unwrap_or_else(|| panic!("{command}: {:?}", stream.events));
        assert_eq!(
            (stream.content().as_str(), error.code.as_deref()),
            ("first ", Some("plugin_error")),
            "{command}"
        );
        assert_serves(&gateway).await;
    }
    assert!(simulator.requests().is_empty());
}

/// Each command fails with a plugin error that the log and the metrics name, and nothing is sent. A limit of the
/// configuration goes by its own name, everything else is the contract.
async fn assert_breaks_the_contract(cases: &[(Value, &str, &str)]) {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "").await;
    for (command, function, text) in cases {
        let problem = if text.contains("plugins.limits.chunks") {
            "chunks"
        } else {
            "contract"
        };
        let labels = [("function", *function), ("problem", problem)];
        let before = gateway.metric("patchbay_plugin_failures_total", &labels).await;
        assert_error(
            &gateway.client().chat(&order(command)).await,
            502,
            "plugin_error",
            command,
        );
        assert_named(&gateway, function, text).await;
        assert_eq!(
            gateway.metric("patchbay_plugin_failures_total", &labels).await,
            before + 1.0,
            "{command}"
        );
        assert_serves(&gateway).await;
    }
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn a_return_value_that_the_contract_does_not_allow_fails_alone_and_is_named() {
    let start = "exchange.start";
    assert_breaks_the_contract(&[
        (
            json!({"do": "say", "chunk": "{\n}"}),
            start,
            "a chunk holds a line break",
        ),
        (
            json!({"do": "say", "chunk": "{}\r\ndata: {}"}),
            start,
            "a chunk holds a line break",
        ),
        (
            json!({"do": "send", "edit": ["temperature", "not json"]}),
            start,
            "not JSON",
        ),
        (json!({"do": "send", "edit": ["", "1"]}), start, "edit.member"),
        (
            json!({"do": "send", "method": "CONNECT"}),
            start,
            "method \"CONNECT\"",
        ),
        (
            json!({"do": "fail", "kind": "", "message": "x"}),
            start,
            "failure.kind",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_step_that_the_contract_does_not_allow_fails_alone_and_is_named() {
    let (start, advance) = ("exchange.start", "exchange.advance");
    assert_breaks_the_contract(&[
        (json!({"do": "say", "chunk": "not json"}), start, "not JSON"),
        (
            json!({"do": "say", "chunk": "{}", "times": 2}),
            start,
            "more than one whole answer",
        ),
        (
            json!({"do": "done-without-answer"}),
            start,
            "done without an answer",
        ),
        (json!({"do": "more-of-nothing"}), start, "asks for more"),
        (
            json!({"do": "pull-for-ever"}),
            advance,
            "pulls more than 100 times",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_this_host_does_not_perform_is_said_so() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "").await;
    for (command, text) in [
        (json!({"do": "fetch"}), "next.fetch"),
        (json!({"do": "renew"}), "failure.renew-token"),
        (json!({"do": "send", "signed": true}), "credential-value.signed"),
    ] {
        let answer = gateway.client().chat(&order(&command)).await;
        assert_error(&answer, 501, "not_supported", &command);
        assert!(answer.error().message.contains(text), "{}", answer.text());
        assert_named(&gateway, "exchange.start", text).await;
        assert_serves(&gateway).await;
    }
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn a_plugins_log_is_cut_and_cannot_forge_lines() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "").await;
    let line = "mark\n{\"level\":\"ERROR\"}\u{1b}[31m";
    let said = async |lines: u32, line: &str| -> Vec<Value> {
        let command = json!({"do": "chatter", "lines": lines, "line": line});
        let answer = gateway.client().chat(&order(&command)).await;
        assert_eq!(answer.content(), "said it");
        // The log is in order: what was said during the request stands before its record.
        gateway.record(answer.header("x-request-id")).await;
        let marked = |line: &Value| {
            line["message"]
                .as_str()
                .is_some_and(|message| message.starts_with("mark"))
        };
        gateway.log().into_iter().filter(marked).collect()
    };
    for said in said(1, &format!("{line}{}", "x".repeat(5000))).await {
        let message = said["message"].as_str().unwrap();
        assert!(said["plugin"].as_str().unwrap().starts_with("hostile@"));
        assert!(
            message.len() <= 2048 && !message.contains(char::is_control),
            "{}",
            message.len()
        );
    }
    // A hundred in a second, and the call may have seen the beginning of the next one.
    let many = said(1000, line).await.len();
    assert!((100..=201).contains(&many), "{many} lines");
    let flood = json!({"do": "chatter", "lines": 100, "line": "x".repeat(5000)});
    assert_error(
        &gateway.client().chat(&order(&flood)).await,
        502,
        "plugin_error",
        &flood,
    );
    let text = "logged more in one call than the limit of 65536 bytes (plugins.limits.log)";
    assert_named(&gateway, "exchange.start", text).await;
}

#[tokio::test]
async fn a_plugin_cannot_invent_labels() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "").await;
    let command = json!({"do": "fail", "kind": "made-up-by-the-plugin", "message": "x"});
    assert_eq!(gateway.client().chat(&order(&command)).await.status, 502);
    let metrics = gateway.client().get("/metrics").await.text();
    assert!(metrics.contains("patchbay_attempts_failed_total{"), "{metrics}");
    assert!(!metrics.contains("made-up-by-the-plugin"), "{metrics}");
}

#[tokio::test]
async fn many_failing_calls_at_once_leave_nothing_behind() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "call = \"50ms\"\nmemory = \"8MiB\"\ninstances = 8").await;
    let client = gateway.client();
    let commands = [
        json!({"do": "panic", "message": "ouch"}),
        json!({"do": "loop"}),
        json!({"do": "hoard"}),
        json!({"later": true, "do": "recurse"}),
    ];
    let calls: Vec<_> = (0..80)
        .map(|at| {
            let (client, request) = (client.clone(), order(&commands[at % commands.len()]));
            tokio::spawn(async move { client.chat(&request).await.status })
        })
        .collect();
    let mut failed = 0;
    for call in calls {
        match call.await.unwrap() {
            502 => failed += 1,
            // No instance, or no thread for a plugin this slow, within a second.
            503 => {}
            status => panic!("{status}"),
        }
    }
    assert!(failed >= 8, "only {failed} were tried");
    assert_serves(&gateway).await;
    gateway.metric_until("patchbay_plugin_instances", &[], 0.0).await;
    gateway
        .metric_until("patchbay_attempts_in_flight", &[], 0.0)
        .await;
}
