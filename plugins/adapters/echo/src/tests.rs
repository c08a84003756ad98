//! The echo, whole and streamed.

use patchbay_sdk::canonical::{Completion, CompletionChunk, EmbeddingsRequest};
use patchbay_sdk::testkit::{Dice, Outcome, Scenario};
use patchbay_sdk::words::{FailureKind, UsageClass};
use serde_json::{Value, json};

use super::*;

fn say(text: &str, streaming: bool) -> Scenario {
    Scenario::chat(&json!({"model": "parrot", "stream": streaming, "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "first"},
        {"role": "user", "content": text}]}))
}

fn whole(scenario: Scenario) -> (Outcome, Completion) {
    let outcome = scenario.run::<Echo>();
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.chunks.len(), 1);
    let completion = outcome.read().remove(0);
    (outcome, completion)
}

#[test]
fn the_last_message_comes_back_whole() {
    let (outcome, completion) = whole(say("hello  brave\nnew world", false));
    assert_eq!(completion.choices[0].message.text(), "hello  brave\nnew world");
    assert_eq!(completion.choices[0].message.role, "assistant");
    assert_eq!(completion.choices[0].finish_reason.as_deref(), Some("stop"));
    assert_eq!(
        (completion.object.as_str(), completion.model.as_str()),
        ("chat.completion", "parrot")
    );
    assert_eq!(
        (completion.id.as_str(), completion.created),
        ("chatcmpl-request-1", 1_763_000_000)
    );
    let usage = completion.usage.unwrap();
    assert_eq!(
        (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens),
        (8, 4, 12)
    );
    assert_eq!(outcome.tokens(&UsageClass::Input), Some(8));
    assert_eq!(outcome.tokens(&UsageClass::Output), Some(4));
    assert_eq!(outcome.sent, []);
}

#[test]
fn a_stream_says_one_word_per_chunk() {
    let outcome = say(" hello  brave\nnew world ", true).run::<Echo>();
    let chunks: Vec<CompletionChunk> = outcome.read();
    let delta = |at: usize| &chunks[at].choices[0].delta;
    assert_eq!(
        (delta(0).role.as_deref(), delta(0).content.as_deref()),
        (Some("assistant"), Some(""))
    );
    let words: Vec<_> = (1..5).map(|at| delta(at).content.as_deref().unwrap()).collect();
    assert_eq!(words, [" hello  ", "brave\n", "new ", "world "]);
    assert_eq!(chunks.len(), 6);
    assert_eq!(chunks[5].choices[0].finish_reason.as_deref(), Some("stop"));
    assert!(
        chunks[..5]
            .iter()
            .all(|chunk| chunk.choices[0].finish_reason.is_none())
    );
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk.object == "chat.completion.chunk" && chunk.usage.is_none())
    );
    let tokens: Vec<bool> = outcome.chunks.iter().map(|chunk| chunk.token).collect();
    assert_eq!(tokens, [false, true, true, true, true, false]);
    assert_eq!(outcome.tokens(&UsageClass::Input), Some(8));
    assert_eq!(outcome.tokens(&UsageClass::Output), Some(4));
}

#[test]
fn a_stream_and_a_whole_answer_say_the_same() {
    let mut dice = Dice::new(1);
    for _ in 0..500 {
        let letters = ['a', 'é', '字', ' ', ' ', '\n', '\u{a0}', '🦜'];
        let text: String = (0..dice.below(20))
            .map(|_| letters[dice.below(letters.len())])
            .collect();
        let settings = json!({"words_per_pull": 1 + dice.below(4)});
        let streamed = say(&text, true).settings(&settings).run::<Echo>();
        let (answered, completion) = whole(say(&text, false));
        assert_eq!(completion.choices[0].message.text(), text);
        assert_eq!(streamed.streamed_text(), text);
        assert_eq!(streamed.usage, answered.usage, "{text:?}");
    }
}

#[test]
fn a_pull_yields_as_many_words_as_set() {
    let mut scenario = say("one two three", true).settings(&json!({"words_per_pull": 2}));
    scenario.call.request_id = "r".to_owned();
    let payload = br#"{"model": "parrot", "messages": [{"role": "user", "content": "one two three"}]}"#;
    let payload = Payload::in_memory(payload);
    let (mut exchange, _) = Attempt::start(&scenario.call, &scenario.target, &payload).unwrap();
    assert_eq!(exchange.advance(0, Input::Pull).chunks.len(), 2);
    assert_eq!(
        exchange.advance(0, Input::Pull).chunks.len(),
        2,
        "a word and the end"
    );
}

