//! Changes that would do harm, or that nobody may make: nothing of them is kept.

use http::Method;
use serde_json::json;

use crate::changes::{gateway, try_put, unset};
use crate::setup::{hello, simulator};

#[tokio::test]
async fn a_change_that_would_do_harm_is_refused_and_nothing_of_it_kept() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    let account = "vendors.sim.accounts.first";
    let before = gateway.admin().get("/admin/config").await.json();
    for (path, body, status, said) in [
        (
            format!("{account}.weight"),
            json!({"value": -1}),
            422,
            "-1 is not a number of at least 0",
        ),
        (
            format!("{account}.wieght"),
            json!({"value": 1}),
            422,
            "did you mean \"weight\"?",
        ),
        (
            "vendors.sim.accounts.frist.weight".into(),
            json!({"value": 1}),
            422,
            "no account \"frist\"",
        ),
        (
            "vendors.sim.accounts.frist".into(),
            json!({"removed": true}),
            404,
            "did you mean \"first\"?",
        ),
        (
            "server.listen".into(),
            json!({"value": "0.0.0.0:1"}),
            422,
            "is for the file alone",
        ),
        ("keys".into(), json!({"value": []}), 422, "is for the file alone"),
        (
            "vendors.sim.base_url".into(),
            json!({"value": "http://127.0.0.1:1"}),
            422,
            "is for the file alone",
        ),
        (
            "vendors.sim".into(),
            json!({"value": {"models": ["m"]}}),
            422,
            "stands in the file",
        ),
        (
            "vendors.sim".into(),
            json!({"removed": true}),
            422,
            "unknown vendor \"sim\"",
        ),
        (
            "vendors.sim.accounts.x".into(),
            json!({"value": {"api_key": "${HOME}"}}),
            422,
            "variables are for the file",
        ),
        (
            "vendors.sim.accounts.x".into(),
            json!({"value": {"api_kye": "x"}}),
            422,
            "did you mean \"api_key\"?",
        ),
        (
            "vendors.new".into(),
            json!({"value": {"adapter": "none", "models": ["x"]}}),
            422,
            "none",
        ),
        (
            "a..b".into(),
            json!({"value": 1}),
            400,
            "nothing between two dots",
        ),
        (account.into(), json!({"valeu": 1}), 400, "unknown field `valeu`"),
        (account.into(), json!({}), 400, "value is missing"),
        (
            account.into(),
            json!({"value": 1, "removed": true}),
            400,
            "exclude each other",
        ),
    ] {
        let refused = try_put(&gateway, &path, body).await;
        assert_eq!(refused.status, status, "{path}: {}", refused.text());
        assert!(
            refused.error().message.contains(said),
            "{path}: {}",
            refused.text()
        );
    }
    let gone = unset(&gateway, "vendors.sim.accounts.first.weight").await;
    assert_eq!(
        (gone.status, gone.error().param.as_deref()),
        (404, Some("vendors.sim.accounts.first.weight"))
    );
    let large = json!({"value": "x".repeat(2 << 20)});
    assert_eq!(try_put(&gateway, "default_model", large).await.status, 413);

    // All or nothing: the second of three is wrong.
    let several = json!({"changes": [
        {"path": "vendors.sim.accounts.first.weight", "value": 5},
        {"path": "vendors.sim.accounts.first.weigth", "value": 5},
        {"path": "default_model", "value": "m"},
    ]});
    let refused = gateway.admin().post("/admin/config", several.to_string()).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let after = gateway.admin().get("/admin/config").await.json();
    assert_eq!(after, before);

    let several = json!({"changes": [
        {"path": "vendors.sim.accounts.first.weight", "value": 5},
        {"path": "default_model", "value": "m"},
    ]});
    let made = gateway.admin().post("/admin/config", several.to_string()).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let after = gateway.admin().get("/admin/config").await.json();
    assert_eq!(
        (after["changes"].as_array().unwrap().len(), &after["generation"]),
        (2, &json!(2))
    );
}

#[tokio::test]
async fn only_the_admin_sees_and_changes_settings() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    for client in [gateway.client(), gateway.client_with("wrong")] {
        assert_eq!(client.get("/admin/config").await.status, 401);
        assert_eq!(client.get("/debug/config").await.status, 401);
        let sent = client
            .send(
                Method::PUT,
                "/admin/config/default_model",
                r#"{"value":"m"}"#.into(),
            )
            .await;
        assert_eq!(sent.whole().await.status, 401);
        let sent = client
            .send(Method::DELETE, "/admin/config/default_model", "".into())
            .await;
        assert_eq!(sent.whole().await.status, 401);
    }
    let shown = gateway.admin().get("/debug/config").await;
    assert_eq!(shown.json(), gateway.admin().get("/admin/config").await.json());
    let text = shown.text();
    for secret in ["the-key-of-first", "test-admin", "test-key", "unspeakable"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert_eq!(
        shown.json()["config"]["vendors"]["sim"]["accounts"][0]["api_key"],
        "***able"
    );
}

#[tokio::test]
async fn a_vendor_without_any_account_is_pointed_out() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator).await;
    let removed = try_put(&gateway, "vendors.sim.accounts.first", json!({"removed": true})).await;
    assert_eq!(removed.status, 200, "{}", removed.text());
    let warnings = removed.json()["warnings"].to_string();
    assert!(
        warnings.contains("nothing will be sent to the vendor"),
        "{warnings}"
    );
    // Said once, to the one who did it.
    let other = try_put(&gateway, "default_model", json!({"value": "m"}))
        .await
        .json();
    assert_eq!(other["warnings"], json!([]));
    let refused = gateway.client().chat(&hello()).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
}
