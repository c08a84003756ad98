//! The ways in which files change under a running gateway: written, renamed, linked, deleted, by editors and by
//! deployments. Whatever the way, what is there in the end is what serves, and callers never notice.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use patchbay_simulator::Simulator;
use patchbay_tests::{Gateway, SERVER, component, eventually, new_folder, other_version};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::setup::{hello, relayed, replace_relay, serving_version, simulator, vendor, with};
use crate::traffic::Traffic;

/// A vendor whose adapter is the guest that can be had in many versions. The table stays open.
pub(crate) fn relay_vendor(simulator: &Simulator) -> String {
    vendor(simulator, "sim").replace("\"openai\"", "\"relay\"")
}

/// Makes a link point elsewhere in one step.
fn turn(link: &Path, target: &str) {
    let new = format!("{}_tmp", link.display());
    symlink(target, &new).unwrap();
    fs::rename(new, link).unwrap();
}

/// Publishes files as Kubernetes mounts a ConfigMap: the files are links through `..data`, which is a link to the
/// folder of the latest revision.
fn publish(folder: &Path, revision: &str, files: &[(&str, &[u8])]) {
    fs::create_dir(folder.join(revision)).unwrap();
    for (name, content) in files {
        fs::write(folder.join(revision).join(name), content).unwrap();
        let link = folder.join(name);
        if !link.is_symlink() {
            symlink(format!("..data/{name}"), link).unwrap();
        }
    }
    turn(&folder.join("..data"), revision);
}

pub(crate) async fn served_by(gateway: &Gateway, version: &str) {
    serving_version(gateway, version).await;
    assert_eq!(gateway.client().chat(&hello()).await.json()["stamp"], version);
}

#[tokio::test]
async fn a_config_map_is_followed_to_its_next_revision() {
    let simulator = simulator().await;
    let config = format!("{SERVER}{}models = [\"m\"]\n", relay_vendor(&simulator));
    let folder = new_folder();
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    publish(&plugins, "..2026_1", &[("relay.wasm", &component("relay"))]);
    publish(folder.path(), "..2026_1", &[("patchbay.toml", config.as_bytes())]);
    let gateway = Gateway::start_in(folder).await;
    let traffic = Traffic::start(&gateway.client(), &hello());

    let (bytes, version) = other_version("relay", "2.0.0");
    publish(&plugins, "..2026_2", &[("relay.wasm", &bytes)]);
    served_by(&gateway, &version).await;
    fs::remove_dir_all(plugins.join("..2026_1")).unwrap();

    let more = config.replace("[\"m\"]", "[\"m\", \"n\"]");
    publish(
        gateway.folder(),
        "..2026_2",
        &[("patchbay.toml", more.as_bytes())],
    );
    let added = with(hello(), json!({"model": "n"}));
    eventually("the new model is served", async || {
        (gateway.client().chat(&added).await.status == 200).then_some(())
    })
    .await;
    traffic.finish().await;
}

#[tokio::test]
async fn a_plugins_folder_that_is_a_link_is_followed_to_another_release() {
    let simulator = simulator().await;
    let config = format!(
        "{SERVER}[plugins]\nfolder = \"current\"\n{}models = [\"m\"]\n",
        relay_vendor(&simulator)
    );
    let folder = new_folder();
    let release = |name: &str| folder.path().join("releases").join(name);
    let (second, third) = (release("2"), release("2").join("relay.wasm"));
    fs::create_dir_all(release("1")).unwrap();
    fs::write(release("1").join("relay.wasm"), component("relay")).unwrap();
    fs::write(folder.path().join("patchbay.toml"), config).unwrap();
    symlink("releases/1", folder.path().join("current")).unwrap();
    let gateway = Gateway::start_in(folder).await;
    let traffic = Traffic::start(&gateway.client(), &hello());

    let (bytes, version) = other_version("relay", "2.0.0");
    fs::create_dir(&second).unwrap();
    fs::write(&third, bytes).unwrap();
    turn(&gateway.folder().join("current"), "releases/2");
    served_by(&gateway, &version).await;
    // What changes in the release is seen as well.
    let (bytes, version) = other_version("relay", "3.0.0");
    fs::write(&third, bytes).unwrap();
    served_by(&gateway, &version).await;
    traffic.finish().await;
}

#[tokio::test]
async fn a_folder_that_is_deleted_and_made_anew_is_watched_again() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let traffic = Traffic::start(&gateway.client(), &hello());
    fs::remove_dir_all(gateway.plugins_folder()).unwrap();
    gateway.logged_text("cannot read the plugins folder").await;
    // Missing is missing, however often it is looked at.
    for _ in 0..3 {
        gateway.admin().post("/admin/reload", "").await;
    }
    let failures = [("part", "plugins.folder")];
    assert_eq!(
        gateway.metric("patchbay_reload_failures_total", &failures).await,
        1.0
    );
    assert_eq!(gateway.metric("patchbay_generation", &[]).await, 1.0);

    fs::create_dir(gateway.plugins_folder()).unwrap();
    for version in ["2.0.0", "3.0.0"] {
        let version = replace_relay(&gateway, version).await;
        assert_eq!(gateway.client().chat(&hello()).await.json()["stamp"], version);
    }
    traffic.finish().await;
}

