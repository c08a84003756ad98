//! A key that is not in use, checked at its vendor.

use std::path::Path;

use patchbay_tests::{ADMIN_KEY, Gateway, MARK, run};
use serde_json::{Value, json};

use crate::cli::said;
use crate::keys::{refused, state};
use crate::setup::simulator;
use crate::status::troubled;

/// What `patchbay keys check sim` says of the key in `NEW_KEY`, and how it exits.
fn checked(gateway: &Gateway, key: &str, more: &[&str]) -> (Option<i32>, String) {
    let url = format!("http://{}", gateway.address);
    let environment = [
        ("PATCHBAY_ADMIN_KEY", ADMIN_KEY),
        ("PATCHBAY_URL", &url),
        ("NEW_KEY", key),
    ];
    let command = [&["keys", "check", "sim", "--from-env", "NEW_KEY"], more].concat();
    let (code, out, err) = said(&run(&command, &environment), Path::new("/nowhere"));
    assert!(!out.contains(MARK) && !err.contains(MARK), "{out}{err}");
    (code, out + &err)
}

// The simulator has to answer while the command runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_in_use_is_checked_and_forgotten() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    let before = simulator.requests().len();
    assert_eq!(
        checked(&gateway, &format!("new-key.{MARK}"), &[]),
        (Some(0), "sim accepts the key.\n".to_owned())
    );
    assert_eq!(simulator.requests().len(), before + 1, "the vendor was asked");
    let (code, text) = checked(&gateway, &format!("refused-key.{MARK}"), &[]);
    assert_eq!(code, Some(1));
    assert!(
        text.starts_with("sim refuses the key.\n  authentication_error: no such key: "),
        "{text}"
    );
    assert!(text.contains("does not accept this account's key"), "{text}");
    let (code, text) = checked(&gateway, &format!("limited-key.{MARK}"), &["--json"]);
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &told["verdict"], &told["class"]),
        (Some(1), &json!("unknown"), &json!("rate_limit_exceeded"))
    );
    // Accounts are as they were, and the key is nowhere: the harness looks through log and files.
    assert_eq!(state(&gateway, "limited").await, "available");
    let keys = gateway.admin().get("/admin/keys").await.json();
    assert_eq!(keys["accounts"].as_array().unwrap().len(), 5);
}

// The simulator has to answer while the command runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_cannot_be_made_says_why_and_never_repeats_the_key() {
    let simulator = simulator().await;
    let gateway = troubled(&simulator).await;
    let (code, text) = checked(&gateway, &format!("x.{MARK}"), &["--field", "password"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("says 400: ") && text.contains("password"), "{text}");
    for (body, status) in [
        (
            format!("{{\"vendor\": \"sim\", \"credentials\": \"{MARK}\"}}"),
            400,
        ),
        (format!("{{\"vendor\": \"sim\", \"{MARK}\": \"{MARK}\"}}"), 400),
        (MARK.to_owned(), 400),
        (
            format!("{{\"vendor\": \"sam\", \"credentials\": {{\"api_key\": \"{MARK}\"}}}}"),
            404,
        ),
    ] {
        // Every answer is looked through for the mark.
        assert_eq!(
            gateway.admin().post("/admin/keys/check", body).await.status,
            status
        );
    }
    assert_eq!(
        refused(&gateway, &["keys", "check", "sim", "--key", "x"]).0,
        Some(1)
    );
}
