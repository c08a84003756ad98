//! Changes that nobody is told of: the gateway looks by itself, or is asked to.

use std::fs;
use std::os::unix::fs::symlink;

use patchbay_simulator::Simulator;
use patchbay_tests::{Gateway, SERVER, new_folder, other_version};
use serde_json::json;
use tempfile::TempDir;

use crate::files::{relay_vendor, served_by};
use crate::setup::{serving_version, simulator};

/// The plugins folder holds a link to a file behind it, whose changes nobody is told of.
async fn linked(simulator: &Simulator, plugins: &str) -> (Gateway, TempDir) {
    let behind = new_folder();
    let (bytes, version) = other_version("relay", "linked");
    fs::write(behind.path().join("relay.wasm"), bytes).unwrap();
    let config = format!("{SERVER}{plugins}{}models = [\"m\"]\n", relay_vendor(simulator));
    let folder = new_folder();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::write(folder.path().join("patchbay.toml"), config).unwrap();
    symlink(
        behind.path().join("relay.wasm"),
        folder.path().join("plugins/relay.wasm"),
    )
    .unwrap();
    let gateway = Gateway::start_in(folder).await;
    serving_version(&gateway, &version).await;
    (gateway, behind)
}

#[tokio::test]
async fn where_changes_are_not_told_of_a_gateway_can_look_by_itself() {
    let simulator = simulator().await;
    let (gateway, behind) = linked(&simulator, "[plugins]\npoll = \"200ms\"\n").await;
    for version in ["looked-for", "looked-for-again"] {
        let (bytes, version) = other_version("relay", version);
        fs::write(behind.path().join("relay.wasm"), bytes).unwrap();
        served_by(&gateway, &version).await;
    }
    // Looking is not changing.
    assert_eq!(gateway.metric("patchbay_generation", &[]).await, 3.0);
}

#[tokio::test]
async fn an_operator_can_ask_for_a_reload() {
    let simulator = simulator().await;
    let (gateway, behind) = linked(&simulator, "").await;
    let (bytes, version) = other_version("relay", "asked-for");
    fs::write(behind.path().join("relay.wasm"), bytes).unwrap();
    let generation = gateway.metric("patchbay_generation", &[]).await;
    let reloaded = gateway.admin().post("/admin/reload", "").await.json();
    assert_eq!(
        (&reloaded["changed"], reloaded["generation"].as_f64()),
        (&json!(true), Some(generation + 1.0))
    );
    served_by(&gateway, &version).await;
    let again = gateway.admin().post("/admin/reload", "").await.json();
    assert_eq!(
        (&again["changed"], &again["generation"]),
        (&json!(false), &reloaded["generation"])
    );
}

#[tokio::test]
async fn a_hangup_is_a_reload() {
    let simulator = simulator().await;
    let (gateway, behind) = linked(&simulator, "").await;
    let (bytes, version) = other_version("relay", "hung-up");
    fs::write(behind.path().join("relay.wasm"), bytes).unwrap();
    gateway.signal("HUP");
    served_by(&gateway, &version).await;
}
