//! Streamed answers, event by event.

use patchbay_simulator::Rule;
use serde_json::{Value, json};

use crate::client::{hello, simulator, streamed};

#[tokio::test]
async fn a_stream_is_role_tokens_finish_and_end_mark() {
    let (_simulator, client) = simulator([Rule::always().tokens(2)]).await;
    let answer = client.chat("key-1", &streamed()).await;
    assert!(answer.clean);
    assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": "gpt-4o", "service_tier": "default", "system_fingerprint": "fp_key-1",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]})
    };
    let expected = [
        chunk(
            json!({"role": "assistant", "content": "", "refusal": null}),
            Value::Null,
        ),
        chunk(json!({"content": "token-0"}), Value::Null),
        chunk(json!({"content": " token-1"}), Value::Null),
        chunk(json!({}), json!("stop")),
    ];
    assert_eq!(answer.chunks(), expected);
    assert_eq!(answer.data().last().unwrap(), "[DONE]");
}

#[tokio::test]
async fn a_stream_says_what_the_whole_answer_says() {
    let (_simulator, client) = simulator([]).await;
    let extra = json!({"messages": [{"role": "user", "content": "Say \"hé\"\nplease"}], "max_tokens": 5});
    let whole = client.chat("a", &hello(&extra)).await.json();
    let mut request = hello(&extra);
    request["stream"] = json!(true);
    let stream = client.chat("a", &request).await;
    assert_eq!(whole["choices"][0]["message"]["content"], stream.said(0));
    assert_eq!(
        stream.chunks().last().unwrap()["choices"][0]["finish_reason"],
        "length"
    );
}

#[tokio::test]
async fn usage_comes_last_and_is_null_before() {
    let (_simulator, client) = simulator([Rule::always().tokens(3)]).await;
    let request = hello(&json!({"stream": true, "stream_options": {"include_usage": true}}));
    let chunks = client.chat("a", &request).await.chunks();
    let (last, before) = chunks.split_last().unwrap();
    assert!(
        before
            .iter()
            .all(|chunk| chunk.get("usage") == Some(&Value::Null))
    );
    assert_eq!(
        (&last["choices"], &last["usage"]["total_tokens"]),
        (&json!([]), &json!(5))
    );
    assert_eq!(last["usage"]["completion_tokens"], 3);
}

#[tokio::test]
async fn choices_take_turns() {
    let (_simulator, client) = simulator([Rule::always().tokens(3)]).await;
    let answer = client.chat("a", &hello(&json!({"stream": true, "n": 2}))).await;
    assert_eq!(
        (answer.said(0), answer.said(1)),
        ("token-0 token-1 token-2".into(), "token-0 token-1 token-2".into())
    );
    let indices: Vec<Value> = answer
        .chunks()
        .iter()
        .map(|chunk| chunk["choices"][0]["index"].clone())
        .collect();
    assert_eq!(indices, [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
}

#[tokio::test]
async fn a_tool_call_arrives_in_fragments() {
    let (_simulator, client) = simulator([]).await;
    let parameters = json!({"type": "object", "properties": {"location": {"type": "string"}}});
    let tools = json!([{"type": "function", "function": {"name": "weather", "parameters": parameters}}]);
    let chunks = client
        .chat("a", &hello(&json!({"stream": true, "tools": tools})))
        .await
        .chunks();
    assert_eq!(
        chunks[0]["choices"][0]["delta"],
        json!({"role": "assistant", "content": null})
    );
    let call = |at: usize| &chunks[at]["choices"][0]["delta"]["tool_calls"][0];
    let first = json!({"index": 0, "id": "call_1_0", "type": "function",
        "function": {"name": "weather", "arguments": ""}});
    assert_eq!(call(1), &first);
    assert_eq!(call(2), &json!({"index": 0, "function": {"arguments": "{\"loc"}}));
    let fragments = 2..chunks.len() - 1;
    assert!(fragments.len() > 3);
    let arguments: String = fragments
        .map(|at| call(at)["function"]["arguments"].as_str().unwrap())
        .collect();
    assert_eq!(arguments, "{\"location\":\"location\"}");
    assert_eq!(
        chunks.last().unwrap()["choices"][0]["finish_reason"],
        "tool_calls"
    );
}
