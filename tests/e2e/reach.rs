//! Where a plugin's requests may go, and what they may carry.

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use patchbay_simulator::Rule;
use serde_json::json;

use crate::hostile::{assert_error, assert_named, assert_serves, gateway, order};
use crate::setup::simulator;

#[tokio::test]
async fn no_request_leaves_for_where_it_was_not_allowed() {
    let (allowed, foreign) = (simulator().await, simulator().await);
    let gateway = gateway(&allowed, "").await;
    let elsewhere = foreign.addr();
    let paths = [
        format!("http://{elsewhere}/v1/chat/completions"),
        format!("@{elsewhere}/v1/chat/completions"),
        format!(":80@{elsewhere}/"),
        format!("/\\{elsewhere}/"),
        "/../../other/v1/chat/completions".to_owned(),
        "/./../v1/chat/completions".to_owned(),
        "/%2e%2E/%2e./admin".to_owned(),
        "/a/..".to_owned(),
        "/a b".to_owned(),
        "/a\r\nhost: evil".to_owned(),
        "/a#fragment".to_owned(),
        "chat/completions".to_owned(),
        String::new(),
        format!("/{}", "a".repeat(9000)),
    ];
    let wishes = paths.iter().map(|path| json!({"path": path})).chain([
        json!({"endpoint": "elsewhere"}),
        json!({"endpoint": "nowhere"}),
        json!({"endpoint": ""}),
        json!({"headers": [["host", elsewhere.to_string()]]}),
        json!({"headers": [["Host", elsewhere.to_string()]]}),
        json!({"headers": [["content-length", "5"]]}),
        json!({"headers": [["Transfer-Encoding", "chunked"]]}),
        json!({"headers": [["connection", "upgrade"]]}),
        json!({"headers": [["x-a", "b\r\nx-c: d"]]}),
        json!({"headers": [["x-a\r\nx-b", "c"]]}),
        json!({"headers": [["", "c"]]}),
    ]);
    for mut command in wishes {
        command["do"] = "send".into();
        let answer = gateway.client().chat(&order(&command)).await;
        assert_error(&answer, 502, "plugin_error", &command);
    }
    assert!(allowed.requests().is_empty());
    // Two slashes begin another host in a link, but here they are only an empty segment below the base URL.
    let path = format!("//{elsewhere}/v1/chat/completions");
    gateway
        .client()
        .chat(&order(&json!({"do": "send", "path": path})))
        .await;
    assert_serves(&gateway).await;
    assert_eq!(foreign.state().received, 0);
    assert_eq!(foreign.state().connections, 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (allowed, foreign) = (simulator().await, simulator().await);
    let gateway = gateway(&allowed, "").await;
    let location = HeaderValue::try_from(format!("{}/v1/chat/completions", foreign.url())).unwrap();
    for code in [301, 302, 303, 307, 308] {
        let rule = Rule::always().status(StatusCode::from_u16(code).unwrap());
        allowed.set_rules(vec![rule.header(LOCATION, location.clone())]);
        gateway
            .client()
            .chat(&order(&json!({"do": "send", "credential": "api_key"})))
            .await;
    }
    assert_eq!((allowed.requests().len(), foreign.state().connections), (5, 0));
}

#[tokio::test]
async fn a_credential_goes_where_it_belongs_and_nowhere_else() {
    let simulator = simulator().await;
    let gateway = gateway(&simulator, "").await;
    let answer = gateway
        .client()
        .chat(&order(&json!({"do": "send", "credential": "api_key"})))
        .await;
    assert_eq!(
        (answer.status, simulator.requests()[0].account.as_str()),
        (200, "hostile-key")
    );

    let command = json!({"do": "send", "credential": "somebody_elses_key"});
    assert_error(
        &gateway.client().chat(&order(&command)).await,
        502,
        "plugin_error",
        &command,
    );
    assert_named(&gateway, "exchange.start", "somebody_elses_key").await;
    assert_eq!(simulator.requests().len(), 1);
}
