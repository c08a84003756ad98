//! Accounts, models and settings changed through the admin API: in effect when it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use http::{Method, StatusCode};
use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Answer, Gateway, LISTEN, MARK};
use serde_json::{Value, json};

use crate::setup::{hello, simulator, streamed, vendor, with};

/// Vendor `sim` with the account `first`, and the models `m` and `other`.
pub(crate) fn config(simulator: &Simulator) -> String {
    let vendor = vendor(simulator, "sim").replace(&format!("api_key = \"sim-key.{MARK}\"\n"), "");
    format!(
        "{LISTEN}[health]\nprobe = \"off\"\n{vendor}models = [\"m\", {{ name = \"other\", max_output_tokens = 50 }}]\n\
         [[vendors.sim.accounts]]\nname = \"first\"\napi_key = \"the-key-of-first.{MARK}\"\n\
         [models.m]\ntargets = [\"sim/m\"]\n"
    )
}

pub(crate) async fn gateway(simulator: &Simulator) -> Gateway {
    Gateway::start(&["openai", "priority", "round-robin"], &config(simulator)).await
}

/// A credential that must not be seen anywhere, of the account that the simulator knows by this name.
pub(crate) fn key(account: &str) -> String {
    format!("{account}.{MARK}")
}

/// Changes one setting, which must work.
pub(crate) async fn put(gateway: &Gateway, path: &str, value: Value) -> Value {
    let answer = try_put(gateway, path, json!({ "value": value })).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

pub(crate) async fn try_put(gateway: &Gateway, path: &str, body: Value) -> Answer {
    send(gateway, Method::PUT, path, &body.to_string()).await
}

pub(crate) async fn unset(gateway: &Gateway, path: &str) -> Answer {
    send(gateway, Method::DELETE, path, "").await
}

async fn send(gateway: &Gateway, method: Method, path: &str, body: &str) -> Answer {
    let path = format!("/admin/config/{}", path.replace('"', "%22").replace('/', "%2F"));
    let sent = gateway.admin().send(method, &path, body.to_owned().into()).await;
    sent.whole().await
}

/// The accounts (by their keys) that so many requests went to.
pub(crate) async fn accounts(gateway: &Gateway, simulator: &Simulator, requests: usize) -> Vec<String> {
    let before = simulator.requests().len();
    for _ in 0..requests {
        let answer = gateway.client().chat(&hello()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    simulator.requests()[before..]
        .iter()
        .map(|request| request.account.clone())
        .collect()
}

#[tokio::test]
async fn an_account_is_added_weighted_disabled_enabled_rotated_and_removed() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    assert_eq!(accounts(&gateway, &simulator, 2).await, ["the-key-of-first"; 2]);
    let account = "vendors.sim.accounts.second";
    let changed = put(
        &gateway,
        account,
        json!({"api_key": key("the-key-of-second"), "priority": -1}),
    )
    .await;
    assert_eq!(
        (&changed["kept"], &changed["generation"]),
        (&json!(true), &json!(2))
    );
    put(&gateway, "models.m.strategy", json!("priority")).await;
    // In effect for the very next request.
    assert_eq!(accounts(&gateway, &simulator, 2).await, ["the-key-of-second"; 2]);
    put(&gateway, "vendors.sim.accounts.second.priority", json!(1)).await;
    assert_eq!(accounts(&gateway, &simulator, 2).await, ["the-key-of-first"; 2]);
    put(&gateway, "vendors.sim.accounts.first.enabled", json!(false)).await;
    assert_eq!(accounts(&gateway, &simulator, 2).await, ["the-key-of-second"; 2]);
    put(
        &gateway,
        "vendors.sim.accounts.second.api_key",
        json!(key("another-key-$of-second")),
    )
    .await;
    assert_eq!(
        accounts(&gateway, &simulator, 2).await,
        ["another-key-$of-second"; 2]
    );
    assert_eq!(
        unset(&gateway, "vendors.sim.accounts.first.enabled").await.status,
        200
    );
    assert_eq!(accounts(&gateway, &simulator, 2).await, ["the-key-of-first"; 2]);
    let removed = try_put(&gateway, account, json!({"removed": true})).await;
    assert_eq!(removed.status, 200, "{}", removed.text());
    put(&gateway, "vendors.sim.accounts.first.weight", json!(0.5)).await;
    assert_eq!(accounts(&gateway, &simulator, 2).await, ["the-key-of-first"; 2]);
    // It was never in the file, so nothing is left to say of it.
    let shown = gateway.admin().get("/admin/config").await.text();
    assert!(!shown.contains("second"), "{shown}");
}

#[tokio::test]
async fn whoever_is_under_way_finishes_with_an_account_that_is_removed() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    put(
        &gateway,
        "vendors.sim.accounts.second",
        json!({"api_key": key("second")}),
    )
    .await;
    let removed = json!({"removed": true});
    let slow = Rule::always()
        .tokens(20)
        .interval(std::time::Duration::from_millis(40));
    simulator.set_rules(vec![slow]);
    let stream = gateway.client().stream(&streamed(hello())).await;
    let answer = try_put(&gateway, "vendors.sim.accounts.first", removed).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let streamed = stream.to_end().await;
    assert!(streamed.is_done(), "{:?}", streamed.error());
    let last = simulator.requests().last().unwrap().clone();
    assert_eq!(last.account, "the-key-of-first");
    simulator.set_rules(vec![]);
    assert_eq!(accounts(&gateway, &simulator, 2).await, ["second"; 2]);
    gateway.metric_until("patchbay_in_flight", &[], 0.0).await;
    // It stands in the file, so it comes back when that is asked for.
    assert_eq!(unset(&gateway, "vendors.sim.accounts.first").await.status, 200);
    let removed = json!({"removed": true});
    let answer = try_put(&gateway, "vendors.sim.accounts.second", removed).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(accounts(&gateway, &simulator, 1).await, ["the-key-of-first"]);
}

#[tokio::test]
async fn requests_that_name_no_model_get_the_default_one() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    let mut nameless = hello();
    nameless.as_object_mut().unwrap().remove("model");
    let refused = gateway.client().chat(&nameless).await;
    assert_eq!(
        (refused.status, refused.error().param.as_deref()),
        (400, Some("model"))
    );
    for model in ["m", "other"] {
        put(&gateway, "default_model", json!(model)).await;
        for request in [&nameless, &with(hello(), json!({"model": "default"}))] {
            let answer = gateway.client().chat(request).await;
            assert_eq!((answer.status, answer.header("x-patchbay-model")), (200, model));
        }
    }
    assert_eq!(unset(&gateway, "default_model").await.status, 200);
    assert_eq!(gateway.client().chat(&nameless).await.status, 400);
    let unknown = gateway
        .client()
        .chat(&with(hello(), json!({"model": "default"})))
        .await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn models_are_added_bounded_and_removed() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    let asked = |model: &str, most: u32| with(hello(), json!({"model": model, "max_tokens": most}));
    let path = "vendors.sim.models.\"org/new-4.1\"";
    assert_eq!(gateway.client().chat(&asked("org/new-4.1", 1)).await.status, 404);
    put(&gateway, path, json!({"parameters": {"seed": 7}})).await;
    let answer = gateway.client().chat(&asked("org/new-4.1", 90)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = |simulator: &Simulator| simulator.requests().last().unwrap().body.clone();
    assert_eq!(
        (&sent(&simulator)["max_tokens"], &sent(&simulator)["seed"]),
        (&json!(90), &json!(7))
    );
    put(&gateway, &format!("{path}.max_output_tokens"), json!(60)).await;
    gateway.client().chat(&asked("org/new-4.1", 90)).await;
    assert_eq!(sent(&simulator)["max_tokens"], 60);
    gateway.client().chat(&asked("other", 90)).await;
    assert_eq!(sent(&simulator)["max_tokens"], 50, "the file's bound");
    let removed = try_put(&gateway, path, json!({"removed": true})).await;
    assert_eq!(removed.status, 200, "{}", removed.text());
    assert_eq!(gateway.client().chat(&asked("org/new-4.1", 1)).await.status, 404);
}

#[tokio::test]
async fn strategies_and_their_settings_are_switched() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    put(
        &gateway,
        "vendors.sim.accounts.second",
        json!({"api_key": key("second")}),
    )
    .await;
    put(&gateway, "routing.strategy", json!("round-robin")).await;
    put(&gateway, "models.m.strategy", json!("round-robin")).await;
    let mut both = accounts(&gateway, &simulator, 2).await;
    both.sort();
    assert_eq!(both, ["second", "the-key-of-first"]);
    // A slip takes no strategy away.
    for (path, value) in [
        ("models.m.strategy", json!("round-robbin")),
        ("models.m.settings", json!({"no_such_setting": 1})),
    ] {
        let refused = try_put(&gateway, path, json!({ "value": value })).await;
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert!(refused.error().message.contains("models.m"), "{}", refused.text());
    }
    assert_eq!(gateway.notices().await, "[]");
    let answer = gateway.client().chat(&hello()).await;
    assert!(answer.header("x-patchbay-strategy").starts_with("round-robin@"));
}

