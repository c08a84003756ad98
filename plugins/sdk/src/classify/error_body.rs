//! Finding the error in a body, in all the shapes that servers of this dialect give it. The content type is no
//! help: some send JSON as octets, some a plain text as JSON.

use serde_json::{Map, Value};

/// Longer plain text is cut: it is usually a page made for a browser.
const MAX_TEXT: usize = 1024;

/// An error in the vendor's words. All is empty where the body said nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorError {
    pub message: String,
    /// The member `code`, a number as its digits.
    pub code: Option<String>,
    /// The member `type`.
    pub kind: Option<String>,
    pub param: Option<String>,
}

impl VendorError {
    /// The error in the body of a failure: JSON or plain text, also the first event of a stream. None in a body that
    /// says nothing.
    pub fn find(body: &[u8]) -> Option<Self> {
        let body = payload(body);
        match serde_json::from_slice(body) {
            Ok(json) => of_json(&json).or_else(|| of_bare_message(&json)),
            Err(_) => of_text(body),
        }
    }

    /// The error in the body of a success, where only an object can be one: a text is an answer that nobody asked for.
    pub fn find_in_success(body: &[u8]) -> Option<Self> {
        of_members(serde_json::from_slice::<Value>(payload(body)).ok()?.as_object()?)
    }

    /// The error in one event: any event of that name, or a chunk that is none. A chunk that merely has a member
    /// `error` with nothing in it is no error.
    pub fn find_in_stream(data: &[u8], event_name: Option<&str>) -> Option<Self> {
        if event_name == Some("error") {
            return Some(Self::find(data).unwrap_or_default());
        }
        Self::find_in_success(data)
    }

    /// A code that is an HTTP status of failure, as some servers put it into the body.
    pub fn numeric_status(&self) -> Option<u16> {
        let status = self.code.as_deref()?.parse().ok()?;
        (400..600).contains(&status).then_some(status)
    }

    fn of_message(message: &str) -> Self {
        Self {
            message: message.to_owned(),
            ..Self::default()
        }
    }

    fn of_object(object: &Map<String, Value>) -> Self {
        Self {
            message: text_of(object, &["message", "Message", "msg", "error_msg", "detail"])
                .unwrap_or_default(),
            code: text_of(object, &["code", "Code", "error_code"]),
            kind: text_of(object, &["type", "status", "error_type"]),
            param: text_of(object, &["param"]),
        }
    }
}

/// Without blank lines around it; of what begins like a stream of events only the first data.
fn payload(body: &[u8]) -> &[u8] {
    const FIELDS: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];
    let body = body.trim_ascii();
    if !FIELDS.iter().any(|field| body.starts_with(field)) {
        return body;
    }
    let mut lines = body.split(|&byte| byte == b'\n');
    let data = lines.find_map(|line| line.strip_prefix(b"data:"));
    data.unwrap_or(body).trim_ascii()
}

fn of_json(json: &Value) -> Option<VendorError> {
    match json {
        Value::String(text) => Some(VendorError::of_message(text)),
        Value::Array(items) if items.len() == 1 => of_json(&items[0]),
        Value::Object(object) => of_members(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

fn of_members(object: &Map<String, Value>) -> Option<VendorError> {
    let nested = [
        object.get("error"),
        object.get("errors"),
        json_path(object, "Response", "Error"),
    ];
    for error in nested.into_iter().flatten() {
        match error {
            Value::Object(inner) => return Some(VendorError::of_object(inner)),
            Value::String(message) if !message.is_empty() => {
                return Some(VendorError {
                    message: message.clone(),
                    ..VendorError::of_object(object)
                });
            }
            _ => {}
        }
    }
    let is_error = object.contains_key("error_code")
        || object.get("object").and_then(Value::as_str) == Some("error")
        || (object.contains_key("code") && object.contains_key("message"))
        || object.contains_key("detail");
    is_error.then(|| VendorError::of_object(object))
}

/// An object that is an error only because the status says so.
fn of_bare_message(json: &Value) -> Option<VendorError> {
    let error = VendorError::of_object(json.as_object()?);
    (!error.message.is_empty()).then_some(error)
}

fn json_path<'a>(object: &'a Map<String, Value>, outer: &str, inner: &str) -> Option<&'a Value> {
    object.get(outer)?.get(inner)
}

/// The first of `names` that says something. What is neither text nor null is kept as JSON.
fn text_of(object: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match object.get(*name)? {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        other => Some(other.to_string()),
    })
}

fn of_text(body: &[u8]) -> Option<VendorError> {
    let begin = &body[..body.len().min(MAX_TEXT)];
    // A page is for people with a browser; its status says as much.
    (!begin.is_empty() && begin[0] != b'<').then(|| VendorError::of_message(&String::from_utf8_lossy(begin)))
}
