//! `/admin/strategies` and `patchbay strategies`: who decides for each model, and moves by hand. With them what callers
//! are told of how well they are served.

use patchbay_simulator::Simulator;
use patchbay_tests::{Answer, Gateway, MARK};
use serde_json::{Value, json};

use crate::setup::{hello, simulator, status, vendors, with};
use crate::status::{asked, printed};

async fn gateway(simulator: &Simulator, more: &str) -> Gateway {
    let config = vendors(simulator, &["one", "two", "three"]) + "strategy = \"steered\"\n" + more;
    Gateway::start(&["openai", "steered", "round-robin"], &config).await
}

async fn act(gateway: &Gateway, model: &str, action: &str) -> Answer {
    let body = json!({"model": model, "action": action});
    gateway
        .admin()
        .post("/admin/strategies/act", body.to_string())
        .await
}

/// Who serves the next request.
async fn served_by(gateway: &Gateway) -> String {
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-patchbay-vendor").to_owned()
}

async fn model(gateway: &Gateway, name: &str) -> Value {
    let told = gateway.admin().get("/admin/strategies").await.json();
    let models = told["models"].as_array().unwrap();
    models
        .iter()
        .find(|model| model["model"] == name)
        .cloned()
        .unwrap()
}

#[tokio::test]
async fn a_strategy_is_moved_by_hand_and_the_next_request_follows() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "").await;
    assert_eq!(served_by(&gateway).await, "one");
    let moved = act(&gateway, "m", "next").await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    assert_eq!(
        moved.json(),
        json!({
            "model": "m", "strategy": "steered@0.1.0", "action": "next", "state_bytes": 1,
            "first": {"vendor": "two", "account": "default", "model": "m"}, "note": "moved 1 times",
        })
    );
    assert_eq!(served_by(&gateway).await, "two");
    assert_eq!(
        printed(&asked(&gateway, &["strategies", "act", "m", "next"])),
        "steered@0.1.0 of m did next: it now puts three/default m first (moved 2 times)\n"
    );
    assert_eq!(served_by(&gateway).await, "three");
    // It outlives a reload, and is said once each time.
    assert_eq!(gateway.admin().post("/admin/reload", "").await.status, 200);
    assert_eq!(served_by(&gateway).await, "three");
    let is_move = |line: &&Value| line["message"] == "strategy moved by hand" && line["by"] == "admin";
    gateway.logged("the second move", |line| is_move(&line)).await;
    assert_eq!(gateway.log().iter().filter(is_move).count(), 2);
    printed(&asked(&gateway, &["strategies", "act", "m", "reset"]));
    assert_eq!(served_by(&gateway).await, "one");
    // What is looked at to say where it stands is no decision.
    assert_eq!(model(&gateway, "m").await["strategy"]["decisions"], 5);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_the_reason() {
    let simulator = simulator().await;
    let targets = "targets = [\"one/m\"]\n";
    let more = format!(
        "[models.\"org/alone\"]\n{targets}strategy = \"built-in\"\n[models.turns]\n{targets}strategy = \"round-robin\"\n\
         [models.gone]\n{targets}strategy = \"no-such-plugin\"\n"
    );
    let gateway = gateway(&simulator, &more).await;
    act(&gateway, "m", "next").await;
    for (model, action, code, why) in [
        (
            "m",
            "nxt",
            422,
            "steered@0.1.0 offers no action \"nxt\": did you mean \"next\"?",
        ),
        (
            "m",
            "sing",
            422,
            "known actions are \"next\", \"reset\", \"refuse\", \"panic\", \"remember\"",
        ),
        ("turns", "next", 422, "there are no actions here"),
        (
            "org/alone",
            "next",
            409,
            "model \"org/alone\" has no strategy of its own",
        ),
        ("gone", "next", 409, "no-such-plugin.wasm"),
        (
            "M",
            "next",
            404,
            "there is no public model called \"M\", did you mean \"m\"?",
        ),
        ("m", "refuse", 409, "not from here"),
        ("m", "panic", 500, "control.act"),
        ("m", "remember", 500, "a state of 65537 bytes; at most 65536"),
    ] {
        let answer = act(&gateway, model, action).await;
        assert_eq!(answer.status, code, "{model} {action}: {}", answer.text());
        let said = answer.error().message;
        assert!(said.contains(why), "{model} {action}: {said}");
        let output = asked(&gateway, &["strategies", "act", model, action]);
        assert_eq!(output.status.code(), Some(1));
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains(why), "{complaint}");
    }
    // Nothing has moved, and nobody was harmed.
    assert_eq!(served_by(&gateway).await, "two");
    let labels = [("function", "control.act")];
    assert_eq!(
        gateway.metric("patchbay_plugin_failures_total", &labels).await,
        6.0
    );
    for body in [
        "",
        "{}",
        "{\"model\": \"m\"}",
        "{\"model\": \"m\", \"action\": \"next\", \"why\": 1}",
    ] {
        let answer = gateway.admin().post("/admin/strategies/act", body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
    }
    for client in [gateway.client(), gateway.client_with("somebody-else")] {
        assert_eq!(client.get("/admin/strategies").await.status, 401);
        let body = json!({"model": "m", "action": "next"}).to_string();
        assert_eq!(client.post("/admin/strategies/act", body).await.status, 401);
    }
}

