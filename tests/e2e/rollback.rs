//! New versions of plugins that turn out to be bad: kept out if that shows before they serve, taken back if it shows
//! afterwards.

use std::time::Duration;

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Gateway, SERVER, component, other_version};
use serde_json::{Value, json};

use crate::setup::{
    hello, relayed, replace_relay, say, serving_version, simulator, status, streamed, vendor, vendors,
};

/// What a bad version of the relay is bad at.
fn unlucky() -> Value {
    say("an unlucky request")
}

/// A gateway like [`relayed`] with other rules for going back.
async fn with_rules(simulator: &Simulator, rules: &str) -> Gateway {
    let relay = vendor(simulator, "sim").replace("\"openai\"", "\"relay\"");
    let config = format!("{SERVER}[plugins.rollback]\n{rules}\n{relay}models = [\"m\"]\n");
    Gateway::start(&["relay"], &config).await
}

async fn rollbacks(gateway: &Gateway, plugin: &str) -> f64 {
    let labels = [("plugin", plugin)];
    gateway.metric("patchbay_plugin_rollbacks_total", &labels).await
}

/// Three calls trap, and the caller of each is told so.
async fn three_traps(gateway: &Gateway) {
    for _ in 0..3 {
        let answer = gateway.client().chat(&unlucky()).await;
        assert_eq!(
            (answer.status, answer.error().code.as_deref()),
            (502, Some("plugin_error"))
        );
    }
}

#[tokio::test]
async fn a_version_that_traps_three_times_is_taken_back() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let old = gateway.client().chat(&hello()).await.json()["stamp"].clone();
    let bad = replace_relay(&gateway, "bad-traps").await;
    assert_eq!(gateway.client().chat(&hello()).await.json()["stamp"], bad);
    three_traps(&gateway).await;

    let plugin = gateway
        .plugin_until("relay", |plugin| plugin["state"] == "rolled back")
        .await;
    let old = old.as_str().unwrap();
    let why = format!(
        "relay@{bad} was taken back, relay@{old} serves again: 3 failed calls within 60 s of each other; change the \
         file to try again"
    );
    assert_eq!(
        (&plugin["serving"], &plugin["problem"]),
        (&json!(format!("relay@{old}")), &json!(why))
    );
    assert_ne!(plugin["sha256"], plugin["serving_sha256"]);
    assert_eq!(rollbacks(&gateway, "relay").await, 1.0);
    let told = gateway
        .logged("it was taken back", |line| line["message"] == why)
        .await;
    assert_eq!(
        (&told["level"], &told["plugin"]),
        (&json!("ERROR"), &json!("relay"))
    );
    assert_eq!(gateway.client().chat(&unlucky()).await.json()["stamp"], old);

    // Looking again, or writing the same again, does not try it again.
    gateway.write_plugin("relay.wasm", &other_version("relay", "bad-traps").0);
    let reloaded = gateway.admin().post("/admin/reload", "").await.json();
    assert_eq!(
        (&reloaded["changed"], &reloaded["plugin_problems"]),
        (&json!(false), &json!([["relay", why]]))
    );
    assert_eq!(gateway.client().chat(&unlucky()).await.json()["stamp"], old);
    // Another version does.
    let third = replace_relay(&gateway, "3.0.0").await;
    assert_eq!(gateway.client().chat(&unlucky()).await.json()["stamp"], third);
    let plugin = gateway.plugin("relay").await;
    assert_eq!(
        (&plugin["state"], &plugin["problem"]),
        (&json!("serving"), &Value::Null)
    );
    assert_eq!(rollbacks(&gateway, "relay").await, 1.0);
}

#[tokio::test]
async fn streams_outlive_a_version_that_is_taken_back() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    simulator.add(Rule::always().tokens(40).interval(Duration::from_millis(50)));
    let mut streams = Vec::new();
    for bad in [false, true] {
        if bad {
            replace_relay(&gateway, "bad-traps").await;
        }
        let mut stream = gateway.client().stream(&streamed(hello())).await;
        let first: Value = serde_json::from_str(&stream.next().await.unwrap().data).unwrap();
        streams.push((first["stamp"].clone(), stream));
    }
    three_traps(&gateway).await;
    gateway
        .plugin_until("relay", |plugin| plugin["state"] == "rolled back")
        .await;
    assert_ne!(streams[0].0, streams[1].0);
    for (version, stream) in streams {
        let rest = stream.to_end().await;
        let last = rest.chunks().pop().unwrap();
        assert!(rest.is_done() && rest.clean, "{version}");
        assert_eq!(last["stamp"], version);
    }
}

#[tokio::test]
async fn a_version_whose_attempts_fail_is_taken_back() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    for _ in 0..20 {
        assert_eq!(gateway.client().chat(&unlucky()).await.status, 200);
    }
    replace_relay(&gateway, "bad-fails").await;
    // 17 of 50.
    for attempt in 0..50 {
        assert_eq!(rollbacks(&gateway, "relay").await, 0.0, "after {attempt}");
        let (request, expected) = if attempt % 3 == 0 {
            (unlucky(), 502)
        } else {
            (hello(), 200)
        };
        assert_eq!(gateway.client().chat(&request).await.status, expected);
    }
    let plugin = gateway
        .plugin_until("relay", |plugin| plugin["state"] == "rolled back")
        .await;
    let why = "34 % of its first 50 attempts failed, 0 % before the swap";
    assert!(plugin["problem"].as_str().unwrap().contains(why), "{plugin}");
    assert_eq!(rollbacks(&gateway, "relay").await, 1.0);
    assert_eq!(gateway.client().chat(&unlucky()).await.status, 200);
}

