//! Who may call, and what they may use.

use patchbay_tests::{ADMIN_KEY, Answer, Client, Gateway, KEY, SERVER};

use crate::setup::{hello, one_vendor, simulator, vendor};

fn assert_refused(answer: &Answer) {
    let error = answer.error();
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(
        (error.kind.as_str(), error.code.as_deref()),
        ("invalid_request_error", Some("invalid_api_key"))
    );
}

#[tokio::test]
async fn only_a_known_key_as_bearer_is_let_in() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    let nobody = Client::new(gateway.address, None);
    let strangers = [
        nobody.clone(),
        gateway.client_with("test-kez"),
        gateway.client_with("test-key.unspeakable-and-more"),
        gateway.client_with("test-ke"),
        gateway.client_with(""),
        gateway.client_with(ADMIN_KEY),
        nobody.clone().authorization(KEY),
        nobody.clone().authorization("Basic dGVzdC1rZXk6"),
        nobody.clone().authorization("Bearertest-key.unspeakable"),
    ];
    for stranger in strangers {
        assert_refused(&stranger.chat(&hello()).await);
        assert_refused(&stranger.embed(&hello()).await);
        assert_refused(&stranger.get("/v1/models").await);
        assert_refused(&stranger.get("/v1/models/m").await);
    }
    assert!(simulator.requests().is_empty());
    assert_eq!(
        nobody
            .authorization("bEARER  test-key.unspeakable ")
            .chat(&hello())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_stranger_is_refused_before_the_body_is_looked_at() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    assert_refused(
        &gateway
            .client_with("wrong")
            .post("/v1/chat/completions", "{ not json")
            .await,
    );
}

#[tokio::test]
async fn a_limited_key_sees_and_uses_only_its_models() {
    let simulator = simulator().await;
    let limited = "[[keys]]\nname = \"limited\"\nkey = \"limited-key\"\nmodels = [\"m\"]\n";
    let config = format!(
        "{SERVER}{limited}{}models = [\"m\", \"other\"]\n",
        vendor(&simulator, "sim")
    );
    let gateway = Gateway::start(&["openai"], &config).await;
    let client = gateway.client_with("limited-key");
    let list = client.get("/v1/models").await.json();
    assert_eq!(
        (list["data"].as_array().unwrap().len(), &list["data"][0]["id"]),
        (1, &"m".into())
    );
    assert_eq!(client.chat(&hello()).await.status, 200);

    let mut other = hello();
    other["model"] = "other".into();
    let hidden = client.chat(&other).await;
    other["model"] = "no-such-model".into();
    let unknown = client.chat(&other).await;
    for answer in [&hidden, &unknown, &client.get("/v1/models/other").await] {
        let error = answer.error();
        assert_eq!(answer.status, 404);
        assert_eq!(
            (error.code.as_deref(), error.param.as_deref()),
            (Some("model_not_found"), Some("model"))
        );
    }
    // What does not exist and what is somebody else's look the same.
    let message = hidden.error().message.replace("other", "no-such-model");
    assert_eq!(message, unknown.error().message);
    assert_eq!(simulator.requests().len(), 1);
    assert_eq!(gateway.client().get("/v1/models/other").await.status, 200);
}

#[tokio::test]
async fn the_admin_api_wants_the_admin_key() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    for stranger in [
        gateway.client(),
        gateway.client_with("wrong"),
        Client::new(gateway.address, None),
    ] {
        for answer in [
            stranger.get("/admin/plugins").await,
            stranger.post("/admin/reload", "").await,
        ] {
            assert_eq!(
                (answer.status, answer.error().kind.as_str()),
                (401, "invalid_request_error")
            );
        }
    }
    assert_eq!(gateway.admin().get("/admin/plugins").await.status, 200);
    assert_eq!(gateway.admin().post("/admin/reload", "").await.status, 200);
}

#[tokio::test]
async fn without_an_admin_key_the_admin_api_is_off() {
    let simulator = simulator().await;
    let config = format!("{SERVER}{}models = [\"m\"]\n", vendor(&simulator, "sim"));
    let gateway = Gateway::start(
        &["openai"],
        &config.replace("admin_key = \"test-admin.unspeakable\"\n", ""),
    )
    .await;
    for client in [gateway.client(), gateway.admin(), gateway.client_with("")] {
        let answer = client.get("/admin/plugins").await;
        assert_eq!(answer.status, 403);
        assert!(
            answer.error().message.contains("server.admin_key"),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn with_authentication_off_anybody_may_call() {
    let simulator = simulator().await;
    let server = "[server]\nlisten = \"127.0.0.1:0\"\nauthentication = \"off\"\n";
    let config = format!("{server}{}models = [\"m\"]\n", vendor(&simulator, "sim"));
    let gateway = Gateway::start(&["openai"], &config).await;
    for client in [
        Client::new(gateway.address, None),
        gateway.client_with("anything"),
    ] {
        assert_eq!(client.chat(&hello()).await.status, 200);
        assert_eq!(client.get("/v1/models").await.status, 200);
    }
    assert_eq!(gateway.admin().get("/admin/plugins").await.status, 403);
    gateway.logged_text("authentication is off").await;
}

#[tokio::test]
async fn health_and_metrics_are_open() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    let nobody = Client::new(gateway.address, None);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(nobody.get(path).await.status, 200, "{path}");
    }
}
