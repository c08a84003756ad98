//! Plugins that are added, replaced and removed under a running gateway: what is good is taken at once, what is not
//! changes nothing. How their files come to change is told in `files`.

use std::time::Duration;

use patchbay_simulator::Rule;
use patchbay_tests::{Gateway, SERVER, component, other_version};
use serde_json::{Value, json};

use crate::setup::{hello, one_vendor, relayed, serving_version, simulator, streamed, vendor, with};

#[tokio::test]
async fn a_plugin_that_is_dropped_in_serves() {
    let simulator = simulator().await;
    let config = format!(
        "{SERVER}{}models = [\"m\"]\n[vendors.echo]\nmodels = [\"e\"]\n",
        vendor(&simulator, "sim")
    );
    let gateway = Gateway::start(&["openai"], &config).await;
    let request = with(hello(), json!({"model": "e"}));
    let missing = gateway.client().chat(&request).await;
    assert_eq!(
        (missing.status, missing.error().code.as_deref()),
        (503, Some("no_candidate"))
    );
    assert!(gateway.notices().await.contains("echo.wasm"));
    assert_eq!(gateway.plugin("echo").await, Value::Null);

    gateway.write_plugin("echo.wasm", &component("echo"));
    let plugin = gateway
        .plugin_until("echo", |plugin| plugin["state"] == "serving")
        .await;
    assert_eq!(
        (&plugin["kind"], &plugin["problem"]),
        (&json!("adapter"), &Value::Null)
    );
    assert_eq!(gateway.client().chat(&request).await.content(), "Hello there");
    assert_eq!(gateway.notices().await, "[]");
    assert_eq!(gateway.metric("patchbay_generation", &[]).await, 2.0);
}

#[tokio::test]
async fn a_change_right_after_the_start_is_not_missed() {
    for _ in 0..5 {
        let gateway = Gateway::start(&[], &format!("{SERVER}[vendors.echo]\nmodels = [\"m\"]\n")).await;
        gateway.write_plugin("echo.wasm", &component("echo"));
        gateway
            .plugin_until("echo", |plugin| plugin["state"] == "serving")
            .await;
    }
}

#[tokio::test]
async fn what_is_not_a_plugin_file_is_left_alone() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    for file in ["notes.txt", ".hidden.wasm", "openai.wasm.part"] {
        gateway.write_plugin(file, b"not a plugin");
    }
    let reloaded = gateway.admin().post("/admin/reload", "").await.json();
    assert_eq!(
        reloaded,
        json!({"generation": 1, "changed": false, "config_problem": null, "plugin_problems": [], "notices": [],
            "unfinished": false, "compiling": []})
    );
}

#[tokio::test]
async fn a_replaced_plugin_serves_new_requests_and_old_streams_keep_theirs() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let old = gateway.client().chat(&hello()).await.json()["stamp"].clone();
    simulator.add(Rule::always().tokens(30).interval(Duration::from_millis(50)));
    let mut running = gateway.client().stream(&streamed(hello())).await;
    let first: Value = serde_json::from_str(&running.next().await.unwrap().data).unwrap();

    let (bytes, version) = other_version("relay", "2.0.0");
    gateway.write_plugin("relay.wasm", &bytes);
    serving_version(&gateway, &version).await;
    simulator.set_rules(vec![]);
    let new = gateway.client().chat(&hello()).await;
    assert_eq!(new.json()["stamp"], version);
    assert_eq!(new.header("x-patchbay-adapter"), format!("relay@{version}"));
    assert_eq!(
        gateway
            .metric("patchbay_plugin_info", &[("plugin", "relay")])
            .await,
        1.0
    );

    let header = running.header("x-patchbay-adapter").to_owned();
    let rest = running.to_end().await;
    let last = rest.chunks().pop().unwrap();
    assert!(rest.is_done());
    assert_eq!((&first["stamp"], &last["stamp"]), (&old, &old));
    assert_eq!(header, format!("relay@{}", old.as_str().unwrap()));
}

/// An adapter by its exports, with an import that no plugin is given.
const WITH_HTTP: &str = r#"(component
    (import "wasi:http/outgoing-handler@0.2.0" (instance))
    (instance $adapter)
    (export "patchbay:plugin/adapter@0.1.0" (instance $adapter)))"#;
