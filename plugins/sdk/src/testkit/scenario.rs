//! One call, from `start` to its end, over scripted replies.

use std::collections::VecDeque;

use serde_json::Value;

use super::{Outcome, Scripted, Sent};
use crate::adapter::{
    Adapter, Body, Call, Exchange, Fetched, Framing, Input, Millis, Next, Payload, Progress, Request, Target,
};
use crate::canonical::to_json;
use crate::words::Operation;

/// More steps than any call takes: an exchange that needs them is going in circles.
const MAX_STEPS: usize = 100_000;

/// A call and what will be answered to it.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub call: Call,
    pub target: Target,
    body: Vec<u8>,
    outline: Option<Vec<u8>>,
    replies: VecDeque<Scripted>,
    fetched: VecDeque<Vec<Fetched>>,
}

impl Scenario {
    /// A chat. `body` is the canonical request; its `model` and `stream` become the call's.
    pub fn chat(body: &Value) -> Self {
        Self::of(&Operation::Chat, body)
    }

    /// Any operation. `body` is null for one that has none.
    pub fn of(operation: &Operation, body: &Value) -> Self {
        let now = 1_763_000_000_000;
        Self {
            call: Call {
                operation: operation.as_str().to_owned(),
                model: body["model"].as_str().unwrap_or_default().to_owned(),
                streaming: body["stream"].as_bool().unwrap_or_default(),
                continuation: false,
                request_id: "request-1".to_owned(),
                attempt: 1,
                now,
                deadline: now + 60_000,
                entropy: 0x0123_4567_89ab_cdef,
            },
            target: Target {
                endpoints: Vec::new(),
                settings: "{}".to_owned(),
                model_settings: "{}".to_owned(),
                public: Vec::new(),
            },
            body: if body.is_null() { Vec::new() } else { to_json(body) },
            outline: None,
            replies: VecDeque::new(),
            fetched: VecDeque::new(),
        }
    }

    pub fn settings(mut self, settings: &Value) -> Self {
        self.target.settings = settings.to_string();
        self
    }

    /// What the configuration says of the model.
    pub fn model_settings(mut self, settings: &Value) -> Self {
        self.target.model_settings = settings.to_string();
        self
    }

    /// Where an endpoint is. One that is not said is at its default URL, or at `https://<name>.test`.
    pub fn endpoint(mut self, name: &str, url: &str) -> Self {
        self.target.endpoints.push((name.to_owned(), url.to_owned()));
        self
    }

    /// A credential field that is not secret.
    pub fn public(mut self, name: &str, value: &str) -> Self {
        self.target.public.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body with its long base64 replaced by markers.
    pub fn outline(self, outline: &Value) -> Self {
        Self {
            outline: Some(to_json(outline)),
            ..self
        }
    }

    /// The answer to the next request.
    pub fn reply(mut self, reply: Scripted) -> Self {
        self.replies.push_back(reply);
        self
    }

    /// The answer to the next `fetch`.
    pub fn fetched(mut self, answers: Vec<Fetched>) -> Self {
        self.fetched.push_back(answers);
        self
    }

    /// Plays it to the end. Panics if the adapter does what the host would not let it do.
    pub fn run<A: Adapter>(mut self) -> Outcome {
        let description = A::describe();
        for endpoint in &description.endpoints {
            if self.target.endpoint(&endpoint.name).is_none() {
                let url = endpoint.default_url.clone();
                let url = url.unwrap_or_else(|| format!("https://{}.test", endpoint.name));
                self.target.endpoints.push((endpoint.name.clone(), url));
            }
        }
        let play = Play {
            described: description.reply_headers,
            first_endpoint: description
                .endpoints
                .into_iter()
                .next()
                .map(|endpoint| endpoint.name),
            replies: std::mem::take(&mut self.replies),
            fetched: std::mem::take(&mut self.fetched),
            inputs: VecDeque::new(),
            outcome: Outcome::default(),
            scenario: &self,
        };
        play.run::<A::Exchange>()
    }
}

/// A scenario under way.
struct Play<'a> {
    scenario: &'a Scenario,
    described: Vec<String>,
    first_endpoint: Option<String>,
    replies: VecDeque<Scripted>,
    fetched: VecDeque<Vec<Fetched>>,
    /// What the reply under way still has to say.
    inputs: VecDeque<Input>,
    outcome: Outcome,
}

