//! `patchbay keys` and `/admin/keys`: what they say of one account, what they do to it, and how they meet careless input.

use std::path::Path;

use patchbay_tests::Gateway;
use serde_json::{Value, json};

use crate::cli::{json_of, said};
use crate::setup::{hello, simulator};
use crate::status::{asked, line, printed, troubled};

/// How an account stands, by `GET /admin/keys/sim/{account}`.
pub(crate) async fn state(gateway: &Gateway, account: &str) -> Value {
    let told = gateway
        .admin()
        .get(&format!("/admin/keys/sim/{account}"))
        .await
        .json();
    told["state"].clone()
}

/// What went wrong, and the exit code.
pub(crate) fn refused(gateway: &Gateway, command: &[&str]) -> (Option<i32>, String) {
    let (code, out, err) = said(&asked(gateway, command), Path::new("/nowhere"));
    assert_eq!(out, "", "{command:?}");
    (code, err)
}

#[tokio::test]
async fn an_account_is_explained_from_its_state_to_what_to_do() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    let text = printed(&asked(&gateway, &["keys", "analyze", "sim/refused"]));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    for (beginning, part) in [
        ("State", "disabled by failure for "),
        ("Class", "authentication_error"),
        ("Said", "no such key: "),
        ("Next try", "by hand"),
        ("It means", "does not accept this account's key"),
        ("`patchbay keys recheck sim/refused`.", ""),
        ("just now", "available → disabled by failure"),
        ("org/n", "available"),
    ] {
        // Two seconds may have gone by on a busy machine.
        let found = text
            .lines()
            .any(|line| line.trim_start().starts_with(beginning) && line.contains(part));
        assert!(
            found || beginning == "just now" && text.contains(part),
            "{beginning:?}: {text}"
        );
    }
    let told = json_of(&asked(&gateway, &["keys", "analyze", "sim/slow", "--json"]));
    assert_eq!(
        (&told["state"], &told["advice"][1]["model"]),
        (&json!("available"), &json!("m"))
    );
    let event = &told["history"][0];
    assert_eq!(
        (&event["model"], &event["from"], &event["to"], &event["class"]),
        (
            &json!("m"),
            &json!("available"),
            &json!("cooling down"),
            &json!("timeout")
        )
    );
    let most = gateway.admin().get("/admin/keys/sim/slow?history=0").await.json();
    assert_eq!(most["history"], json!([]));
}

#[tokio::test]
async fn a_list_shows_what_is_wanted() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    let names = |more: &[&str]| -> Vec<String> {
        let text = printed(&asked(&gateway, &[&["keys", "list"], more].concat()));
        let names = text.lines().skip(1).filter_map(|line| line.split(' ').next());
        names.map(str::to_owned).collect()
    };
    let all = [
        "sim/refused",
        "sim/broke",
        "sim/limited/m",
        "sim/slow/m",
        "sim/limited",
        "sim/slow",
        "sim/paid",
    ];
    assert_eq!(names(&[]), all);
    assert_eq!(names(&["--vendor", "sim"]), all);
    assert_eq!(names(&["--models"]).len(), 15);
    assert_eq!(
        names(&["--state", "cooling down"]),
        ["sim/limited/m", "sim/slow/m"]
    );
    let nothing = printed(&asked(&gateway, &["keys", "list", "--state", "half-open"]));
    assert_eq!(nothing, "No key is half-open.\n");
    let json = json_of(&asked(
        &gateway,
        &["keys", "list", "--state", "disabled by failure", "--json"],
    ));
    let accounts = json["accounts"].as_array().unwrap();
    assert_eq!((accounts.len(), &accounts[0]["account"]), (1, &json!("refused")));
}

#[tokio::test]
async fn what_is_put_back_to_service_is_asked_again() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    simulator.set_rules(vec![]);
    let text = printed(&asked(&gateway, &["keys", "reset", "sim/refused"]));
    assert!(
        line(&text, "sim/refused").ends_with("disabled by failure  available, degraded"),
        "{text}"
    );
    line(&text, "Available again: 1 of 1.");
    assert_eq!(state(&gateway, "refused").await, "available");
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!(answer.header("x-patchbay-account"), "refused");
    // One model alone.
    let json = json_of(&asked(&gateway, &["keys", "reset", "sim/slow/m", "--json"]));
    let key = &json["keys"][0];
    assert_eq!(
        (&key["model"], &key["before"], &key["state"]),
        (&json!("m"), &json!("cooling down"), &json!("available"))
    );
    let again = printed(&asked(&gateway, &["keys", "reset", "sim/slow"]));
    assert_eq!(again, "Nothing to reset: everything there is available.\n");
    // Nothing else was touched.
    assert_eq!(state(&gateway, "broke").await, "out of service");
}

// The simulator has to answer while the command runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_recheck_brings_back_what_works_again() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    // Still refused: it stays where it is, and the vendor's word is shown.
    let text = printed(&asked(&gateway, &["keys", "recheck", "sim/refused"]));
    assert!(
        line(&text, "sim/refused").ends_with("disabled by failure  disabled by failure"),
        "{text}"
    );
    line(&text, "authentication_error: no such key");
    line(&text, "Available again: 0 of 1.");
    simulator.set_rules(vec![]);
    let rest = json_of(&asked(
        &gateway,
        &["keys", "recheck", "--vendor", "sim", "--json"],
    ));
    let keys = rest["keys"].as_array().unwrap();
    let key = |account: &str| keys.iter().find(|key| key["account"] == account).unwrap();
    assert_eq!(keys.len(), 4, "those that were in order are left alone: {rest}");
    assert_eq!(
        (&key("refused")["state"], &key("refused")["probe"]),
        (&json!("available"), &json!("answered"))
    );
    assert_eq!(
        (&key("slow")["model"], &key("slow")["due"]),
        (&json!("m"), &json!(true))
    );
    assert_eq!(state(&gateway, "refused").await, "available");
    // What a probe cannot prove, the next request does.
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    let all = gateway.admin().get("/admin/keys").await.json();
    assert!(
        all["accounts"]
            .as_array()
            .unwrap()
            .iter()
            .any(|account| account["state"] == "available")
    );
    let none = printed(&asked(&gateway, &["keys", "recheck", "sim/paid"]));
    line(&none, "Available again: 1 of 1.");
}