#[tokio::test]
async fn who_decides_for_each_model_is_told() {
    let simulator = simulator().await;
    let more = format!(
        "shadow = \"round-robin\"\n[models.gone]\ntargets = [\"one/m\"]\nstrategy = \"no-such-plugin\"\n\
         [[keys]]\nname = \"chooser\"\nkey = \"chooser.{MARK}\"\nmodels = [\"m\"]\nstrategies = [\"round-robin\"]\n"
    );
    let gateway = gateway(&simulator, &more).await;
    for _ in 0..3 {
        served_by(&gateway).await;
    }
    gateway
        .metric_until("patchbay_shadow_decisions_total", &[("model", "m")], 3.0)
        .await;
    let told = model(&gateway, "m").await;
    assert_eq!(
        (
            &told["decides"],
            &told["candidates"],
            &told["strategy"]["decisions"]
        ),
        (&json!("steered@0.1.0"), &json!(3), &json!(3))
    );
    assert_eq!(
        told["strategy"]["actions"],
        json!(["next", "reset", "refuse", "panic", "remember"])
    );
    let shadow = &told["shadow"];
    assert_eq!(shadow["identity"], "round-robin@0.1.0");
    // The turn is that of the live strategy: the first of three begins with the first candidate.
    assert_eq!(
        (&shadow["agreed"], &shadow["differed"], &shadow["failed"]),
        (&json!(1), &json!(2), &json!(0))
    );
    assert_eq!(told["on_request"][0]["name"], "round-robin");
    let gone = model(&gateway, "gone").await;
    assert_eq!(
        (&gone["decides"], &gone["strategy"]["identity"]),
        (&json!("built-in"), &Value::Null)
    );
    let missing = gone["strategy"]["missing"].as_str().unwrap();
    assert!(missing.contains("no-such-plugin.wasm"), "{missing}");
    let text = printed(&asked(&gateway, &["strategies"]));
    for part in [
        "steered@0.1.0",
        "by hand: next, reset, refuse, panic, remember",
        "in shadow",
        "agreed 1, differed 2",
        "on request",
        "cannot decide: ",
        "Next: `patchbay strategies act m ACTION` moves it by hand.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(text, printed(&asked(&gateway, &["strategies", "list"])));
    let inspected = gateway.plugin("steered").await;
    assert_eq!(inspected["actions"], told["strategy"]["actions"]);
}

#[tokio::test]
async fn callers_learn_how_quickly_they_are_served_and_nothing_of_accounts() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "").await;
    simulator.set_rules(vec![status("one", 500)]);
    for _ in 0..4 {
        assert_eq!(served_by(&gateway).await, "two");
    }
    let path = "/api/v1/status/performance";
    assert_eq!(gateway.client_with("somebody-else").get(path).await.status, 401);
    let told = gateway.client().get(path).await.json();
    let m = &told["models"][0];
    assert_eq!(
        (&m["model"], &m["strategy"], &m["requests"], &m["success_rate"]),
        (&json!("m"), &json!("steered@0.1.0"), &json!(8), &json!(0.5))
    );
    let (one, two, three) = (&m["candidates"][0], &m["candidates"][1], &m["candidates"][2]);
    assert_eq!(
        (&one["success_rate"], &two["success_rate"]),
        (&json!(0.0), &json!(1.0))
    );
    assert_eq!(
        (&one["latency_ms"]["p95"], &three["success_rate"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(m["latency_ms"]["p99"], two["latency_ms"]["p99"]);
    let times = ["p50", "p95", "p99"].map(|time| two["latency_ms"][time].as_f64().unwrap());
    assert!(times.is_sorted() && times[0] > 0.0, "{told}");
    for name in ["one", "two", "three", "default"] {
        assert!(!told.to_string().contains(&format!("\"{name}\"")), "{told}");
    }
    let unknown = gateway.client().chat(&with(hello(), json!({"model": "x"}))).await;
    assert_eq!(unknown.status, 404);
}
