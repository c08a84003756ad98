//! The configuration changes under a running gateway.

use std::fs::{self, File};
use std::io::Write;
use std::time::Duration;

use patchbay_tests::{Gateway, KEY, SERVER, eventually};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::setup::{asked, hello, relayed, simulator, vendor, vendors, with};
use crate::traffic::Traffic;

#[tokio::test]
async fn an_edited_configuration_is_taken_at_once() {
    let simulator = simulator().await;
    let config = format!("{SERVER}{}models = [\"m\"]\n", vendor(&simulator, "sim"));
    let gateway = Gateway::start(&["openai"], &config).await;
    let request = with(hello(), json!({"model": "new"}));
    assert_eq!(gateway.client().chat(&request).await.status, 404);
    let added = format!("{config}{}models = [\"new\"]\n", vendor(&simulator, "another"));
    gateway.write_config(&added.replace(KEY, "changed-key"));
    let client = gateway.client_with("changed-key");
    eventually("the new key works", async || {
        (client.get("/v1/models").await.status == 200).then_some(())
    })
    .await;
    let answer = client.chat(&request).await;
    assert_eq!(
        (answer.status, answer.header("x-patchbay-vendor")),
        (200, "another")
    );
    assert_eq!(
        gateway.client().chat(&hello()).await.status,
        401,
        "the old key still works"
    );
}

#[tokio::test]
async fn a_broken_configuration_keeps_the_old_one_and_names_the_line() {
    let simulator = simulator().await;
    let config = format!("{SERVER}{}models = [\"m\"]\n", vendor(&simulator, "sim"));
    let gateway = Gateway::start(&["openai"], &config).await;
    for (broken, place) in [
        (config.replace("base_url", "base_ulr"), "base_ulr"),
        (
            format!("{config}[models.m]\ntargets = [\"sim/none\"]\n"),
            "sim/none",
        ),
        (format!("{config}this is not TOML\n"), "this is not TOML"),
    ] {
        gateway.write_config(&broken);
        let line = broken.lines().position(|line| line.contains(place)).unwrap() + 1;
        gateway.logged_text(&format!("patchbay.toml:{line}:")).await;
        let reloaded = gateway.admin().post("/admin/reload", "").await.json();
        let problem = reloaded["config_problem"].as_str().unwrap();
        assert!(problem.contains(&format!("patchbay.toml:{line}:")), "{problem}");
        assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    }
    assert_eq!(
        gateway
            .metric("patchbay_reload_failures_total", &[("part", "configuration")])
            .await,
        3.0
    );
    assert_eq!(gateway.metric("patchbay_generation", &[]).await, 1.0);
    gateway.write_config(&config.replace("\"m\"", "\"mended\""));
    let mended = with(hello(), json!({"model": "mended"}));
    eventually("the mended configuration serves", async || {
        (gateway.client().chat(&mended).await.status == 200).then_some(())
    })
    .await;
    let reloaded = gateway.admin().post("/admin/reload", "").await.json();
    assert_eq!(reloaded["config_problem"], Value::Null);
}

#[tokio::test]
async fn new_limits_hold_for_plugins_that_are_loaded_already() {
    let simulator = simulator().await;
    let hostile = vendor(&simulator, "sim").replace("\"openai\"", "\"hostile\"");
    let config =
        |call: &str| format!("{SERVER}[plugins.limits]\ncall = \"{call}\"\n{hostile}models = [\"m\"]\n");
    let gateway = Gateway::start(&["hostile"], &config("200ms")).await;
    let mut request = hello();
    request["messages"][0]["content"] = json!({"do": "loop"}).to_string().into();
    for call in ["200ms", "70ms"] {
        gateway.write_config(&config(call));
        let millis = call.trim_end_matches("ms");
        let text = format!("longer than the limit of {millis} ms");
        eventually(&text, async || {
            assert_eq!(gateway.client().chat(&request).await.status, 502);
            gateway
                .log()
                .iter()
                .any(|line| line.to_string().contains(&text))
                .then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn turns_go_on_over_a_reload() {
    let simulator = simulator().await;
    let config = vendors(&simulator, &["one", "two", "three"]) + "strategy = \"round-robin\"\n";
    let gateway = Gateway::start(&["openai", "round-robin"], &config).await;
    gateway.client().chat(&hello()).await;
    gateway.write_config(&format!("attempts = 2\n{config}"));
    gateway.metric_until("patchbay_generation", &[], 2.0).await;
    gateway.client().chat(&hello()).await;
    gateway.client().chat(&hello()).await;
    assert_eq!(asked(&simulator), ["one", "two", "three"]);
}

#[tokio::test]
async fn a_configuration_that_is_cut_off_is_reported_and_not_used() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let file = gateway.folder().join("patchbay.toml");
    let config = fs::read_to_string(&file).unwrap();
    let more = format!("{config}[models.n]\ntargets = [\"late/m\"]\n");
    let late = format!("{}models = [\"m\"]\n", vendor(&simulator, "late")).replace("\"openai\"", "\"relay\"");
    let traffic = Traffic::start(&gateway.client(), &hello());
    // TOML up to here, but no configuration: the vendor of the new model is still to come.
    fs::write(&file, &more).unwrap();
    gateway.logged_text("unknown vendor \\\"late\\\"").await;
    assert_eq!(gateway.metric("patchbay_generation", &[]).await, 1.0);
    File::options()
        .append(true)
        .open(&file)
        .unwrap()
        .write_all(late.as_bytes())
        .unwrap();
    let request = with(hello(), json!({"model": "n"}));
    eventually("the rest is taken as well", async || {
        (gateway.client().chat(&request).await.status == 200).then_some(())
    })
    .await;
    traffic.finish().await;
}

#[tokio::test]
async fn a_configuration_that_is_being_written_is_not_taken_before_its_end() {
    /// Shorter than any writer's rest, and together longer than the gateway waits for quiet.
    const PAUSE: Duration = Duration::from_millis(10);
    const PIECES: usize = 100;
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let path = gateway.folder().join("patchbay.toml");
    let config = fs::read_to_string(&path).unwrap();
    let traffic = Traffic::start(&gateway.client(), &hello());
    // Without its vendors, which come last, it is a whole configuration that serves nobody.
    let (first, last) = config.split_once("[vendors").unwrap();
    let mut file = File::create(&path).unwrap();
    file.write_all(first.as_bytes()).unwrap();
    for piece in 0..PIECES {
        writeln!(file, "# line {piece}").unwrap();
        sleep(PAUSE).await;
    }
    write!(file, "[vendors{}", last.replace("[\"m\"]", "[\"m\", \"n\"]")).unwrap();
    drop(file);
    let request = with(hello(), json!({"model": "n"}));
    eventually("the whole is taken", async || {
        (gateway.client().chat(&request).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(gateway.metric("patchbay_generation", &[]).await, 2.0);
    traffic.finish().await;
}