#[tokio::test]
async fn a_report_counts_what_became_of_keys() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    printed(&asked(&gateway, &["keys", "reset", "sim/broke"]));
    let text = printed(&asked(&gateway, &["keys", "report", "--days", "1"]));
    let row = |beginning: &str| -> Vec<String> {
        line(&text, beginning)
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    // Cooled down, taken out, back, by hand, rechecks.
    assert_eq!(
        row("insufficient_quota"),
        ["insufficient_quota", "-", "1", "-", "1", "-"]
    );
    assert_eq!(
        row("authentication_error"),
        ["authentication_error", "-", "1", "-", "-", "-"]
    );
    assert_eq!(
        row("rate_limit_exceeded"),
        ["rate_limit_exceeded", "1", "-", "-", "-", "-"]
    );
    assert_eq!(
        (row("sim/refused").pop().unwrap(), row("sim/refused")[1].as_str()),
        ("still".to_owned(), "1")
    );
    assert_eq!(row("sim/broke").len(), 3);
    let json = json_of(&asked(&gateway, &["keys", "report", "--json"]));
    assert_eq!(json["classes"]["timeout"]["cooled_down"], 1);
    assert_eq!(
        json["to"].as_u64().unwrap() - json["from"].as_u64().unwrap(),
        7 * 86_400_000
    );
}

#[tokio::test]
async fn names_that_are_not_there_are_answered_with_those_that_are() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    let says = |status: u16, message: &str| {
        (
            Some(1),
            format!(
                "error: the gateway at {} says {status}: {message}\n",
                gateway.address
            ),
        )
    };
    for (command, message) in [
        (
            &["keys", "analyze", "sin/paid"][..],
            "there is no vendor called \"sin\", did you mean \"sim\"?",
        ),
        (
            &["keys", "analyze", "sim/pai"],
            "there is no account of sim called \"pai\", did you mean \"paid\"?",
        ),
        (
            &["keys", "reset", "sim/paid/org/m"],
            "there is no model served from sim/paid called \"org/m\", did you mean \"org/n\"?",
        ),
        (
            &["keys", "recheck", "elsewhere"],
            "there is no vendor called \"elsewhere\", known vendors are \"sim\"",
        ),
        (
            &["keys", "list", "--vendor", "sam"],
            "there is no vendor called \"sam\", did you mean \"sim\"?",
        ),
        (
            &["keys", "analyze", "sim/\u{1b}[31mred"],
            "there is no account of sim called \"\\u{1b}[31mred\", known accounts are \"refused\", \"limited\", \
             \"broke\", \"slow\", \"paid\"",
        ),
    ] {
        assert_eq!(refused(&gateway, command), says(404, message), "{command:?}");
    }
    for wrong in [
        &["keys", "analyze"][..],
        &["keys", "analyze", "sim"],
        &["keys", "analyze", "sim/"],
        &["keys", "analyze", "sim/paid/m"],
        &["keys", "reset", "sim"],
        &["keys", "recheck"],
        &["keys", "recheck", "all", "--vendor", "sim"],
        &["keys", "report", "--days", "0"],
        &["keys", "list", "--key", "sk-1"],
        &["status", "--json", "--watch"],
    ] {
        assert_eq!(refused(&gateway, wrong).0, Some(2), "{wrong:?}");
    }
}

#[tokio::test]
async fn careless_requests_are_refused_in_words() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    let admin = gateway.admin();
    for (path, body, status, part) in [
        ("/admin/keys/recheck", "", 400, "say which"),
        (
            "/admin/keys/recheck",
            "{\"vendor\": \"sim\", \"all\": true}",
            400,
            "say which",
        ),
        (
            "/admin/keys/recheck",
            "{\"vendors\": \"sim\"}",
            400,
            "unknown field `vendors`",
        ),
        ("/admin/keys/recheck", "all", 400, "the body cannot be used"),
        ("/admin/keys/sim/paid/reset", "[]", 400, "the body cannot be used"),
        (
            "/admin/keys/sim/paid/reset",
            "{\"model\": \"x\"}",
            404,
            "no model served from sim/paid",
        ),
        ("/admin/keys/sim/nobody/recheck", "{}", 404, "no account of sim"),
        ("/admin/keys/sim/paid", "{}", 405, "POST is not allowed"),
        ("/admin/keys/sim/paid/remember", "{}", 404, "there is nothing at"),
    ] {
        let answer = admin.post(path, body).await;
        assert_eq!(answer.status, status, "{path} {body}");
        assert!(
            answer.error().message.contains(part),
            "{path} {body}: {}",
            answer.error().message
        );
    }
    for path in [
        "/admin/keys?vendors=sim",
        "/admin/keys/report?days=0",
        "/admin/keys/report?days=367",
        "/admin/keys/report?days=week",
        "/admin/keys/sim/paid?history=-1",
        "/admin/keys/%ff/paid",
    ] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(!answer.error().message.is_empty(), "{path}");
    }
    assert_eq!(
        state(&gateway, "refused").await,
        "disabled by failure",
        "none of it did anything"
    );
}
