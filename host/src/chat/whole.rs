//! What a whole answer lacks although it is complete: why its choices have finished, and what it used. Vendors leave
//! both out; callers' libraries count on them.

use bytes::Bytes;
use serde_json::Value;

use super::{AnswerPeek, Document, Edit, Used};

/// The answer with what it lacks. An answer that lacks nothing is returned as it is.
pub fn completed(answer: Bytes, peek: &AnswerPeek, used: Used) -> Bytes {
    let lacks_usage = peek.usage.is_none() && used.tokens.prompt() > 0;
    if !peek.unfinished && !lacks_usage {
        return answer;
    }
    let Ok(document) = Document::parse(answer.clone()) else {
        return answer;
    };
    let mut edits = Vec::new();
    if peek.unfinished
        && let Some(choices) = document.get("choices").and_then(finished)
    {
        edits.push(Edit {
            member: "choices".into(),
            value: Some(choices),
        });
    }
    if lacks_usage {
        edits.push(Edit {
            member: "usage".into(),
            value: Some(used.tokens.to_canonical().into_bytes()),
        });
    }
    document.edited(&edits).bytes().clone()
}

/// The choices, each with a reason for having finished.
fn finished(choices: &[u8]) -> Option<Vec<u8>> {
    let mut choices: Vec<Value> = serde_json::from_slice(choices).ok()?;
    for choice in choices.iter_mut().filter_map(Value::as_object_mut) {
        let calls = choice
            .get("message")
            .and_then(|message| message.get("tool_calls")?.as_array());
        let reason = if calls.is_some_and(|calls| !calls.is_empty()) {
            "tool_calls"
        } else {
            "stop"
        };
        let stated = choice.get("finish_reason").and_then(Value::as_str);
        if stated.is_none_or(str::is_empty) {
            choice.insert("finish_reason".to_owned(), reason.into());
        }
    }
    serde_json::to_vec(&choices).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Tokens;

    fn complete(answer: &str) -> String {
        let peek = AnswerPeek::read(answer.as_bytes()).unwrap();
        let used = Used {
            tokens: Tokens {
                input: 3,
                output: 4,
                ..Tokens::default()
            },
            estimated: true,
        };
        let whole = completed(Bytes::copy_from_slice(answer.as_bytes()), &peek, used);
        String::from_utf8(whole.to_vec()).unwrap()
    }

    #[test]
    fn only_what_is_missing_is_added() {
        let usage = r#""usage":{"prompt_tokens":1}"#;
        let full = format!(
            r#"{{ "id":"i","choices":[{{"message":{{"content":"a"}},"finish_reason":"length"}}],{usage}}}"#
        );
        assert_eq!(complete(&full), full);
        let text = complete(&format!(
            r#"{{"choices":[{{"message":{{"content":"a"}},"finish_reason":null}}],{usage}}}"#
        ));
        assert!(
            text.contains(r#""finish_reason":"stop""#) && text.contains(usage),
            "{text}"
        );
        let call = complete(
            r#"{"choices":[{"message":{"tool_calls":[{"id":"c"}]}},{"message":{},"finish_reason":"length"}]}"#,
        );
        assert!(
            call.contains(r#""finish_reason":"tool_calls""#) && call.contains(r#""finish_reason":"length""#)
        );
        assert!(call.contains(r#""usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7"#));
    }
}
