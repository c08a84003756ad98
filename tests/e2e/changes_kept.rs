//! What was set at run time and outlives the process: over a kill, over edits of the file, over a lost key; and what of
//! it lies readable anywhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use http::StatusCode;
use patchbay_simulator::Rule;
use patchbay_tests::{Gateway, MARK, eventually};
use serde_json::{Value, json};

use crate::changes::{accounts, config, gateway, key, put, try_put, unset};
use crate::setup::{hello, simulator};

/// The name of an account at the simulator.
const SECOND: &str = "sk-hunter2-of-second";

/// The change at this path, as `/admin/config` lists it.
async fn change(gateway: &Gateway, path: &str) -> Value {
    let shown = gateway.admin().get("/admin/config").await.json();
    let changes = shown["changes"].as_array().unwrap();
    changes
        .iter()
        .find(|change| change["path"] == path)
        .cloned()
        .unwrap_or_default()
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn what_was_answered_for_survives_a_kill_and_lies_nowhere_readable() {
    let simulator = simulator().await;
    let mut gateway = gateway(&simulator).await;
    put(
        &gateway,
        "vendors.sim.accounts.second",
        json!({ "api_key": key(SECOND) }),
    )
    .await;
    put(&gateway, "vendors.sim.accounts.first.enabled", json!(false)).await;
    put(&gateway, "default_model", json!("other")).await;
    gateway.restart(|_| {}).await;
    assert_eq!(accounts(&gateway, &simulator, 2).await, [SECOND; 2]);
    assert_eq!(change(&gateway, "default_model").await["value"], "other");
    put(
        &gateway,
        "vendors.sim.accounts.second.api_key",
        json!(key("sk-hunter2-rotated")),
    )
    .await;
    let several = try_put(
        &gateway,
        "vendors.sim.accounts.second.wieght",
        json!({"value": 1}),
    )
    .await;
    assert_eq!(several.status, 422);
    gateway.restart(|_| {}).await;
    assert_eq!(accounts(&gateway, &simulator, 1).await, ["sk-hunter2-rotated"]);

    let mut seen = 0;
    for (name, bytes) in files(gateway.folder()) {
        assert!(!holds(&bytes, "hunter2"), "{name}");
        seen += usize::from(name.starts_with("patchbay.db"));
    }
    assert!(seen >= 2, "no database was looked at");
    assert!(
        files(gateway.folder())
            .iter()
            .any(|(_, bytes)| holds(bytes, "default_model"))
    );
    let mode = fs::metadata(gateway.folder().join("patchbay.db.key")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    for path in ["/admin/config", "/debug/config", "/metrics", "/admin/plugins"] {
        let text = gateway.admin().get(path).await.text();
        assert!(!text.contains("hunter2"), "{path}: {text}");
    }
    let log = format!("{:?}", gateway.log());
    assert!(!log.contains("hunter2"), "{log}");
    assert_eq!(
        change(&gateway, "vendors.sim.accounts.second.api_key").await["value"],
        "***able"
    );

    assert_eq!(
        unset(&gateway, "vendors.sim.accounts.first.enabled").await.status,
        200
    );
    assert_eq!(unset(&gateway, "vendors.sim.accounts.second").await.status, 200);
    gateway.restart(|_| {}).await;
    assert_eq!(accounts(&gateway, &simulator, 1).await, ["the-key-of-first"]);
}

#[tokio::test]
async fn what_is_known_of_a_key_set_at_run_time_is_known_after_a_restart() {
    let simulator = simulator().await;
    let mut gateway = gateway(&simulator).await;
    put(
        &gateway,
        "vendors.sim.accounts.first.api_key",
        json!(key("revoked-soon")),
    )
    .await;
    assert_eq!(accounts(&gateway, &simulator, 1).await, ["revoked-soon"]);
    let refused = Rule::always().status(StatusCode::UNAUTHORIZED);
    simulator.set_rules(vec![refused]);
    assert_ne!(gateway.client().chat(&hello()).await.status, 200);
    simulator.set_rules(vec![]);
    let asked = simulator.requests().len();
    gateway.restart(|_| {}).await;
    assert_ne!(gateway.client().chat(&hello()).await.status, 200);
    assert_eq!(
        simulator.requests().len(),
        asked,
        "a key that was refused was asked again"
    );
}

#[tokio::test]
async fn a_file_that_changes_sets_aside_what_fits_no_more_until_it_fits_again() {
    let simulator = simulator().await;
    let mut gateway = gateway(&simulator).await;
    put(&gateway, "vendors.sim.accounts.first.weight", json!(4)).await;
    put(&gateway, "default_model", json!("m")).await;
    let with = config(&simulator);
    let without = with.replace("name = \"first\"", "name = \"renamed\"");
    let in_effect = async |gateway: &Gateway, expected: bool| {
        eventually(&format!("in effect: {expected}"), async || {
            let change = change(gateway, "vendors.sim.accounts.first.weight").await;
            (change["in_effect"] == expected).then_some(change)
        })
        .await
    };
    gateway.write_config(&without);
    let aside = in_effect(&gateway, false).await;
    let why = aside["why"].as_str().unwrap();
    assert!(why.contains("vendor \"sim\" has no account \"first\""), "{why}");
    assert!(
        gateway
            .notices()
            .await
            .contains("set at run time and set aside: vendors.sim.accounts.first.weight")
    );
    assert_eq!(change(&gateway, "default_model").await["in_effect"], true);
    assert_eq!(
        accounts(&gateway, &simulator, 1).await,
        ["the-key-of-first"],
        "the rest serves"
    );
    // Nor is a start hindered.
    gateway.restart(|_| {}).await;
    in_effect(&gateway, false).await;
    gateway.logged_text("set at run time and set aside").await;
    // Another change does not mind it, and it can be forgotten where it lies.
    put(&gateway, "vendors.sim.accounts.renamed.weight", json!(2)).await;
    gateway.write_config(&with);
    let back = in_effect(&gateway, true).await;
    assert_eq!((&back["value"], &back["in_file"]), (&json!(4), &Value::Null));
    gateway.write_config(&without);
    in_effect(&gateway, false).await;
    assert_eq!(
        unset(&gateway, "vendors.sim.accounts.first.weight").await.status,
        200
    );
    assert_eq!(
        change(&gateway, "vendors.sim.accounts.first.weight").await,
        Value::Null
    );
    assert_eq!(gateway.notices().await, "[]");
}

#[tokio::test]
async fn a_file_that_is_broken_meanwhile_hinders_no_change() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    gateway.write_config("[server\n");
    gateway.logged_text("patchbay.toml:1").await;
    put(
        &gateway,
        "vendors.sim.accounts.first.api_key",
        json!(key("rotated-all-the-same")),
    )
    .await;
    assert_eq!(accounts(&gateway, &simulator, 1).await, ["rotated-all-the-same"]);
    gateway.write_config(&config(&simulator).replace("[models.m]", "[models.n]"));
    eventually("the file is read again", async || {
        let answer = gateway.admin().get("/admin/config").await.json();
        answer["config"]["models"]["n"].is_object().then_some(())
    })
    .await;
    let answer = change(&gateway, "vendors.sim.accounts.first.api_key").await;
    assert_eq!(answer["in_effect"], true);
}

#[tokio::test]
async fn without_its_key_a_credential_is_set_aside_and_the_gateway_starts() {
    let simulator = simulator().await;
    let mut gateway = gateway(&simulator).await;
    let path = "vendors.sim.accounts.second";
    put(&gateway, path, json!({ "api_key": key(SECOND) })).await;
    put(&gateway, "default_model", json!("m")).await;
    let kept = fs::read(gateway.folder().join("patchbay.db.key")).unwrap();
    gateway
        .restart(|folder| fs::remove_file(folder.join("patchbay.db.key")).unwrap())
        .await;
    assert_eq!(accounts(&gateway, &simulator, 2).await, ["the-key-of-first"; 2]);
    let lost = change(&gateway, path).await;
    assert_eq!(
        (&lost["in_effect"], &lost["value"]),
        (&json!(false), &Value::Null)
    );
    let why = lost["why"].as_str().unwrap();
    assert!(why.contains("patchbay.db.key is not there; put it back"), "{why}");
    assert_eq!(change(&gateway, "default_model").await["in_effect"], true);
    assert!(gateway.notices().await.contains(path));

    // The key comes back, and with it the account.
    gateway
        .restart(|folder| fs::write(folder.join("patchbay.db.key"), kept).unwrap())
        .await;
    assert_eq!(change(&gateway, path).await["in_effect"], true);

    // A key of the operator's own: what was sealed before cannot be read, and can be set anew.
    let own = config(&simulator) + &format!("[storage]\nkey = \"a-phrase-of-the-operator.{MARK}\"\n");
    gateway
        .restart(|folder| fs::write(folder.join("patchbay.toml"), &own).unwrap())
        .await;
    let why = change(&gateway, path).await["why"].to_string();
    assert!(why.contains("not sealed with the present storage.key"), "{why}");
    put(&gateway, path, json!({ "api_key": key(SECOND) })).await;
    put(&gateway, "vendors.sim.accounts.first.enabled", json!(false)).await;
    gateway.restart(|_| {}).await;
    assert_eq!(accounts(&gateway, &simulator, 1).await, [SECOND]);
    let shown = gateway.admin().get("/admin/config").await.text();
    assert!(!shown.contains("a-phrase-of"), "{shown}");
}

#[tokio::test]
async fn without_a_database_changes_hold_until_the_end_and_say_so() {
    let simulator = simulator().await;
    let off = config(&simulator) + "[storage]\npath = \"off\"\n";
    let mut gateway = Gateway::start(&["openai"], &off).await;
    let changed = put(&gateway, "vendors.sim.accounts.first.api_key", json!(key(SECOND))).await;
    assert_eq!(changed["kept"], false);
    assert_eq!(accounts(&gateway, &simulator, 1).await, [SECOND]);
    assert!(
        !files(gateway.folder())
            .iter()
            .any(|(name, _)| name.contains("db"))
    );
    gateway.restart(|_| {}).await;
    assert_eq!(accounts(&gateway, &simulator, 1).await, ["the-key-of-first"]);
}
