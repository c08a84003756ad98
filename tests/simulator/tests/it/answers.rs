//! Whole answers: chat, embeddings, models, errors.

use http::{Method, StatusCode};
use patchbay_simulator::Rule;
use serde_json::{Value, json};

use crate::client::{hello, simulator};

#[tokio::test]
async fn a_chat_answer_has_the_vendors_shape() {
    let (_simulator, client) = simulator([]).await;
    let answer = client.chat("key-1", &hello(&json!({}))).await;
    assert_eq!((answer.status, answer.clean), (StatusCode::OK, true));
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(
        answer.headers["content-length"],
        answer.text().len().to_string().as_str()
    );
    assert_eq!(answer.headers["x-request-id"], "req-1");
    let expected = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "gpt-4o",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": "Simulated reply to: Hello there", "refusal": null,
                "annotations": []},
            "logprobs": null, "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 2, "completion_tokens": 5, "total_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
                "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
        },
        "service_tier": "default", "system_fingerprint": "fp_key-1",
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn choices_and_limits_are_kept() {
    let (_simulator, client) = simulator([Rule::always().tokens(9)]).await;
    let answer = client
        .chat("a", &hello(&json!({"n": 3, "max_tokens": 2})))
        .await
        .json();
    let choices = answer["choices"].as_array().unwrap();
    let seen: Vec<_> = choices
        .iter()
        .map(|at| (at["index"].clone(), at["finish_reason"].clone()))
        .collect();
    assert_eq!(seen, [0, 1, 2].map(|index| (json!(index), json!("length"))));
    assert_eq!(choices[2]["message"]["content"], "token-0 token-1");
    assert_eq!(answer["usage"]["completion_tokens"], 6);
}

#[tokio::test]
async fn a_stop_word_ends_the_answer() {
    let (_simulator, client) = simulator([Rule::always().tokens(9)]).await;
    for stop in [json!(" token-2"), json!(["en-3", " token-2"])] {
        let answer = client.chat("a", &hello(&json!({"stop": stop}))).await.json();
        let choice = &answer["choices"][0];
        assert_eq!(choice["message"]["content"], "token-0 token-1");
        assert_eq!(
            (&choice["finish_reason"], &answer["usage"]["completion_tokens"]),
            (&json!("stop"), &json!(2))
        );
    }
}

#[tokio::test]
async fn a_tool_is_called_with_arguments_that_fit() {
    let (_simulator, client) = simulator([]).await;
    let parameters =
        json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
    let tools = json!([{"type": "function", "function": {"name": "weather", "parameters": parameters}}]);
    let answer = client.chat("a", &hello(&json!({"tools": tools}))).await.json();
    let choice = &answer["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["message"]["content"]),
        (&json!("tool_calls"), &Value::Null)
    );
    let function = json!({"name": "weather", "arguments": "{\"city\":\"city\",\"days\":1}"});
    let expected = json!([{"id": "call_1_0", "type": "function", "function": function}]);
    assert_eq!(choice["message"]["tool_calls"], expected);
}

#[tokio::test]
async fn json_is_answered_where_it_is_asked_for() {
    let (_simulator, client) = simulator([]).await;
    let answer = client
        .chat("a", &hello(&json!({"response_format": {"type": "json_object"}})))
        .await
        .json();
    let content: Value =
        serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!(content, json!({"reply": "Simulated reply to: Hello there"}));
}

#[tokio::test]
async fn images_are_counted() {
    let (_simulator, client) = simulator([]).await;
    let image = json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}});
    let content = json!([{"type": "text", "text": "What is this?"}, image, image]);
    let request = json!({"model": "m", "messages": [{"role": "user", "content": content}]});
    let answer = client.chat("a", &request).await.json();
    let said = &answer["choices"][0]["message"]["content"];
    assert_eq!(said, "I see 2 images. Simulated reply to: What is this?");
}

#[tokio::test]
async fn embeddings_are_the_same_as_floats_and_as_base64() {
    let (_simulator, client) = simulator([]).await;
    let request =
        |format: &str| json!({"model": "e", "input": "a b", "dimensions": 3, "encoding_format": format});
    let floats = client.post("/v1/embeddings", "a", &request("float")).await.json();
    let base64 = client
        .post("/v1/embeddings", "a", &request("base64"))
        .await
        .json();
    let vector: Vec<f32> = serde_json::from_value(floats["data"][0]["embedding"].clone()).unwrap();
    assert_eq!(vector.len(), 3);
    // 12 bytes are 16 letters without padding; the first float is in the first six letters.
    let letters = base64["data"][0]["embedding"].as_str().unwrap();
    let letter = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let bits = letters
        .bytes()
        .take(6)
        .fold(0_u64, |bits, at| bits << 6 | u64::from(letter(at)));
    let [.., a, b, c, d] = (bits >> 4).to_be_bytes();
    assert_eq!((letters.len(), f32::from_le_bytes([a, b, c, d])), (16, vector[0]));
    assert_eq!(floats["model"], "e");
}

#[tokio::test]
async fn models_are_listed() {
    let (_simulator, client) = simulator([]).await;
    let answer = client.get("/north/v1/models").await.json();
    assert_eq!(
        (&answer["object"], &answer["data"][0]["id"]),
        (&json!("list"), &json!("gpt-4o"))
    );
}

#[tokio::test]
async fn bad_requests_get_the_vendors_error() {
    let (simulator, client) = simulator([]).await;
    let answer = client.chat("a", &json!({"messages": []})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
    assert_eq!(simulator.requests()[0].status, 400);
    let missing = client
        .send(Method::POST, "/v1/elsewhere", &[], String::new())
        .await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}
