//! Requests that no vendor gets to see, and models that cannot do what is asked.

use patchbay_tests::{Answer, Gateway, SERVER};
use serde_json::{Value, json};

use crate::setup::{asked, hello, one_vendor, say, simulator, streamed, vendor, with};

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_the_member_at_fault() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    let messages = r#""messages":[{"role":"user","content":"a"}]"#;
    for (body, param) in [
        (String::new(), None),
        ("hello".to_owned(), None),
        ("[]".to_owned(), None),
        (format!("{{\"model\":\"m\",{messages}"), None),
        (
            format!("{{\"model\":\"m\",\"model\":\"other\",{messages}}}"),
            None,
        ),
        (
            format!("{{\"model\":\"m\",\"mod\\u0065l\":\"other\",{messages}}}"),
            None,
        ),
        (format!("{{\"model\":\"m\",{messages}}} trailing"), None),
        (format!("{{{messages}}}"), Some("model")),
        (format!("{{\"model\":null,{messages}}}"), Some("model")),
        (format!("{{\"model\":[\"m\"],{messages}}}"), Some("model")),
        (r#"{"model":"m"}"#.to_owned(), Some("messages")),
        (r#"{"model":"m","messages":[]}"#.to_owned(), Some("messages")),
        (
            r#"{"model":"m","messages":{"role":"user"}}"#.to_owned(),
            Some("messages"),
        ),
        (
            r#"{"model":"m","messages":["hello"]}"#.to_owned(),
            Some("messages"),
        ),
        (
            format!("{{\"model\":\"m\",\"stream\":\"yes\",{messages}}}"),
            Some("stream"),
        ),
        (
            format!("{{\"model\":\"m\",\"stream_options\":1,{messages}}}"),
            Some("stream_options"),
        ),
    ] {
        let answer = gateway.client().post("/v1/chat/completions", body.clone()).await;
        let error = answer.error();
        assert_eq!(
            (answer.status, error.param.as_deref()),
            (400, param),
            "{body}: {error:?}"
        );
        assert_eq!(error.kind, "invalid_request_error");
    }
    let answer = gateway.client().embed(&json!({"model": "e"})).await;
    assert_eq!(
        (answer.status, answer.error().param.as_deref()),
        (400, Some("input"))
    );
    assert!(simulator.requests().is_empty());
    gateway
        .metric_until("patchbay_requests_total", &[("outcome", "invalid_request")], 17.0)
        .await;
}

#[tokio::test]
async fn a_body_longer_than_allowed_is_refused() {
    let simulator = simulator().await;
    let server = SERVER.replace("[server]", "[server]\nmax_body = \"10KB\"");
    let config = format!("{server}{}models = [\"m\"]\n", vendor(&simulator, "sim"));
    let gateway = Gateway::start(&["openai"], &config).await;
    let answer = gateway.client().chat(&say(&"a".repeat(10_000))).await;
    assert_eq!(answer.status, 413);
    assert!(
        answer.error().message.contains("10000 bytes"),
        "{}",
        answer.text()
    );
    assert_eq!(gateway.client().chat(&say(&"a".repeat(9_000))).await.status, 200);
    assert_eq!(simulator.requests().len(), 1);
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_so() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    let client = gateway.client();
    for (answer, status) in [
        (client.get("/").await, 404),
        (client.get("/v1").await, 404),
        (client.post("/v1/completions", "{}").await, 404),
        (client.get("/v1/chat/completions").await, 405),
        (client.post("/v1/models", "{}").await, 405),
        (client.post("/metrics", "").await, 405),
        (gateway.admin().get("/admin/reload").await, 405),
    ] {
        assert_eq!(
            (answer.status, answer.error().kind.as_str()),
            (status, "invalid_request_error")
        );
    }
}

/// Two vendors for `m`: the first can do `lesser` only, the second everything.
async fn lesser_and_able(lesser: &str) -> (patchbay_simulator::Simulator, Gateway) {
    let simulator = simulator().await;
    let config = format!(
        "{SERVER}{}models = [{{ name = \"m\", {lesser} }}, {{ name = \"alone\", {lesser} }}]\n{}models = [\"m\"]\n\
         [models.m]\ntargets = [\"lesser/m\", \"able/m\"]\n[models.alone]\ntargets = [\"lesser/alone\"]\n",
        vendor(&simulator, "lesser"),
        vendor(&simulator, "able"),
    );
    let gateway = Gateway::start(&["openai"], &config).await;
    (simulator, gateway)
}

fn assert_incapable(answer: &Answer, what: &str) {
    let error = answer.error();
    assert_eq!(
        (answer.status, error.code.as_deref()),
        (400, Some("unsupported_by_model"))
    );
    assert!(error.message.contains(what), "{error:?}");
}

/// With a candidate that can, it serves; without, the caller is told.
async fn assert_needs(lesser: &str, request: Value, what: &str) {
    let (simulator, gateway) = lesser_and_able(lesser).await;
    assert_eq!(gateway.client().chat(&hello()).await.status, 200);
    assert_eq!(gateway.client().chat(&request).await.status, 200);
    assert_eq!(asked(&simulator), ["lesser", "able"], "{what}");
    assert_incapable(
        &gateway
            .client()
            .chat(&with(request, json!({"model": "alone"})))
            .await,
        what,
    );
    assert_eq!(simulator.requests().len(), 2);
}

#[tokio::test]
async fn only_a_model_with_tools_gets_tools() {
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}});
    let request = with(hello(), json!({"tools": [tool]}));
    assert_needs(
        r#"capabilities = ["chat", "streaming", "vision"]"#,
        request,
        "tools",
    )
    .await;
}

#[tokio::test]
async fn only_a_model_with_vision_gets_images() {
    let request = json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]});
    assert_needs(
        r#"capabilities = ["chat", "streaming", "tools"]"#,
        request,
        "images",
    )
    .await;
}

#[tokio::test]
async fn only_a_model_that_streams_gets_streams() {
    assert_needs(
        r#"capabilities = ["chat", "tools", "vision"]"#,
        streamed(hello()),
        "streams",
    )
    .await;
}

#[tokio::test]
async fn only_a_model_with_room_gets_long_prompts() {
    assert_needs(
        "context_length = 100",
        say(&"word ".repeat(110)),
        "context of 100",
    )
    .await;
}

#[tokio::test]
async fn a_chat_model_embeds_nothing_and_an_embedding_model_does_not_chat() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    assert_incapable(
        &gateway.client().embed(&json!({"model": "m", "input": "a"})).await,
        "embeddings",
    );
    assert_incapable(
        &gateway.client().chat(&with(hello(), json!({"model": "e"}))).await,
        "chat",
    );
}
