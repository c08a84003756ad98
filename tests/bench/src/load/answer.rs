//! What is asked, and whether the answer is complete, right, and made for this request: a canned, cut or garbled
//! body must never count as a fast one.

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::StatusCode;
use memchr::memmem;
use serde::Deserialize;
use serde_json::{Value, json};

/// A request, and what a right answer to it holds.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) body: Bytes,
    expected: Expected,
}

/// The simulator says `token-0 token-1 ...`, as many as it is told to.
#[derive(Debug)]
pub(crate) enum Expected {
    Whole { tokens: usize },
    Stream { tokens: usize },
}

/// Remembers the last answer of a connection, so that the next must be another.
#[derive(Debug, Default)]
pub(super) struct Guard {
    last: Vec<u8>,
}

#[derive(Deserialize)]
struct Whole<'a> {
    id: &'a str,
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
    usage: Usage,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    message: Message<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    content: &'a str,
}

#[derive(Deserialize)]
struct Usage {
    completion_tokens: usize,
}

/// Size of the text in a request, in bytes: with the rest the body is about 1 KB.
const PROMPT: usize = 850;

// === impl Ask ===

impl Ask {
    /// A chat of about 1 KB for `model`. A stream is asked for with usage, so that the bytes to and from the vendor
    /// are the same whether or not somebody meters in between.
    pub(crate) fn new(model: &str, expected: Expected) -> Self {
        let prompt = "What would you do? ".repeat(PROMPT.div_ceil(19));
        let messages = json!([
            {"role": "system", "content": "Answer in one short paragraph."},
            {"role": "user", "content": prompt},
        ]);
        let body = match expected {
            Expected::Whole { .. } => json!({"model": model, "messages": messages, "temperature": 0.5}),
            Expected::Stream { .. } => json!({"model": model, "messages": messages, "temperature": 0.5,
                "stream": true, "stream_options": {"include_usage": true}}),
        };
        Self {
            body: Bytes::from(body.to_string()),
            expected,
        }
    }

    /// The same, asked by this user, so that it can be told from the others.
    pub(crate) fn signed(self, user: &str) -> Result<Self> {
        let mut body: Value = serde_json::from_slice(&self.body)?;
        body["user"] = json!(user);
        Ok(Self {
            body: Bytes::from(body.to_string()),
            ..self
        })
    }
}

// === impl Guard ===

impl Guard {
    pub(super) fn check(&mut self, ask: &Ask, status: StatusCode, body: &[u8]) -> Result<()> {
        let shown = || String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        ensure!(
            status == StatusCode::OK,
            "an answer with status {status}: {}",
            shown()
        );
        let id = match ask.expected {
            Expected::Whole { tokens } => check_whole(body, tokens),
            Expected::Stream { tokens } => check_stream(body, tokens),
        };
        let id = id.with_context(|| format!("a wrong answer of {} bytes: {}", body.len(), shown()))?;
        ensure!(id != self.last, "the same answer twice: {}", shown());
        self.last.clear();
        self.last.extend_from_slice(id);
        Ok(())
    }
}

/// The answer's id.
fn check_whole(body: &[u8], tokens: usize) -> Result<&[u8]> {
    let answer: Whole<'_> = serde_json::from_slice(body).context("it cannot be read")?;
    let [choice] = &answer.choices[..] else {
        bail!("it has {} choices", answer.choices.len())
    };
    ensure!(
        answer.usage.completion_tokens == tokens,
        "its usage is {}",
        answer.usage.completion_tokens
    );
    let said = count(choice.message.content.as_bytes(), b"token-");
    ensure!(said == tokens, "it says {said} tokens, not {tokens}");
    Ok(answer.id.as_bytes())
}

/// The answer's id. The events are the role, the tokens, the finish, the usage and the end mark.
fn check_stream(body: &[u8], tokens: usize) -> Result<&[u8]> {
    ensure!(
        body.ends_with(b"\n\ndata: [DONE]\n\n"),
        "it does not end with [DONE]"
    );
    let events = count(body, b"\n\n");
    ensure!(events == tokens + 4, "it has {events} events, not {}", tokens + 4);
    let said = count(body, b"token-");
    ensure!(said == tokens, "it says {said} tokens, not {tokens}");
    let usage = format!("\"completion_tokens\":{tokens},");
    ensure!(memmem::find(body, usage.as_bytes()).is_some(), "it has no usage");
    let id = memmem::find(body, b"\"id\":\"")
        .map(|at| &body[at + 6..])
        .context("it has no id")?;
    Ok(&id[..memchr::memchr(b'"', id).context("its id has no end")?])
}

fn count(text: &[u8], what: &[u8]) -> usize {
    memmem::find_iter(text, what).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(tokens: usize) -> String {
        let said: String = (0..tokens)
            .map(|n| format!("data: {{\"id\":\"a\",\"x\":\" token-{n}\"}}\n\n"))
            .collect();
        let usage = format!("data: {{\"usage\":{{\"completion_tokens\":{tokens},\"x\":0}}}}\n\n");
        format!("data: {{\"id\":\"a\"}}\n\n{said}data: {{}}\n\n{usage}data: [DONE]\n\n")
    }

    fn whole(id: &str, said: &str) -> String {
        let choices = json!([{"message": {"content": said}}]);
        json!({"id": id, "choices": choices, "usage": {"completion_tokens": 2}}).to_string()
    }

    #[test]
    fn a_stream_must_be_complete() {
        let right = stream(3);
        assert_eq!(check_stream(right.as_bytes(), 3).unwrap(), b"a");
        for wrong in [
            right.replace("data: [DONE]\n\n", ""),
            right.replace("token-1", ""),
            right.replace("\"completion_tokens\":3", "\"completion_tokens\":4"),
            right.replacen("\n\n", "\n", 1),
            stream(2),
        ] {
            assert!(check_stream(wrong.as_bytes(), 3).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_whole_answer_must_be_complete() {
        let right = whole("a", "token-0 token-1");
        assert_eq!(check_whole(right.as_bytes(), 2).unwrap(), b"a");
        for wrong in [whole("a", "token-0"), right[..right.len() - 1].to_owned()] {
            assert!(check_whole(wrong.as_bytes(), 2).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_answer_must_not_be_canned_and_its_status_must_be_right() {
        let ask = Ask::new("m", Expected::Whole { tokens: 2 });
        let mut guard = Guard::default();
        let body = whole("a", "token-0 token-1");
        assert!(
            guard
                .check(&ask, StatusCode::BAD_GATEWAY, body.as_bytes())
                .is_err()
        );
        assert!(guard.check(&ask, StatusCode::OK, body.as_bytes()).is_ok());
        assert!(guard.check(&ask, StatusCode::OK, body.as_bytes()).is_err());
        assert!(
            guard
                .check(&ask, StatusCode::OK, whole("b", "token-0 token-1").as_bytes())
                .is_ok()
        );
    }
}
