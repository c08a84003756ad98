//! A thousand files at once.

use std::time::{Duration, Instant};

use patchbay_tests::{Gateway, component, eventually, other_version};
use serde_json::Value;

use crate::setup::{hello, relayed, serving_version, simulator};
use crate::traffic::Traffic;

const GARBAGE: usize = 990;
const COPIES: usize = 9;
/// What is in use does not wait for the rest of the crowd.
const A_FEW_SECONDS: Duration = Duration::from_secs(5);

/// Something that is no plugin, different for every number: text, the head of a component with nothing sensible
/// behind it, a core module, the beginning of a component.
fn garbage(number: usize, good: &[u8]) -> Vec<u8> {
    let name = format!("garbage number {number}");
    match number % 4 {
        0 => name.into_bytes(),
        1 => [b"\0asm\x0d\0\x01\0", name.as_bytes()].concat(),
        2 => [b"\0asm\x01\0\0\0", name.as_bytes()].concat(),
        _ => good[..good.len() / 2 - number].to_vec(),
    }
}

async fn states(gateway: &Gateway) -> Vec<Value> {
    let listed = gateway.admin().get("/admin/plugins").await.json();
    let plugins = listed["plugins"].as_array().unwrap().iter();
    plugins.map(|plugin| plugin["state"].clone()).collect()
}

#[tokio::test]
async fn a_thousand_files_at_once_are_sorted_out_while_traffic_goes_on() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let traffic = Traffic::start(&gateway.client(), &hello());
    let echo = component("echo");
    for number in 0..GARBAGE {
        gateway.write_plugin(&format!("garbage-{number:03}.wasm"), &garbage(number, &echo));
    }
    for number in 0..COPIES {
        gateway.write_plugin(&format!("echo-{number}.wasm"), &echo);
    }
    let (bytes, version) = other_version("relay", "of-the-crowd");
    gateway.write_plugin("relay.wasm", &bytes);
    let written = Instant::now();
    serving_version(&gateway, &version).await;
    assert!(written.elapsed() < A_FEW_SECONDS, "{:?}", written.elapsed());
    eventually("all of them are loaded or reported", async || {
        let states = states(&gateway).await;
        let serving = states.iter().filter(|state| **state == "serving").count();
        let failed = states.iter().filter(|state| **state == "failed").count();
        ((serving, failed) == (COPIES + 1, GARBAGE)).then_some(())
    })
    .await;
    let failures = gateway.metric("patchbay_reload_failures_total", &[]).await;
    assert_eq!(failures, 990.0, "each is reported once");
    assert_eq!(gateway.metric("patchbay_plugin_info", &[]).await, 10.0);

    for number in 0..GARBAGE {
        gateway.remove_plugin(&format!("garbage-{number:03}.wasm"));
    }
    for number in 0..COPIES {
        gateway.remove_plugin(&format!("echo-{number}.wasm"));
    }
    eventually("all of them are gone", async || {
        (states(&gateway).await == ["serving"]).then_some(())
    })
    .await;
    gateway.metric_until("patchbay_plugin_info", &[], 1.0).await;
    traffic.finish().await;
}
