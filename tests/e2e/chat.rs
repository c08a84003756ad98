//! Chats and embeddings that go well: what the vendor is asked and what the caller gets.

use patchbay_simulator::Rule;
use patchbay_tests::{Gateway, KEY, SERVER};
use serde_json::{Value, json};

use crate::setup::{hello, one_vendor, say, simulator, streamed, vendor, with};

/// A chat completion as no simulator would write it: spaces, number formats, members nobody knows.
const ODD_ANSWER: &str = r#"{ "id":"x1", "choices": [ {"index":0,"message":{"role":"assistant","content":"h\u00e9llo","mood":"calm"},"finish_reason":"stop"} ],
  "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"joules":1.50e2}, "zeta":[1.0,2e-7] }"#;

#[tokio::test]
async fn a_whole_answer_comes_back_as_the_vendor_wrote_it() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    simulator.add(Rule::always().body(ODD_ANSWER));
    let answer = gateway.client().chat(&hello()).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ODD_ANSWER));
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_request_reaches_the_vendor_with_nothing_changed_but_the_models_name() {
    let simulator = simulator().await;
    let models = "models = [\"up-stream\"]\n[models.m]\ntargets = [\"sim/up-stream\"]\n";
    let config = format!("{SERVER}{}{models}", vendor(&simulator, "sim"));
    let gateway = Gateway::start(&["openai"], &config).await;
    let request = with(
        hello(),
        json!({"temperature": 0.25, "made_up": {"deep": [1, null]}, "seed": 7}),
    );
    assert_eq!(gateway.client().chat(&request).await.status, 200);
    let received = simulator.requests().remove(0);
    assert_eq!(received.body, with(request, json!({"model": "up-stream"})));
    assert_eq!(received.account, "sim-key");
    assert_eq!(received.path, "/sim/v1/chat/completions");
    assert_eq!(received.headers["content-type"], "application/json");
    assert!(
        !received.headers.values().any(|value| value.contains(KEY)),
        "{:?}",
        received.headers
    );
}

#[tokio::test]
async fn a_length_is_renamed_for_models_that_know_it_by_another_name() {
    let simulator = simulator().await;
    let rest = "settings = { rename_max_tokens = true }\nmodels = [\"m\"]\n";
    let config = format!("{SERVER}{}{rest}", vendor(&simulator, "sim"));
    let gateway = Gateway::start(&["openai"], &config).await;
    let request = with(hello(), json!({"max_tokens": 9}));
    assert_eq!(gateway.client().chat(&request).await.status, 200);
    let received = simulator.requests().remove(0);
    assert_eq!(received.body["max_completion_tokens"], 9);
    assert_eq!(received.body.get("max_tokens"), None);
}

#[tokio::test]
async fn a_stream_comes_back_event_by_event_as_the_vendor_wrote_it() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    simulator.add(Rule::always().tokens(5));
    let stream = gateway.client().stream(&streamed(hello())).await;
    assert_eq!(
        (stream.status, stream.header("content-type")),
        (200, "text/event-stream")
    );
    let through = stream.to_end().await;
    assert!(through.is_done() && through.clean);
    assert_eq!(through.content(), "token-0 token-1 token-2 token-3 token-4");

    // The same from the vendor itself; only the running number in the id differs.
    let direct = patchbay_tests::Client::new(simulator.addr(), Some("sim-key"));
    let direct = direct.send(http::Method::POST, "/sim/v1/chat/completions", {
        with(
            streamed(hello()),
            json!({"stream_options": {"include_usage": true}}),
        )
        .to_string()
        .into()
    });
    let direct = direct.await.to_end().await;
    let events = |stream: &patchbay_tests::Streamed, id: &str| -> Vec<String> {
        stream
            .events
            .iter()
            .map(|event| event.data.replace(id, "ID"))
            .collect()
    };
    let without_usage: Vec<String> = events(&direct, "chatcmpl-2")
        .into_iter()
        .filter(|event| !event.contains("\"choices\":[]"))
        .collect();
    assert_eq!(events(&through, "chatcmpl-1"), without_usage);
}

