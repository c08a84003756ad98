//! Whether an answer has the form that callers' libraries count on: either complete, or an error that nobody can
//! overlook.

use patchbay_tests::{Answer, ApiError, Streamed};
use serde_json::Value;

/// An answer of the right form.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What the model said.
    pub(crate) text: String,
    pub(crate) usage: Option<Usage>,
    /// The error that it is, or that it ended with; none if it is complete.
    pub(crate) error: Option<ApiError>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
}

/// A stream as far as it was read.
#[derive(Default)]
struct Progress {
    text: String,
    /// The first chunk.
    first: Option<Value>,
    finished: bool,
    usage: Option<Usage>,
    done: bool,
    error: Option<ApiError>,
}

/// A whole answer, or an error.
pub(crate) fn whole(answer: &Answer) -> Result<Reading, String> {
    let header = answer.header("content-type");
    ensure(header == "application/json", || {
        format!("content type {header:?}")
    })?;
    let body: Value = serde_json::from_slice(&answer.body).map_err(|error| format!("no JSON: {error}"))?;
    if answer.status >= 400 {
        return Ok(Reading {
            text: String::new(),
            usage: None,
            error: Some(answer.error()),
        });
    }
    ensure(answer.status == 200, || format!("status {}", answer.status))?;
    ensure(body["object"] == "chat.completion", || "no completion".to_owned())?;
    let [choice] = &body["choices"].as_array().map_or(&[][..], Vec::as_slice) else {
        return Err("not one choice".to_owned());
    };
    let stopped = choice["index"] == 0 && choice["finish_reason"] == "stop";
    ensure(stopped && choice["message"]["role"] == "assistant", || {
        format!(
            "finish reason {}, role {}",
            choice["finish_reason"], choice["message"]["role"]
        )
    })?;
    let text = choice["message"]["content"].as_str().ok_or("no content")?;
    Ok(Reading {
        text: text.to_owned(),
        usage: Some(usage(&body["usage"])?),
        error: None,
    })
}

/// A stream. `usage`: it was asked for.
pub(crate) fn streamed(stream: &Streamed, usage: bool) -> Result<Reading, String> {
    let header = stream.header("content-type");
    ensure(header == "text/event-stream", || {
        format!("content type {header:?}")
    })?;
    ensure(stream.status == 200, || format!("status {}", stream.status))?;
    let mut progress = Progress::default();
    for event in &stream.events {
        progress.event(&event.data).map_err(|problem| {
            let said = progress.text.chars().count();
            format!("{problem}, behind {said} characters: {}", brief(&event.data))
        })?;
    }
    ensure(stream.clean, || "the connection broke off".to_owned())?;
    if progress.error.is_none() {
        ensure(progress.done, || {
            "neither [DONE] nor an error at the end".to_owned()
        })?;
        ensure(progress.usage.is_some() == usage, || {
            format!("usage {:?}, asked for: {usage}", progress.usage)
        })?;
    }
    Ok(Reading {
        text: progress.text,
        usage: progress.usage,
        error: progress.error,
    })
}

// === impl Progress ===

impl Progress {
    fn event(&mut self, data: &str) -> Result<(), String> {
        ensure(!self.done && self.error.is_none(), || {
            "an event behind the end".to_owned()
        })?;
        if data == "[DONE]" {
            self.done = true;
            return ensure(self.finished, || "[DONE] without a finish reason".to_owned());
        }
        let chunk: Value = serde_json::from_str(data).map_err(|error| format!("no JSON: {error}"))?;
        if chunk.get("error").is_some() {
            self.error = Some(ApiError::read(&chunk));
            return Ok(());
        }
        self.chunk(&chunk)?;
        self.first.get_or_insert(chunk);
        Ok(())
    }

    fn chunk(&mut self, chunk: &Value) -> Result<(), String> {
        ensure(chunk["object"] == "chat.completion.chunk", || {
            "no chunk".to_owned()
        })?;
        for member in ["id", "model"] {
            let same = self
                .first
                .as_ref()
                .is_none_or(|first| first[member] == chunk[member]);
            ensure(same && chunk[member].is_string(), || format!("another {member}"))?;
        }
        match chunk["choices"].as_array().map(Vec::as_slice) {
            Some([]) => {
                ensure(self.finished && self.usage.is_none(), || {
                    "usage out of turn".to_owned()
                })?;
                self.usage = Some(usage(&chunk["usage"])?);
                Ok(())
            }
            Some([choice]) => self.choice(choice),
            _ => Err("not one choice".to_owned()),
        }
    }

    fn choice(&mut self, choice: &Value) -> Result<(), String> {
        ensure(!self.finished && choice["index"] == 0, || {
            "a choice behind its end".to_owned()
        })?;
        let delta = &choice["delta"];
        let role = delta["role"].as_str();
        let expected = self.first.is_none().then_some("assistant");
        ensure(role == expected, || format!("role {role:?}"))?;
        self.text.push_str(delta["content"].as_str().unwrap_or_default());
        if let Some(reason) = choice["finish_reason"].as_str() {
            ensure(reason == "stop", || format!("finish reason {reason}"))?;
            self.finished = true;
        }
        Ok(())
    }
}

fn usage(usage: &Value) -> Result<Usage, String> {
    let count = |member: &str| usage[member].as_u64().filter(|tokens| *tokens > 0);
    let (prompt, completion) = (count("prompt_tokens"), count("completion_tokens"));
    match (prompt, completion, count("total_tokens")) {
        (Some(prompt), Some(completion), Some(total)) if prompt + completion == total => {
            Ok(Usage { prompt, completion })
        }
        _ => Err(format!("usage {}", brief(&usage.to_string()))),
    }
}

fn ensure(holds: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem()) }
}

pub(crate) fn brief(text: &str) -> String {
    /// Characters worth printing.
    const BRIEF: usize = 300;
    let mut brief: String = text.chars().take(BRIEF).collect();
    if brief.len() < text.len() {
        brief.push_str("...");
    }
    brief
}
