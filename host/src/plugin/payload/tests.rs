//! Markers in, markers out: what is replaced, what comes back, and how much of it.

use serde_json::{Value, json};

use super::*;

fn payload(json: &Value) -> Payload {
    Payload::new(Bytes::from(json.to_string()))
}

fn outline(payload: &Payload) -> Value {
    serde_json::from_slice(payload.outline()).unwrap()
}

fn restored(payload: &Payload, body: &str) -> String {
    let body = payload.restore(Bytes::copy_from_slice(body.as_bytes()), usize::MAX);
    String::from_utf8(body.unwrap().to_vec()).unwrap()
}

#[test]
fn only_long_base64_is_replaced_and_comes_back_as_it_was() {
    let long = "QUJD".repeat(LONG / 4);
    let url = format!("data:image/png;base64,{long}==");
    let request = json!({
        "model": "m", "quote\"d": ["say \"hi\"", "back\\"],
        "image": url, "bare": long, "urlsafe": "a-_b".repeat(2000),
        "short": "QUJD".repeat(LONG / 4 - 1), "text": "words and words ".repeat(1000),
        "not": format!("data:text/plain,{long}"), "padded": format!("{long}===="), "é": format!("é{long}"),
    });
    let payload = payload(&request);
    let outline = outline(&payload);
    let text = |member: &str| outline[member].as_str().unwrap().to_owned();
    for same in ["model", "short", "text", "not", "padded", "é", "quote\"d"] {
        assert_eq!(outline[same], request[same], "{same}");
    }
    let marker = text("image")
        .strip_prefix("data:image/png;base64,")
        .unwrap()
        .to_owned();
    assert!(marker.starts_with(BEGIN) && marker.len() < 60, "{marker}");
    assert!(text("bare").starts_with(BEGIN) && text("urlsafe").starts_with(BEGIN));
    assert_ne!(text("bare"), text("urlsafe"));
    assert!(payload.outline().len() < 40_000);

    let body =
        json!({"source": {"data": marker, "again": text("urlsafe")}, "none": format!("{BEGIN}000000")});
    let expected = json!({"source": {"data": format!("{long}=="), "again": "a-_b".repeat(2000)},
        "none": format!("{BEGIN}000000")});
    assert_eq!(restored(&payload, &body.to_string()), expected.to_string());
    assert_eq!(restored(&payload, &payload_text(&payload)), request.to_string());
}

fn payload_text(payload: &Payload) -> String {
    String::from_utf8(payload.outline().to_vec()).unwrap()
}

#[test]
fn an_escaped_slash_belongs_to_base64_and_nothing_else_does() {
    let slashed = format!("{{\"a\":\"{}\"}}", "QU\\/D".repeat(1000));
    let payload = Payload::new(Bytes::from(slashed.clone()));
    assert!(payload.outline().len() < 80);
    assert_eq!(restored(&payload, &payload_text(&payload)), slashed);
    let quoted = format!("{{\"a\":\"{}\\\"\"}}", "QUJD".repeat(2000));
    let payload = Payload::new(Bytes::from(quoted.clone()));
    assert_eq!(payload.outline(), quoted.as_bytes());
}

#[test]
fn markers_differ_and_others_are_left_alone() {
    let request = json!({"a": "QUJD".repeat(2000)});
    let (one, two) = (payload(&request), payload(&request));
    assert_ne!(one.outline(), two.outline());
    assert_eq!(one.outline(), one.outline());
    let foreign = payload_text(&two);
    assert_eq!(restored(&one, &foreign), foreign);
    let out_of_range = payload_text(&one).replace("000000\"", "000001\"");
    assert_eq!(restored(&one, &out_of_range), out_of_range);
    let cut = payload_text(&one);
    let cut = &cut[..cut.len() - 3];
    assert_eq!(restored(&one, cut), cut);
}

#[test]
fn what_is_put_back_is_bounded() {
    let payload = payload(&json!({"a": "QUJD".repeat(2000)}));
    let many = payload_text(&payload).repeat(1000);
    assert_eq!(payload.restore(Bytes::from(many.clone()), 1 << 20), Err(TooLong));
    assert!(payload.restore(Bytes::from(many), 10 << 20).is_ok());
    let once = Bytes::copy_from_slice(payload.outline());
    assert_eq!(payload.restore(once.clone(), 8000), Err(TooLong));
    assert!(payload.restore(once, 8008).is_ok());
}