#[tokio::test]
async fn tokens_are_passed_on_as_they_come() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    simulator.add(
        Rule::always()
            .tokens(4)
            .interval(std::time::Duration::from_millis(100)),
    );
    let stream = gateway.client().stream(&streamed(hello())).await.to_end().await;
    let tokens: Vec<_> = stream
        .events
        .iter()
        .filter(|event| event.data.contains("token-"))
        .collect();
    for pair in tokens.windows(2) {
        let gap = pair[1].at - pair[0].at;
        assert!(gap.as_millis() >= 50, "two tokens came within {gap:?}");
    }
}

#[tokio::test]
async fn usage_is_always_asked_for_and_shown_to_callers_who_want_it() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    let plain = gateway.client().stream(&streamed(hello())).await.to_end().await;
    assert!(
        plain.chunks().iter().all(|chunk| chunk["usage"].is_null()),
        "{:?}",
        plain.events
    );
    let options = json!({"stream_options": {"include_usage": true, "extra": 1}});
    let asking = gateway
        .client()
        .stream(&with(streamed(hello()), options))
        .await
        .to_end()
        .await;
    let last = asking.chunks().pop().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["prompt_tokens"], 2);
    let options: Vec<Value> = simulator
        .requests()
        .iter()
        .map(|request| request.body["stream_options"].clone())
        .collect();
    assert_eq!(
        options,
        [
            json!({"include_usage": true}),
            json!({"include_usage": true, "extra": 1})
        ]
    );

    // Both were metered: 2 words in, 5 words out.
    for stream in [plain, asking] {
        let record = gateway.record(stream.header("x-request-id")).await;
        assert_eq!(
            (&record["input_tokens"], &record["output_tokens"]),
            (&json!(2), &json!(5))
        );
    }
    gateway
        .metric_until("patchbay_tokens_total", &[("class", "output")], 10.0)
        .await;
}

#[tokio::test]
async fn a_stream_of_several_choices_passes_whole() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    simulator.add(Rule::always().tokens(3));
    let stream = gateway
        .client()
        .stream(&with(streamed(hello()), json!({"n": 2})))
        .await
        .to_end()
        .await;
    let finished: Vec<u64> = stream
        .chunks()
        .iter()
        .filter(|chunk| chunk["choices"][0]["finish_reason"] == "stop")
        .filter_map(|chunk| chunk["choices"][0]["index"].as_u64())
        .collect();
    assert_eq!((finished, stream.is_done()), (vec![0, 1], true));
}

#[tokio::test]
async fn the_models_parameters_apply_only_where_the_caller_says_nothing() {
    let simulator = simulator().await;
    let models = "models = [{ name = \"m\", parameters = { temperature = 0.2, stop = [\"END\"] } }]\n";
    let config = format!("{SERVER}{}{models}", vendor(&simulator, "sim"));
    let gateway = Gateway::start(&["openai"], &config).await;
    gateway.client().chat(&hello()).await;
    gateway
        .client()
        .chat(&with(hello(), json!({"temperature": 0.9, "stop": null})))
        .await;
    let sent: Vec<(Value, Value)> = simulator
        .requests()
        .iter()
        .map(|request| (request.body["temperature"].clone(), request.body["stop"].clone()))
        .collect();
    assert_eq!(sent, [(json!(0.2), json!(["END"])), (json!(0.9), Value::Null)]);
}

#[tokio::test]
async fn tools_and_images_reach_the_vendor_and_calls_come_back() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    let tool = json!({"type": "function", "function": {"name": "look_up", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}});
    let request = with(hello(), json!({"tools": [tool]}));
    let call = &gateway.client().chat(&request).await.json()["choices"][0];
    assert_eq!(call["finish_reason"], "tool_calls");
    assert_eq!(call["message"]["tool_calls"][0]["function"]["name"], "look_up");

    let stream = gateway.client().stream(&streamed(request)).await.to_end().await;
    let calls: Vec<Value> = stream
        .chunks()
        .iter()
        .map(|chunk| chunk["choices"][0]["delta"]["tool_calls"][0]["function"].clone())
        .collect();
    let arguments: String = calls
        .iter()
        .filter_map(|call| call["arguments"].as_str())
        .collect();
    assert!(stream.is_done() && calls.len() > 3, "{calls:?}");
    let arguments: Value = serde_json::from_str(&arguments).unwrap();
    assert!(arguments["city"].is_string());

    let image = json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}]});
    let answer = gateway.client().chat(&image).await;
    assert_eq!(
        answer.content(),
        "I see 1 image. Simulated reply to: What is this?"
    );
    assert_eq!(
        simulator.requests().pop().unwrap().body["messages"],
        image["messages"]
    );
}

