//! A vendor whose API is not the canonical one, behind the adapter that translates: what is asked and answered is the
//! same as anywhere, and pictures do not pass through the plugin.

use patchbay_simulator::{Rule, Simulator};
use patchbay_tests::{Gateway, SERVER};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::setup::{hello, simulator, streamed, with};

/// One vendor that speaks Anthropic's API, with these further lines of configuration.
async fn gateway(base_url: &str, more: &str) -> Gateway {
    let vendor = format!(
        "[vendors.claude]\nadapter = \"anthropic\"\nbase_url = \"{base_url}\"\napi_key = \"claude-key\"\n\
         models = [{{ name = \"m\", max_output_tokens = 500, price = {{ input = 1.0, output = 2.0 }} }}]\n"
    );
    Gateway::start(&["anthropic"], &format!("{SERVER}{vendor}{more}")).await
}

async fn simulated(simulator: &Simulator) -> Gateway {
    gateway(&format!("{}/claude/v1", simulator.url()), "").await
}

#[tokio::test]
async fn it_is_asked_and_answers_like_any_other() {
    let simulator = simulator().await;
    let gateway = simulated(&simulator).await;
    let whole = gateway.client().chat(&hello()).await;
    assert_eq!(whole.content(), "Simulated reply to: Hello there");
    let answer = whole.json();
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert!(
        answer["usage"]["completion_tokens"].as_u64().unwrap() > 0,
        "{answer}"
    );

    let asked = with(
        streamed(hello()),
        json!({"stream_options": {"include_usage": true}}),
    );
    let stream = gateway.client().stream(&asked).await.to_end().await;
    assert!(stream.is_done() && stream.clean);
    assert_eq!(stream.content(), "Simulated reply to: Hello there");
    let chunks = stream.chunks();
    let (usage, finish) = (&chunks[chunks.len() - 1], &chunks[chunks.len() - 2]);
    for count in ["prompt_tokens", "completion_tokens", "total_tokens"] {
        assert_eq!(usage["usage"][count], answer["usage"][count], "{count}");
    }
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");

    let sent = &simulator.requests()[0];
    assert_eq!(
        (sent.path.as_str(), sent.account.as_str()),
        ("/claude/v1/messages", "claude-key")
    );
    assert_eq!(sent.body["max_tokens"], 500, "what the model's settings say");
    assert_eq!(sent.headers["anthropic-version"], "2023-06-01");
    let record = gateway.record(whole.header("x-request-id")).await;
    assert!(record["cost_usd"].as_f64().unwrap() > 0.0, "{record}");
}

#[tokio::test]
async fn tools_are_called_and_their_results_sent() {
    let simulator = simulator().await;
    let gateway = simulated(&simulator).await;
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let tool = json!({"type": "function", "function": {"name": "weather", "parameters": schema}});
    let request = with(hello(), json!({"tools": [tool]}));
    let answer = gateway.client().chat(&request).await.json();
    let message = &answer["choices"][0]["message"];
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    let call = &message["tool_calls"][0];
    assert_eq!(call["function"]["name"], "weather");
    let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({"city": "city"}));

    let stream = gateway
        .client()
        .stream(&streamed(request.clone()))
        .await
        .to_end()
        .await;
    let fragments: String = stream
        .chunks()
        .iter()
        .filter_map(|chunk| {
            let call = &chunk["choices"][0]["delta"]["tool_calls"][0];
            call["function"]["arguments"].as_str().map(str::to_owned)
        })
        .collect();
    assert_eq!(serde_json::from_str::<Value>(&fragments).unwrap(), arguments);

    let result = json!({"role": "tool", "tool_call_id": call["id"], "content": "sunny"});
    let messages = json!([request["messages"][0], message, result]);
    simulator.forget_requests();
    let answer = gateway
        .client()
        .chat(&with(request, json!({"messages": messages})))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = &simulator.requests()[0].body["messages"];
    assert_eq!(sent[1]["content"][0]["type"], "tool_use");
    assert_eq!(sent[2]["content"][0]["tool_use_id"], call["id"]);
}

#[tokio::test]
async fn its_errors_mean_the_same_as_anybodys() {
    let simulator = simulator().await;
    let gateway = simulated(&simulator).await;
    for (code, status, kind) in [
        (400, 400, "invalid_request"),
        (401, 502, "authentication_error"),
        (413, 400, "invalid_request"),
        (500, 502, "internal_error"),
        (529, 503, "service_unavailable"),
    ] {
        let code = http::StatusCode::from_u16(code).unwrap();
        simulator.set_rules(vec![Rule::always().status(code)]);
        for request in [hello(), streamed(hello())] {
            let answer = gateway.client().chat(&request).await;
            assert_eq!(
                (answer.status, answer.error().code.as_deref()),
                (status, Some(kind)),
                "{code}"
            );
        }
    }
}

/// The address of a server that answers one request, and what it was sent.
async fn one_that_listens() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let received = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut received = Vec::new();
        let length = loop {
            connection.read_buf(&mut received).await.unwrap();
            let head = received.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(head) = head {
                let text = String::from_utf8_lossy(&received[..head]).to_lowercase();
                let length = text
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .unwrap();
                break head + 4 + length.parse::<usize>().unwrap();
            }
        };
        while received.len() < length {
            connection.read_buf(&mut received).await.unwrap();
        }
        let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "a cat"}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 5, "output_tokens": 2}})
        .to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all((head + &body).as_bytes()).await.unwrap();
        String::from_utf8(received).unwrap()
    });
    (url, received)
}

#[tokio::test]
async fn a_large_picture_reaches_the_vendor_without_passing_through_the_plugin() {
    let (url, received) = one_that_listens().await;
    // The plugin could not even hold the picture.
    let limits = "[plugins.grants.anthropic]\nlimits = { memory = \"8MiB\", body = \"32MiB\" }\n";
    let gateway = gateway(&url, limits).await;
    let picture: String = (0..20_000_000u32)
        .map(|at| char::from(b'A' + (at % 23) as u8))
        .collect();
    let parts = json!([
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{picture}")}},
    ]);
    let request = with(hello(), json!({"messages": [{"role": "user", "content": parts}]}));
    let answer = gateway.client().chat(&request).await;
    assert_eq!((answer.status, answer.content().as_str()), (200, "a cat"));
    let received = received.await.unwrap();
    let source = format!("\"media_type\":\"image/png\",\"data\":\"{picture}\"");
    assert!(received.contains(&source), "the picture is there as it was");
    assert!(!received.contains("patchbayMarker"));
}

#[tokio::test]
async fn pictures_that_become_more_than_the_plugin_may_send_are_refused() {
    let limits = "[plugins.grants.anthropic]\nlimits = { body = \"1MiB\" }\n";
    let gateway = gateway("http://127.0.0.1:9/v1", limits).await;
    let url = format!("data:image/png;base64,{}", "QUJD".repeat(300_000));
    let parts = json!([{"type": "image_url", "image_url": {"url": url}}]);
    let request = with(hello(), json!({"messages": [{"role": "user", "content": parts}]}));
    let answer = gateway.client().chat(&request).await;
    assert_eq!(
        (answer.status, answer.error().code.as_deref()),
        (502, Some("plugin_error"))
    );
    gateway.logged_text("plugins.limits.body").await;
}
