//! A caller: asks once, and remembers what came and when. Judges nothing but the form of what it reads.

use std::time::{Duration, Instant};

use http::HeaderMap;
use patchbay_tests::Client;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::cell::{Cell, Form};
use crate::reading::{self, Reading};
use crate::stage::Stage;

/// One request and what came of it. Times are the simulator's.
#[derive(Debug)]
pub(crate) struct Call {
    /// Tells it from all others.
    pub(crate) prompt: String,
    pub(crate) asked: Duration,
    /// When the answer had come to its end, or the caller left.
    pub(crate) ended: Duration,
    /// None if the caller left first.
    pub(crate) answer: Option<Answer>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// What is wrong with its form, if it is not as callers' libraries want it.
    pub(crate) reading: Result<Reading, String>,
    /// Of a stream, between its last two events.
    pub(crate) last_pause: Duration,
}

/// Asks for the cell's model. `number` tells several callers of one cell apart.
pub(crate) async fn call(stage: &Stage, client: &Client, cell: &Cell, number: usize) -> Call {
    let prompt = format!("{} {number}", cell.name);
    let request = request(cell, &prompt);
    let asked = stage.simulator.now();
    // Longer than any answer takes, so that one without an end becomes known.
    let longest = cell
        .leaves
        .unwrap_or(stage.pace.total + stage.pace.stream + 3 * stage.pace.slack);
    let answer = timeout(longest, answer(client, cell, &request)).await.ok();
    Call {
        prompt,
        asked,
        ended: stage.simulator.now(),
        answer,
    }
}

fn request(cell: &Cell, prompt: &str) -> Value {
    let mut request = json!({"model": cell.name, "messages": [{"role": "user", "content": prompt}]});
    if cell.form == Form::Streamed {
        request["stream"] = json!(true);
        if cell.usage {
            request["stream_options"] = json!({"include_usage": true});
        }
    }
    request
}

async fn answer(client: &Client, cell: &Cell, request: &Value) -> Answer {
    let begun = client.stream(request).await;
    if cell.form == Form::Whole || begun.status >= 400 {
        let answer = begun.whole().await;
        return Answer {
            status: answer.status,
            reading: reading::whole(&answer),
            headers: answer.headers,
            last_pause: Duration::ZERO,
        };
    }
    let stream = begun.to_end().await;
    let at: Vec<Instant> = stream.events.iter().map(|event| event.at).collect();
    Answer {
        status: stream.status,
        reading: reading::streamed(&stream, cell.usage),
        headers: stream.headers,
        last_pause: match at[..] {
            [.., before, last] => last - before,
            _ => Duration::ZERO,
        },
    }
}

// === impl Answer ===

impl Answer {
    /// A header's value; empty without one.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