#[tokio::test]
async fn embeddings_come_as_floats_and_as_base64() {
    let simulator = simulator().await;
    let gateway = one_vendor(&simulator).await;
    let request = json!({"model": "e", "input": ["one", "two words"], "dimensions": 4});
    let floats = gateway.client().embed(&request).await;
    assert_eq!(floats.status, 200);
    let floats = floats.json();
    assert_eq!(floats["data"][1]["embedding"].as_array().unwrap().len(), 4);
    assert_eq!(floats["usage"]["prompt_tokens"], 3);
    let base64 = gateway
        .client()
        .embed(&with(request, json!({"encoding_format": "base64"})))
        .await
        .json();
    // 4 floats are 16 bytes, which base64 writes in 24 characters.
    assert_eq!(base64["data"][1]["embedding"].as_str().map(str::len), Some(24));
    gateway
        .metric_until(
            "patchbay_tokens_total",
            &[("model", "e"), ("class", "input")],
            6.0,
        )
        .await;
}

#[tokio::test]
async fn an_adapter_without_a_server_answers_whole_and_streamed() {
    let config = format!(
        "{SERVER}[vendors.echo]\nmodels = [\"m\", {{ name = \"e\", capabilities = [\"embeddings\"] }}]\n"
    );
    let gateway = Gateway::start(&["echo"], &config).await;
    let whole = gateway.client().chat(&say("one two  three")).await;
    assert_eq!(whole.content(), "one two  three");
    assert_eq!(whole.json()["usage"]["completion_tokens"], 3);
    let options = json!({"stream_options": {"include_usage": true}});
    let stream = gateway
        .client()
        .stream(&with(streamed(say("one two  three")), options))
        .await
        .to_end()
        .await;
    assert_eq!(
        (stream.content().as_str(), stream.is_done()),
        ("one two  three", true)
    );
    let usage = stream.chunks().pop().unwrap();
    assert_eq!(
        (&usage["usage"]["total_tokens"], &usage["choices"]),
        (&json!(6), &json!([]))
    );
    let vector = gateway
        .client()
        .embed(&json!({"model": "e", "input": "a", "dimensions": 3}))
        .await
        .json();
    assert_eq!(vector["data"][0]["embedding"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_translating_adapter_serves_whole_and_streamed_and_counts() {
    let simulator = simulator().await;
    let config = format!(
        "{SERVER}{}models = [\"m\"]\n",
        vendor(&simulator, "sim").replace("\"openai\"", "\"relay\"")
    );
    let gateway = Gateway::start(&["relay"], &config).await;
    let whole = gateway.client().chat(&hello()).await;
    assert_eq!(whole.content(), "Simulated reply to: Hello there");
    let version = whole.json()["stamp"].as_str().unwrap().to_owned();
    assert_eq!(whole.header("x-patchbay-adapter"), format!("relay@{version}"));
    let options = json!({"stream_options": {"include_usage": true}});
    let stream = gateway
        .client()
        .stream(&with(streamed(hello()), options))
        .await
        .to_end()
        .await;
    let chunks = stream.chunks();
    assert_eq!(
        (stream.content().as_str(), stream.is_done()),
        ("Simulated reply to: Hello there", true)
    );
    assert_eq!(
        (&chunks[0]["stamp"], &chunks[1]["stamp"]),
        (&json!(version), &Value::Null)
    );
    assert_eq!(chunks.last().unwrap()["usage"]["completion_tokens"], 5);
    let record = gateway.record(stream.header("x-request-id")).await;
    assert_eq!(
        (&record["input_tokens"], &record["output_tokens"]),
        (&json!(2), &json!(5))
    );
}