#[test]
fn a_fixed_reply_takes_the_place_of_the_echo() {
    let (_, completion) = whole(say("hello", false).settings(&json!({"reply": "as you wish"})));
    assert_eq!(completion.choices[0].message.text(), "as you wish");
}

#[test]
fn a_chat_without_a_user_is_answered_with_nothing() {
    for streaming in [false, true] {
        let body = json!({"model": "parrot", "stream": streaming, "messages": []});
        assert_eq!(Scenario::chat(&body).run::<Echo>().failure, None);
    }
}

#[test]
fn a_body_that_is_no_chat_is_refused() {
    let failure = Scenario::chat(&json!({"model": "parrot", "messages": "hello"}))
        .run::<Echo>()
        .failure
        .unwrap();
    assert_eq!(failure.kind(), FailureKind::InvalidRequest);
}

#[test]
fn models_are_listed_and_a_probe_succeeds() {
    let models = Scenario::of(&Operation::Models, &Value::Null).run::<Echo>();
    assert_eq!(models.read::<Value>()[0]["data"][0]["id"], "echo");
    let probe = Scenario::of(&Operation::Probe, &Value::Null).run::<Echo>();
    assert_eq!((probe.failure, probe.chunks.len()), (None, 0));
}

fn embed(body: &Value) -> Value {
    let outcome = Scenario::of(&Operation::Embeddings, body).run::<Echo>();
    assert_eq!(outcome.failure, None);
    outcome.read().remove(0)
}

fn floats(embedding: &Value) -> Vec<f64> {
    embedding
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

#[test]
fn the_same_text_has_the_same_vector_of_length_one() {
    let answer = embed(&json!({"model": "e", "input": ["a b", "c", "a b"]}));
    let vectors: Vec<_> = (0..3)
        .map(|at| floats(&answer["data"][at]["embedding"]))
        .collect();
    assert_eq!(vectors[0], vectors[2]);
    assert_ne!(vectors[0], vectors[1]);
    for vector in &vectors {
        assert_eq!(vector.len(), 8);
        assert!((vector.iter().map(|number| number * number).sum::<f64>() - 1.0).abs() < 1e-6);
    }
    assert_eq!(answer["usage"], json!({"prompt_tokens": 5, "total_tokens": 5}));
    assert_eq!(answer["data"][2]["index"], 2);
    assert_eq!(answer["model"], "e");
}

#[test]
fn base64_holds_the_same_numbers() {
    use base64::Engine;
    let ask = |format: &str| {
        embed(&json!({"model": "e", "input": [1, 2, 3], "encoding_format": format, "dimensions": 3}))
    };
    let plain = floats(&ask("float")["data"][0]["embedding"]);
    let encoded = ask("base64")["data"][0]["embedding"].as_str().unwrap().to_owned();
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    let decoded: Vec<f64> = bytes
        .chunks(4)
        .map(|four| f64::from(f32::from_le_bytes(four.try_into().unwrap())))
        .collect();
    assert_eq!(decoded.len(), 3);
    assert!(
        decoded
            .iter()
            .zip(&plain)
            .all(|(left, right)| (left - right).abs() < 1e-6)
    );
}

#[test]
fn what_cannot_be_embedded_is_refused() {
    for (member, value) in [
        ("dimensions", json!(0)),
        ("dimensions", json!(5000)),
        ("encoding_format", json!("hex")),
    ] {
        let mut body = json!({"model": "e", "input": "a"});
        body[member] = value;
        let request: EmbeddingsRequest = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(request.model, "e");
        let failure = Scenario::of(&Operation::Embeddings, &body)
            .run::<Echo>()
            .failure
            .unwrap();
        assert_eq!(
            (failure.kind(), failure.param.as_deref()),
            (FailureKind::InvalidRequest, Some(member))
        );
    }
}

#[test]
fn the_schema_tells_the_defaults() {
    let schema: Value = serde_json::from_str(settings::SCHEMA).unwrap();
    let default = &schema["properties"]["words_per_pull"]["default"];
    assert_eq!(
        default.as_u64(),
        Some(Settings::default().words_per_pull.get() as u64)
    );
    assert!(serde_json::from_value::<Settings>(json!({"words_per_pull": 0})).is_err());
}