impl Play<'_> {
    fn run<E: Exchange>(mut self) -> Outcome {
        let (mut exchange, mut progress) = match self.start::<E>() {
            Ok(started) => started,
            Err(failure) => {
                return Outcome {
                    failure: Some(failure),
                    ..self.outcome
                };
            }
        };
        for _ in 0..MAX_STEPS {
            let next = self.absorb(progress);
            let input = match next {
                Next::Done => return self.outcome,
                Next::Failed(failure) => {
                    return Outcome {
                        failure: Some(failure),
                        ..self.outcome
                    };
                }
                Next::Pull => Input::Pull,
                Next::More => self
                    .inputs
                    .pop_front()
                    .expect("`more`, but no reply is under way"),
                Next::Fetch(_) => Input::Fetched(self.fetched.pop_front().expect("an answer to `fetch`")),
                Next::Send(request) => {
                    let reply = self.send(&request);
                    if request.canonical && reply.is_success() {
                        match self.pass_by(&mut exchange, &request, &reply) {
                            None => return self.outcome,
                            Some(event) => {
                                exchange = self.again();
                                event
                            }
                        }
                    } else {
                        if request.canonical {
                            exchange = self.again();
                        }
                        self.inputs = reply.inputs(request.framing, &self.described).into();
                        self.inputs.pop_front().expect("a reply says something")
                    }
                }
            };
            progress = exchange.advance(self.now(), input);
        }
        panic!("the exchange does not come to an end");
    }

    fn start<E: Exchange>(&self) -> Result<(E, Progress), crate::adapter::Failure> {
        let Scenario {
            call,
            target,
            body,
            outline,
            ..
        } = self.scenario;
        E::start(
            call,
            target,
            &Payload::with_outline(body, outline.as_ref().unwrap_or(body)),
        )
    }

    /// The exchange of a canonical request was let go after `start`; one that is needed after all starts afresh.
    fn again<E: Exchange>(&self) -> E {
        self.start()
            .unwrap_or_else(|failure| panic!("the second start failed: {failure:?}"))
            .0
    }

    fn now(&self) -> Millis {
        self.scenario.call.now
    }

    fn absorb(&mut self, progress: Progress) -> Next {
        let outcome = &mut self.outcome;
        outcome.chunks.extend(progress.chunks);
        outcome.usage.extend(
            progress
                .usage
                .into_iter()
                .map(|count| (count.class, count.tokens)),
        );
        outcome.limits.extend(progress.limits);
        outcome.warnings.extend(progress.warnings);
        progress.next
    }

    fn send(&mut self, request: &Request) -> Scripted {
        let endpoint = request
            .endpoint
            .as_ref()
            .or(self.first_endpoint.as_ref())
            .expect("a described endpoint");
        let base = self
            .scenario
            .target
            .endpoint(endpoint)
            .expect("a described endpoint");
        assert!(
            request.path.starts_with('/'),
            "a path begins with a slash: {}",
            request.path
        );
        for header in &request.headers {
            let reserved = ["content-length", "host", "connection"];
            assert!(
                !reserved.iter().any(|name| header.name.eq_ignore_ascii_case(name)),
                "{}",
                header.name
            );
        }
        let url = format!("{base}{}", request.path);
        let body = self.body_of(&request.body);
        self.outcome.sent.push(Sent {
            request: request.clone(),
            url,
            body,
        });
        self.replies
            .pop_front()
            .expect("a scripted reply to this request")
    }

    fn body_of(&self, body: &Body) -> Vec<u8> {
        match body {
            Body::Empty => Vec::new(),
            Body::Unchanged => self.scenario.body.clone(),
            Body::Bytes(bytes) => bytes.clone(),
            Body::Edited(edits) => {
                let mut json: Value =
                    serde_json::from_slice(&self.scenario.body).expect("a body that is JSON");
                let members = json.as_object_mut().expect("a body that is an object");
                for edit in edits {
                    match &edit.value {
                        None => members.remove(&edit.member),
                        Some(value) => members.insert(
                            edit.member.clone(),
                            serde_json::from_slice(value).expect("an edit's value is JSON"),
                        ),
                    };
                }
                to_json(&json)
            }
        }
    }

    /// A canonical success goes to the caller. Returns what the exchange has to hear all the same: an error inside
    /// the stream, or a reply that is not the stream it should be.
    fn pass_by<E: Exchange>(
        &mut self,
        exchange: &mut E,
        request: &Request,
        reply: &Scripted,
    ) -> Option<Input> {
        if request.want_head {
            let progress = exchange.advance(self.now(), Input::Head(reply.head(&self.described)));
            assert!(
                matches!(self.absorb(progress), Next::More),
                "after a canonical head comes `more`"
            );
        }
        let framing = reply.framing(request.framing);
        if framing != request.framing {
            self.inputs = reply.inputs(request.framing, &self.described).into();
            return self.inputs.pop_front();
        }
        if framing == Framing::Whole {
            self.pass(reply.body().to_vec());
            return None;
        }
        for event in reply.batches(framing).concat() {
            let json: Value = serde_json::from_slice(&event.data).unwrap_or_default();
            if json.get("error").is_some_and(|error| !error.is_null())
                || event.name.as_deref() == Some("error")
            {
                return Some(Input::Events(vec![event]));
            }
            if !event.is_done() {
                self.pass(event.data);
            }
        }
        None
    }

    fn pass(&mut self, data: Vec<u8>) {
        self.outcome
            .chunks
            .push(crate::adapter::Chunk { data, token: true });
    }
}