#[tokio::test]
async fn many_changes_at_once_are_all_made() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    let changes = (0..12).map(|number| {
        let (admin, path) = (
            gateway.admin(),
            format!("/admin/config/vendors.sim.accounts.a{number}"),
        );
        tokio::spawn(async move {
            let body = json!({"value": {"api_key": key(&format!("key-{number}"))}}).to_string();
            admin.send(Method::PUT, &path, body.into()).await.whole().await
        })
    });
    for change in changes.collect::<Vec<_>>() {
        let answer = change.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let shown = gateway.admin().get("/admin/config").await.json();
    assert_eq!(shown["generation"], 13);
    assert_eq!(
        shown["config"]["vendors"]["sim"]["accounts"]
            .as_array()
            .unwrap()
            .len(),
        13
    );
}

#[tokio::test]
async fn another_key_and_a_new_beginning_clear_what_was_held_against_an_account() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    let refused = |key: &str| Rule::always().account(key).status(StatusCode::UNAUTHORIZED);
    simulator.set_rules(vec![refused("the-key-of-first"), refused("wrong")]);
    let status = async || gateway.client().chat(&hello()).await.status;
    assert_ne!(status().await, 200);
    let asked = simulator.requests().len();
    assert_ne!(status().await, 200);
    assert_eq!(simulator.requests().len(), asked, "it is out of service");
    put(&gateway, "vendors.sim.accounts.first.weight", json!(2)).await;
    assert_ne!(status().await, 200);
    assert_eq!(
        simulator.requests().len(),
        asked,
        "no change but of its key brings it back"
    );
    put(
        &gateway,
        "vendors.sim.accounts.first.api_key",
        json!(key("right")),
    )
    .await;
    assert_eq!(status().await, 200);

    // Under the same name and with the same key, but nothing is known of the one that was removed.
    let path = "vendors.sim.accounts.first";
    put(
        &gateway,
        "vendors.sim.accounts.first.api_key",
        json!(key("wrong")),
    )
    .await;
    assert_ne!(status().await, 200);
    simulator.set_rules(vec![]);
    assert_ne!(status().await, 200);
    assert_eq!(
        try_put(&gateway, path, json!({"removed": true})).await.status,
        200
    );
    put(&gateway, path, json!({"api_key": key("wrong")})).await;
    assert_eq!(accounts(&gateway, &simulator, 1).await, ["wrong"]);
}