#[tokio::test]
async fn failures_that_were_there_before_are_not_the_new_versions() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let sixty = async || {
        for attempt in 0..60 {
            let vendor = if attempt % 3 == 0 {
                vec![status("sim", 500)]
            } else {
                Vec::new()
            };
            simulator.set_rules(vendor);
            let expected = if attempt % 3 == 0 { 502 } else { 200 };
            assert_eq!(gateway.client().chat(&hello()).await.status, expected);
        }
    };
    sixty().await;
    let version = replace_relay(&gateway, "2.0.0").await;
    sixty().await;
    // A verdict would be carried out now.
    gateway.admin().post("/admin/reload", "").await;
    let plugin = gateway.plugin("relay").await;
    assert_eq!(
        (&plugin["state"], &plugin["serving"]),
        (&json!("serving"), &json!(format!("relay@{version}")))
    );
    assert_eq!(rollbacks(&gateway, "relay").await, 0.0);
}

#[tokio::test]
async fn nothing_is_taken_back_where_that_is_not_wanted() {
    let simulator = simulator().await;
    let gateway = with_rules(&simulator, "traps = 0\nattempts = 0").await;
    for bad in ["bad-traps", "bad-fails"] {
        let bad = replace_relay(&gateway, bad).await;
        for _ in 0..60 {
            assert_eq!(gateway.client().chat(&unlucky()).await.status, 502);
        }
        gateway.admin().post("/admin/reload", "").await;
        let plugin = gateway.plugin("relay").await;
        assert_eq!(
            (&plugin["state"], &plugin["serving"]),
            (&json!("serving"), &json!(format!("relay@{bad}")))
        );
    }
    assert_eq!(rollbacks(&gateway, "relay").await, 0.0);
}

#[tokio::test]
async fn a_bad_version_is_taken_back_although_its_file_is_gone() {
    let simulator = simulator().await;
    let gateway = relayed(&simulator).await;
    let old = gateway.plugin("relay").await["serving"].clone();
    replace_relay(&gateway, "bad-traps").await;
    gateway.remove_plugin("relay.wasm");
    gateway
        .plugin_until("relay", |plugin| plugin["state"] == "kept")
        .await;
    three_traps(&gateway).await;
    gateway
        .plugin_until("relay", |plugin| plugin["serving"] == old)
        .await;
    assert_eq!(gateway.client().chat(&unlucky()).await.status, 200);
    assert_eq!(rollbacks(&gateway, "relay").await, 1.0);
}

/// A gateway whose model `m` is served by two vendors, of which `wayward` chooses one.
async fn ranked(simulator: &Simulator) -> Gateway {
    let config = vendors(simulator, &["one", "two"]) + "strategy = \"wayward\"\n";
    Gateway::start(&["openai", "wayward"], &config).await
}

async fn strategy(gateway: &Gateway) -> String {
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!(answer.status, 200);
    answer.header("x-patchbay-strategy").to_owned()
}

#[tokio::test]
async fn a_strategy_is_taken_back_as_well_and_no_request_fails() {
    let simulator = simulator().await;
    let gateway = ranked(&simulator).await;
    let old = strategy(&gateway).await;
    let (bytes, bad) = other_version("wayward", "bad-traps");
    gateway.write_plugin("wayward.wasm", &bytes);
    gateway
        .plugin_until("wayward", |plugin| plugin["serving"] == format!("wayward@{bad}"))
        .await;
    for _ in 0..3 {
        assert_eq!(strategy(&gateway).await, "built-in");
    }
    let plugin = gateway
        .plugin_until("wayward", |plugin| plugin["state"] == "rolled back")
        .await;
    assert_eq!(plugin["serving"], old);
    assert_eq!(rollbacks(&gateway, "wayward").await, 1.0);
    assert_eq!(strategy(&gateway).await, old);
}

#[tokio::test]
async fn a_version_that_cannot_serve_is_kept_out() {
    let simulator = simulator().await;
    let config = vendors(&simulator, &["one", "two"]).replace("\"openai\"", "\"relay\"");
    let gateway = Gateway::start(&["relay", "wayward"], &(config + "strategy = \"wayward\"\n")).await;
    for (plugin, version, why) in [
        ("relay", "bad-trial", "its trial went wrong"),
        (
            "relay",
            "bad-settings",
            "settings and plugin have to change together",
        ),
        ("wayward", "bad-trial", "its trial went wrong"),
    ] {
        let serving = gateway.plugin(plugin).await["serving"].clone();
        gateway.write_plugin(&format!("{plugin}.wasm"), &other_version(plugin, version).0);
        let says_why = |plugin: &Value| {
            plugin["problem"]
                .as_str()
                .is_some_and(|problem| problem.contains(why))
        };
        let kept = gateway.plugin_until(plugin, says_why).await;
        assert_eq!(
            (&kept["state"], &kept["serving"]),
            (&json!("kept"), &serving),
            "{version}"
        );
        assert_eq!(gateway.client().chat(&hello()).await.status, 200, "{version}");
        gateway.write_plugin(&format!("{plugin}.wasm"), &component(plugin));
        gateway
            .plugin_until(plugin, |plugin| plugin["state"] == "serving")
            .await;
    }
    assert_eq!(gateway.metric("patchbay_plugin_failures_total", &[]).await, 0.0);
    // Settings and plugin together.
    let with_region = "settings = { region = \"north\" }\n";
    let config = vendor(&simulator, "one").replace("\"openai\"", "\"relay\"");
    gateway.write_config(&format!("{SERVER}{config}{with_region}models = [\"m\"]\n"));
    let (bytes, version) = other_version("relay", "bad-settings");
    gateway.write_plugin("relay.wasm", &bytes);
    serving_version(&gateway, &version).await;
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
}