#[tokio::test]
async fn every_way_of_saving_a_file_is_noticed() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let traffic = Traffic::start(&gateway.client(), &hello());
    let file = gateway.plugins_folder().join("relay.wasm");
    let backup = gateway.plugins_folder().join("relay.wasm~");

    // Another file is moved over it.
    replace_relay(&gateway, "renamed").await;
    // In place.
    let (bytes, version) = other_version("relay", "in-place");
    fs::write(&file, bytes).unwrap();
    served_by(&gateway, &version).await;
    // The old one becomes a backup, a new one is written, the backup goes.
    let (bytes, version) = other_version("relay", "backed-up");
    fs::rename(&file, &backup).unwrap();
    fs::write(&file, bytes).unwrap();
    fs::remove_file(backup).unwrap();
    served_by(&gateway, &version).await;
    // A link takes its place.
    let (bytes, version) = other_version("relay", "linked");
    fs::write(gateway.folder().join("elsewhere.wasm"), bytes).unwrap();
    turn(&file, "../elsewhere.wasm");
    served_by(&gateway, &version).await;
    traffic.finish().await;
}

#[tokio::test]
async fn a_component_that_is_written_slowly_serves_when_it_is_whole() {
    /// Longer than the gateway waits for a file to rest.
    const PAUSE: Duration = Duration::from_millis(170);
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let traffic = Traffic::start(&gateway.client(), &hello());
    let old = gateway.plugin("relay").await["serving"].clone();
    let (bytes, version) = other_version("relay", "slowly");
    let file = gateway.plugins_folder().join("relay.wasm");
    for quarter in 1..4 {
        fs::write(&file, &bytes[..bytes.len() * quarter / 4]).unwrap();
        sleep(PAUSE).await;
        assert_eq!(gateway.plugin("relay").await["serving"], old);
    }
    fs::write(&file, &bytes).unwrap();
    served_by(&gateway, &version).await;
    assert_eq!(gateway.plugin("relay").await["problem"], Value::Null);
    traffic.finish().await;
}

#[tokio::test]
async fn a_file_that_comes_and_goes_at_once_leaves_nothing_behind() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let (bytes, _) = other_version("relay", "fleeting");
    for turn in 0..40 {
        let file = format!("fleeting-{turn}.wasm");
        gateway.write_plugin(&file, &bytes);
        if turn % 2 == 0 {
            tokio::task::yield_now().await;
        } else {
            // Long enough to be noticed, too short to be loaded.
            sleep(Duration::from_millis(turn * 5)).await;
        }
        gateway.remove_plugin(&file);
    }
    gateway.admin().post("/admin/reload", "").await;
    eventually("only the relay is left", async || {
        let listed = gateway.admin().get("/admin/plugins").await.json();
        (listed["plugins"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    assert_eq!(gateway.plugin("relay").await["state"], "serving");
    assert_eq!(gateway.metric("patchbay_reload_failures_total", &[]).await, 0.0);
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
}

#[tokio::test]
async fn the_same_content_again_is_nothing_new() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let config = fs::read_to_string(gateway.folder().join("patchbay.toml")).unwrap();
    for _ in 0..3 {
        gateway.write_plugin("relay.wasm", &component("relay"));
        gateway.write_config(&config);
        let reloaded = gateway.admin().post("/admin/reload", "").await.json();
        assert_eq!(
            (&reloaded["changed"], &reloaded["generation"]),
            (&json!(false), &json!(1))
        );
    }
    // Whatever was still to be noticed comes before this.
    replace_relay(&gateway, "2.0.0").await;
    assert_eq!(gateway.metric("patchbay_generation", &[]).await, 2.0);
}

#[tokio::test]
async fn a_named_plugin_without_its_file_is_kept_and_reported_once() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let serving = gateway.plugin("relay").await["serving"].clone();
    gateway.remove_plugin("relay.wasm");
    let kept = gateway
        .plugin_until("relay", |plugin| plugin["state"] == "kept")
        .await;
    assert_eq!(
        (&kept["serving"], &kept["problem"]),
        (
            &serving,
            &json!("its file is gone; the configuration still names it, so it is kept")
        )
    );
    for _ in 0..5 {
        let reloaded = gateway.admin().post("/admin/reload", "").await.json();
        assert_eq!(
            (&reloaded["changed"], &reloaded["generation"]),
            (&json!(false), &json!(2))
        );
    }
    let failures = [("part", "relay")];
    assert_eq!(
        gateway.metric("patchbay_reload_failures_total", &failures).await,
        1.0
    );
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    // Its old content comes back as if it had never been away.
    gateway.write_plugin("relay.wasm", &component("relay"));
    gateway
        .plugin_until("relay", |plugin| plugin["state"] == "serving")
        .await;
}