const OF_ANOTHER_CONTRACT: &str = r#"(component
    (instance $adapter)
    (export "patchbay:plugin/adapter@9.0.0" (instance $adapter)))"#;
const OF_NOTHING: &str = r#"(component
    (instance $adapter)
    (export "patchbay:plugin/adapter@0.1.0" (instance $adapter)))"#;

#[tokio::test]
async fn a_file_that_is_no_plugin_keeps_the_old_one_and_says_why() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let good = component("relay");
    let serving = gateway.plugin("relay").await["serving"].clone();
    let wat = |text: &str| wat::parse_str(text).unwrap();
    let cases = [
        ("empty", Vec::new(), "an empty file"),
        ("text", b"hello".to_vec(), "not WebAssembly at all"),
        (
            "truncated",
            good[..good.len() / 2].to_vec(),
            "not a WebAssembly component",
        ),
        (
            "flipped",
            {
                let mut bytes = good.clone();
                bytes[20] ^= 0xff;
                bytes
            },
            "not a WebAssembly component",
        ),
        (
            "a core module",
            wat("(module)"),
            "`patchbay plugin build` makes the component",
        ),
        ("no export", wat("(component)"), "found one that exports nothing"),
        (
            "another version",
            wat(OF_ANOTHER_CONTRACT),
            "it was built for version 9.0.0 of the WIT package",
        ),
        (
            "wasi:http",
            wat(WITH_HTTP),
            "imports wasi:http/outgoing-handler@0.2.0",
        ),
        (
            "nothing behind the export",
            wat(OF_NOTHING),
            "does not fit its world",
        ),
    ];
    for (number, (name, bytes, why)) in cases.into_iter().enumerate() {
        gateway.write_plugin("relay.wasm", &bytes);
        let says_why = |plugin: &Value| {
            plugin["problem"]
                .as_str()
                .is_some_and(|problem| problem.contains(why))
        };
        let plugin = gateway.plugin_until("relay", says_why).await;
        assert_eq!(
            (&plugin["state"], &plugin["serving"]),
            (&json!("kept"), &serving),
            "{name}"
        );
        assert_eq!(gateway.client().chat(&hello()).await.status, 200, "{name}");
        // Reported once, not with every look.
        gateway.admin().post("/admin/reload", "").await;
        let failures = gateway
            .metric("patchbay_reload_failures_total", &[("part", "relay")])
            .await;
        assert_eq!(failures, f64::from(u32::try_from(number).unwrap() + 1), "{name}");
        gateway
            .logged(name, |line| {
                line["part"] == "relay" && line.to_string().contains(why)
            })
            .await;
    }
    gateway.write_plugin("relay.wasm", &good);
    gateway
        .plugin_until("relay", |plugin| plugin["problem"].is_null())
        .await;
}

#[tokio::test]
async fn a_new_file_that_is_no_plugin_disturbs_nobody() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    gateway.write_plugin("broken.wasm", b"hello");
    let plugin = gateway.plugin_until("broken", |plugin| !plugin.is_null()).await;
    assert_eq!(
        (&plugin["state"], &plugin["serving"]),
        (&json!("failed"), &Value::Null)
    );
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    // Good and bad at once: the good one is taken.
    gateway.write_plugin("worse.wasm", b"bye");
    gateway.write_plugin("echo.wasm", &component("echo"));
    gateway
        .plugin_until("echo", |plugin| plugin["state"] == "serving")
        .await;
    gateway
        .plugin_until("worse", |plugin| plugin["state"] == "failed")
        .await;
}

#[tokio::test]
async fn a_deleted_file_is_missed_only_if_nobody_names_it() {
    let simulator = simulator().await;
    let config = format!("{SERVER}{}models = [\"m\"]\n", vendor(&simulator, "sim"));
    let gateway = Gateway::start(&["openai", "echo"], &config).await;
    gateway.remove_plugin("openai.wasm");
    gateway.remove_plugin("echo.wasm");
    let kept = gateway
        .plugin_until("openai", |plugin| !plugin["problem"].is_null())
        .await;
    assert!(
        kept["problem"].as_str().unwrap().contains("its file is gone"),
        "{kept}"
    );
    gateway.plugin_until("echo", Value::is_null).await;
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    gateway.write_plugin("openai.wasm", &component("openai"));
    gateway
        .plugin_until("openai", |plugin| plugin["problem"].is_null())
        .await;
}
