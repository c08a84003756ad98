//! `patchbay status`, `GET /admin/status` and `GET /api/v1/status/health`: what they say of accounts that fail in
//! different ways, to whom, and what they say when there is nobody to ask.

use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use http::header::{HeaderValue, RETRY_AFTER};
use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{ADMIN_KEY, Gateway, LISTEN, MARK, SERVER, eventually, run};
use serde_json::{Value, json};

use crate::cli::{json_of, said};
use crate::setup::{self, hello, simulator};

/// What the vendor says of the key that it refuses: the key, a terminal's escapes, and a line of its own.
const REFUSAL: &str = "no such key: \u{1b}[31mrefused-key.unspeakable\u{1b}[0m\n\u{7}ask the console";

/// Five accounts, of which one can serve once all have been asked.
pub(crate) async fn troubled(simulator: &Simulator) -> Gateway {
    let accounts: String = ["refused", "limited", "broke", "slow", "paid"]
        .iter()
        .map(|name| format!("[[vendors.sim.accounts]]\nname = \"{name}\"\napi_key = \"{name}-key.{MARK}\"\n"))
        .collect();
    let url = simulator.url();
    let config = format!(
        "attempts = 10\n{LISTEN}[timeouts]\nfirst_byte = \"300ms\"\n[circuit]\nfailures = 1\n\
         [vendors.sim]\nadapter = \"openai\"\nbase_url = \"{url}/sim/v1\"\nmodels = [\"m\", \"org/n\"]\n{accounts}"
    );
    let gateway = Gateway::start(&["openai"], &config).await;
    eventually("all accounts are verified", async || {
        let status = gateway.admin().get("/admin/status").await.json();
        (status["totals"]["accounts"] == json!({"available": 5})).then_some(())
    })
    .await;
    let refusal = |status, code: &str, message: &str| {
        let body = json!({"error": {"message": message, "type": code, "param": null, "code": code}});
        Rule::always()
            .status(http::StatusCode::from_u16(status).unwrap())
            .body(body)
    };
    simulator.set_rules(vec![
        refusal(401, "invalid_api_key", REFUSAL).account("refused-key"),
        refusal(429, "rate_limit_exceeded", "slow down")
            .header(RETRY_AFTER, HeaderValue::from_static("300"))
            .account("limited-key"),
        refusal(429, "insufficient_quota", "no money left").account("broke-key"),
        Rule::always().account("slow-key").never(),
    ]);
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!(
        (answer.status, answer.header("x-patchbay-account")),
        (200, "paid")
    );
    gateway
}

/// Runs a command against this gateway.
pub(crate) fn asked(gateway: &Gateway, command: &[&str]) -> Output {
    let url = format!("http://{}", gateway.address);
    let environment = [("PATCHBAY_ADMIN_KEY", ADMIN_KEY), ("PATCHBAY_URL", &url)];
    run(command, &environment)
}

/// What it printed; it went well.
pub(crate) fn printed(output: &Output) -> String {
    let (code, out, err) = said(output, Path::new("/nowhere"));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let harmless = |letter: char| letter == '\n' || !letter.is_control();
    assert!(out.chars().all(harmless), "control characters in {out:?}");
    out
}

/// The line that begins with this, blanks aside.
pub(crate) fn line<'a>(text: &'a str, beginning: &str) -> &'a str {
    let found = text.lines().find(|line| line.trim_start().starts_with(beginning));
    assert!(found.is_some(), "no line begins with {beginning:?}: {text}");
    found.unwrap()
}

/// An account as `GET /admin/status` has it.
fn account<'a>(status: &'a Value, name: &str) -> &'a Value {
    let accounts = status["accounts"].as_array().unwrap();
    accounts
        .iter()
        .find(|account| account["account"] == name)
        .unwrap()
}

#[tokio::test]
async fn accounts_that_fail_in_different_ways_are_told_apart() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    let text = printed(&asked(&gateway, &["status"]));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let head: Vec<&str> = text.lines().take(2).collect();
    assert!(
        head[0].contains(&format!("at {}, up ", gateway.address)),
        "{text}"
    );
    assert_eq!(
        head[1],
        "5 accounts: 1 disabled by failure, 1 out of service, 3 available"
    );
    let rows: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("sim/")?.split(' ').next())
        .collect();
    assert_eq!(
        rows,
        ["refused", "broke", "limited", "slow", "paid"],
        "those in trouble first"
    );
    for (beginning, parts) in [
        ("sim/refused", &["disabled by failure", "by hand", "0%"][..]),
        ("authentication_error: no such key: ", &["ask the console"]),
        ("sim/broke", &["out of service", "in 59m "]),
        ("insufficient_quota: no money left", &[]),
        ("m ", &["cooling down", "in 4m 5"]),
        ("rate_limit_exceeded: slow down", &[]),
        ("timeout: no reply from the vendor within 0.3 s", &[]),
        ("sim/paid", &["available", "100%", " ms"]),
        ("Next: `patchbay keys analyze sim/refused` says what to do.", &[]),
    ] {
        let line = line(&text, beginning);
        assert!(
            parts.iter().all(|part| line.contains(part)),
            "{parts:?} in {line:?}"
        );
    }
}