#[tokio::test]
async fn nobody_who_asks_meanwhile_notices() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    let stop = Arc::new(AtomicBool::new(false));
    let callers = (0..20).map(|number| {
        let (client, stop) = (gateway.client(), stop.clone());
        tokio::spawn(async move {
            let mut served = 0;
            while !stop.load(Relaxed) {
                let whole = number % 2 == 0;
                let good = if whole {
                    client.chat(&hello()).await.status == 200
                } else {
                    let stream = client.stream(&streamed(hello())).await.to_end().await;
                    stream.status == 200 && stream.is_done()
                };
                assert!(good, "after {served} requests, whole: {whole}");
                served += 1;
            }
            served
        })
    });
    let callers: Vec<_> = callers.collect();
    for round in 0..8 {
        let spare = format!("vendors.sim.accounts.spare-{round}");
        put(
            &gateway,
            &spare,
            json!({"api_key": key(&format!("spare-{round}"))}),
        )
        .await;
        put(&gateway, "vendors.sim.accounts.first.enabled", json!(false)).await;
        put(
            &gateway,
            &format!("{spare}.api_key"),
            json!(key(&format!("anew-{round}"))),
        )
        .await;
        put(&gateway, "vendors.sim.accounts.first.enabled", json!(true)).await;
        let removed = try_put(&gateway, &spare, json!({"removed": true})).await;
        assert_eq!(removed.status, 200, "{}", removed.text());
        // Whoever is asked from now on is not the one that was removed.
        let before = simulator.requests().last().map_or(0, |request| request.sequence);
        accounts(&gateway, &simulator, 3).await;
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        let late = simulator
            .requests()
            .into_iter()
            .filter(|request| request.sequence > before + 40);
        let spared: Vec<String> = late
            .map(|request| request.account)
            .filter(|key| key != "the-key-of-first")
            .collect();
        assert!(spared.is_empty(), "{spared:?}");
    }
    stop.store(true, Relaxed);
    for caller in callers {
        assert!(caller.await.unwrap() > 0);
    }
    gateway.metric_until("patchbay_in_flight", &[], 0.0).await;
    let used: Vec<String> = simulator
        .requests()
        .into_iter()
        .map(|request| request.account)
        .collect();
    assert!(
        used.iter().any(|key| key.starts_with("anew-")),
        "no spare was ever asked"
    );
}