#[tokio::test]
async fn the_same_is_there_for_programs() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    let status = json_of(&asked(&gateway, &["status", "--json"]));
    let totals = &status["totals"];
    assert_eq!(
        totals["accounts"],
        json!({"available": 3, "disabled by failure": 1, "out of service": 1})
    );
    assert_eq!(totals["models"], json!({"available": 8, "cooling down": 2}));
    assert_eq!((&totals["due"], &totals["in_flight"]), (&json!(0), &json!(0)));
    let refused = account(&status, "refused");
    assert_eq!(
        (&refused["class"], &refused["next_recheck"], &refused["due"]),
        (&json!("authentication_error"), &Value::Null, &json!(false))
    );
    let limited = &account(&status, "limited")["models"][0];
    let seconds = limited["next_recheck_seconds"].as_u64().unwrap();
    assert!((290..=300).contains(&seconds), "{limited}");
    let until = limited["next_recheck"].as_u64().unwrap() - limited["last_error"].as_u64().unwrap();
    assert_eq!((&limited["model"], until), (&json!("m"), 300_000));
    let paid = account(&status, "paid");
    assert_eq!(
        (&paid["requests"], &paid["success_rate"]),
        (&json!(1), &json!(1.0))
    );
    assert!(paid["latency_ms"].as_f64().unwrap() > 0.0);
    // The same as the API says, and nobody's credentials.
    let api = gateway.admin().get("/admin/status").await.json();
    assert_eq!(api["totals"], *totals);
    for name in ["refused", "limited", "broke", "slow", "paid"] {
        assert!(!status.to_string().contains(&format!("{name}-key")), "{status}");
    }
}

#[tokio::test]
async fn a_key_whose_time_has_come_is_ready_for_its_recheck() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    let due = eventually("the pause is over", async || {
        let status = gateway.admin().get("/admin/status").await.json();
        (status["totals"]["due"] == 1).then_some(status)
    })
    .await;
    assert_eq!(account(&due, "slow")["models"][0]["due"], true);
    let text = printed(&asked(&gateway, &["status"]));
    line(
        &text,
        "1 key is ready for its recheck: the next request makes it.",
    );
}

#[tokio::test]
async fn colours_are_for_those_who_want_them() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    let coloured = |more: &[&str]| {
        let output = asked(&gateway, &[&["status"], more].concat());
        String::from_utf8(output.stdout).unwrap().contains("\u{1b}[")
    };
    assert!(!coloured(&[]), "a pipe is no terminal");
    assert!(!coloured(&["--color", "never"]));
    assert!(coloured(&["--color", "always"]));
}

#[tokio::test]
async fn without_a_gateway_or_its_key_the_reason_is_said() {
    let gateway = Gateway::start(&[], &format!("{SERVER}[vendors.echo]\nmodels = [\"m\"]\n")).await;
    let there = format!("http://{}", gateway.address);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let wrong = "a-wrong-key-of-somebody";
    for (command, key, url, why) in [
        (
            "status",
            ADMIN_KEY,
            format!("http://{nobody}"),
            format!(
                "nothing answers at {nobody} (Connection refused (os error 111)); is `patchbay serve` running?"
            ),
        ),
        (
            "status",
            wrong,
            there.clone(),
            format!(
                "the gateway at {} says 401: the admin key is missing or wrong; send it as `Authorization: Bearer KEY`",
                gateway.address
            ),
        ),
        (
            "status",
            "",
            there.clone(),
            "no admin key: set PATCHBAY_ADMIN_KEY, or name the gateway's configuration with --config"
                .to_owned(),
        ),
        (
            "status",
            ADMIN_KEY,
            "localhost:http".to_owned(),
            "in the variable PATCHBAY_URL: the gateway's address must look like http://127.0.0.1:8080 or \
             127.0.0.1:8080"
                .to_owned(),
        ),
    ] {
        let output = run(&[command], &[("PATCHBAY_ADMIN_KEY", key), ("PATCHBAY_URL", &url)]);
        let expected = (Some(1), String::new(), format!("error: {why}\n"));
        assert_eq!(said(&output, Path::new("/nowhere")), expected);
    }
    for path in [
        "/admin/status",
        "/admin/keys",
        "/admin/keys/report",
        "/admin/keys/echo/default",
    ] {
        for client in [gateway.client(), gateway.client_with(wrong)] {
            assert_eq!(client.get(path).await.status, 401, "{path}");
        }
    }
}

#[tokio::test]
async fn callers_learn_how_their_models_are_and_nothing_of_accounts() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    assert_eq!(
        gateway
            .client_with("no-such-key")
            .get("/api/v1/status/health")
            .await
            .status,
        401
    );
    let answer = gateway.client().get("/api/v1/status/health").await;
    assert_eq!(answer.status, 200);
    let health = answer.json();
    assert_eq!(health["status"], "degraded");
    assert_eq!(
        health["models"],
        json!([
            {
                "model": "m", "status": "degraded",
                "candidates": {"available": 1, "cooling down": 2, "disabled by failure": 1, "out of service": 1},
            },
            {
                "model": "org/n", "status": "degraded",
                "candidates": {"available": 3, "disabled by failure": 1, "out of service": 1},
            },
        ])
    );
    for name in ["refused", "limited", "broke", "slow", "paid", "sim", "no money"] {
        assert!(!health.to_string().contains(name), "{health}");
    }
}

#[tokio::test]
async fn a_model_that_nobody_can_serve_is_unhealthy() {
    let simulator = simulator().await;
    let config = format!("{LISTEN}{}models = [\"m\"]\n", setup::vendor(&simulator, "sim"));
    let gateway = Gateway::start(&["openai"], &config).await;
    let health = async || gateway.client().get("/api/v1/status/health").await.json();
    eventually("its account is verified", async || {
        (health().await["status"] == "healthy").then_some(())
    })
    .await;
    simulator.set_rules(vec![setup::status("sim", 401)]);
    assert_ne!(gateway.client().chat(&hello()).await.status, 200);
    let ill = health().await;
    assert_eq!(
        (&ill["status"], &ill["models"][0]["status"]),
        (&json!("unhealthy"), &json!("unhealthy"))
    );
}
