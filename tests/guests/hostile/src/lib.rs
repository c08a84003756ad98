//! An adapter that does what it is told, and it is told to misbehave: the user's message is a command in JSON,
//! such as `{"do": "panic", "message": "ouch"}`. With `"later": true` it begins properly, in a stream with a
//! first token, and obeys when it is called again.

use patchbay_sdk::adapter::{
    Adapter, Body, Call, Chunk, Count, CredentialField, CredentialHeader, CredentialUse, CredentialValue,
    Description, Edit, Encoding, Exchange, Failure, Header, Input, Limit, Millis, Payload, Progress, Request,
    Scope, Signature, Target,
};
use patchbay_sdk::canonical::ChatRequest;
use patchbay_sdk::log;
use patchbay_sdk::words::{FailureKind, Operation};
use serde::Deserialize;
use serde_json::{Value, json};

struct Hostile;

struct Attempt {
    then: Deed,
}

#[derive(Clone, Deserialize)]
struct Command {
    #[serde(default)]
    later: bool,
    #[serde(flatten)]
    deed: Deed,
}

#[derive(Clone, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Deed {
    /// Answers with this text.
    Answer {
        text: String,
    },
    Panic {
        message: String,
    },
    /// Loops for ever.
    Loop,
    /// Takes memory until there is no more, or until it has so many bytes.
    Hoard {
        most: Option<usize>,
    },
    /// Calls itself until the stack is used up.
    Recurse,
    Send(Wish),
    /// Makes one chunk of these bytes, `times` times, and is done.
    Say {
        chunk: String,
        #[serde(default = "once")]
        times: usize,
    },
    /// An answer of so many bytes.
    Swell {
        bytes: usize,
    },
    /// Answers with so many entries in a list of the progress, or of the request it wants sent.
    Crowd {
        list: String,
        times: usize,
    },
    /// Answers, and reports limits (capacity and what remains, as Rust writes numbers) and tokens used by class.
    Report {
        #[serde(default)]
        limits: Vec<(String, String)>,
        #[serde(default)]
        usage: Vec<(String, u64)>,
    },
    /// Asks for a long stream and reads it, so many events at once and not one more.
    Listen {
        most: usize,
    },
    /// Whatever is replied, sends another request.
    SendForEver,
    DoneWithoutAnswer,
    PullForEver,
    /// Goes on with a reply although there is none.
    MoreOfNothing,
    Fetch,
    /// Reads the payload without its base64.
    Outline,
    /// Fails and asks for a new token.
    Renew,
    Fail {
        kind: String,
        message: String,
    },
    /// Writes so many lines to the log, then answers.
    Chatter {
        lines: u32,
        line: String,
    },
}

/// A request as it would like to send it.
#[derive(Clone, Deserialize)]
struct Wish {
    #[serde(default = "usual_path")]
    path: String,
    #[serde(default = "post")]
    method: String,
    endpoint: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// The credential field to put into a header.
    credential: Option<String>,
    #[serde(default)]
    signed: bool,
    /// The query parameter to put it into.
    query: Option<(String, String)>,
    /// The form member to put it into.
    form: Option<(String, String)>,
    /// Written before it in the header.
    #[serde(default)]
    prefix: Option<String>,
    /// A member of the payload and the text it is set to, JSON or not.
    edit: Option<(String, String)>,
    /// A body of its own, of so many bytes.
    body: Option<usize>,
    /// One header more, of so many bytes.
    #[serde(default)]
    header_bytes: usize,
}

fn once() -> usize {
    1
}

fn usual_path() -> String {
    "/chat/completions".to_owned()
}

fn post() -> String {
    "POST".to_owned()
}

impl Adapter for Hostile {
    type Exchange = Attempt;

    fn describe() -> Description {
        Description::new("hostile", env!("CARGO_PKG_VERSION"))
            .operations([Operation::Chat])
            .endpoint("api", None)
            .endpoint("elsewhere", Some("http://127.0.0.1:9/v1"))
            .credential(CredentialField::secret("api_key", "any").optional())
    }
}

impl Exchange for Attempt {
    fn start(call: &Call, _: &Target, payload: &Payload<'_>) -> Result<(Self, Progress), Failure> {
        let request: ChatRequest = payload.read_whole()?;
        let text = request
            .messages
            .last()
            .map(|message| message.text())
            .unwrap_or_default();
        let command: Command = serde_json::from_str(&text)
            .map_err(|error| Failure::new(FailureKind::InvalidRequest).message(error.to_string()))?;
        if let Deed::Outline = command.deed {
            payload.outline();
        }
        let attempt = Self { then: command.deed };
        let progress = match (command.later, call.streaming) {
            (true, true) => Progress::pull().chunk(Chunk::token(&chunk("first "))),
            (true, false) => Progress::pull(),
            (false, streaming) => attempt.obey(streaming),
        };
        Ok((attempt, progress))
    }

    fn advance(&mut self, _: Millis, input: Input) -> Progress {
        match (&self.then, input) {
            (Deed::Listen { most }, Input::Events(events)) => {
                assert!(events.len() <= *most, "too many at once");
                Progress::more()
            }
            (Deed::Listen { .. }, Input::Head(_)) => Progress::more(),
            (Deed::Listen { .. }, Input::End) => Progress::done().chunk(Chunk::token(&whole("heard it"))),
            (Deed::SendForEver, Input::Reply(_)) => self.obey(true),
            (_, Input::Reply(reply)) => Progress::done().chunk(Chunk {
                data: reply.body,
                token: true,
            }),
            _ => self.obey(true),
        }
    }
}

impl Attempt {
    fn obey(&self, streaming: bool) -> Progress {
        match &self.then {
            Deed::Answer { text } if streaming => Progress::done().chunk(Chunk::token(&chunk(text))),
            Deed::Answer { text } => Progress::done().chunk(Chunk::token(&whole(text))),
            Deed::Panic { message } => panic!("{message}"),
            Deed::Loop => loop {
                std::hint::spin_loop();
            },
            Deed::Hoard { most } => hoard(most.unwrap_or(usize::MAX)),
            Deed::Recurse => Progress::done().chunk(Chunk::token(&whole(&recurse(u64::MAX).to_string()))),
            Deed::Send(wish) => Progress::send(wish.request()),
            Deed::Say { chunk, times } => {
                let chunk = || Chunk {
                    data: chunk.clone().into_bytes(),
                    token: true,
                };
                (0..*times).fold(Progress::done(), |progress, _| progress.chunk(chunk()))
            }
            Deed::Swell { bytes } => Progress::done().chunk(Chunk::token(&whole(&"0".repeat(*bytes)))),
            Deed::Crowd { list, times } => crowd(list, *times),
            Deed::Report { limits, usage } => report(limits, usage),
            Deed::Listen { .. } => Progress::send(long_stream()),
            Deed::SendForEver => Progress::send(Request::post("/chat/completions").json_unchanged()),
            Deed::DoneWithoutAnswer => Progress::done(),
            Deed::PullForEver => Progress::pull(),
            Deed::MoreOfNothing => Progress::more(),
            Deed::Fetch => Progress::fetch(vec!["http://127.0.0.1:9/image.png".to_owned()]),
            Deed::Outline => Progress::done().chunk(Chunk::token(&whole("read the outline"))),
            Deed::Renew => Failure::new(FailureKind::AuthenticationError)
                .renew_token()
                .into(),
            Deed::Fail { kind, message } => Failure::new(FailureKind::from(kind.as_str()))
                .message(message)
                .into(),
            Deed::Chatter { lines, line } => {
                (0..*lines).for_each(|_| log::warn(line));
                Progress::done().chunk(Chunk::token(&whole("said it")))
            }
        }
    }
}

impl Wish {
    fn request(&self) -> Request {
        let mut request = Request::new(&self.method, self.path.clone());
        request.endpoint.clone_from(&self.endpoint);
        request.headers = self
            .headers
            .iter()
            .map(|(name, value)| Header::new(name, value))
            .collect();
        request.body = match &self.edit {
            None => Body::Unchanged,
            Some((member, value)) => Body::Edited(vec![Edit {
                member: member.clone(),
                value: Some(value.clone().into_bytes()),
            }]),
        };
        if let Some(bytes) = self.body {
            request.body = Body::Bytes(vec![b'0'; bytes]);
        }
        if self.header_bytes > 0 {
            request
                .headers
                .push(Header::new("x-long", &"0".repeat(self.header_bytes)));
        }
        if let Some(field) = &self.credential {
            let prefix = self.prefix.as_deref().unwrap_or("Bearer ");
            request = request.credential_header("authorization", prefix, field);
        }
        if let Some(query) = &self.query {
            request = request.credential(CredentialUse::Query(query.clone()));
        }
        if let Some(form) = &self.form {
            request = request.credential(CredentialUse::Form(form.clone()));
        }
        if self.signed {
            request = request.credential(CredentialUse::Header(CredentialHeader {
                name: "authorization".to_owned(),
                prefix: String::new(),
                value: CredentialValue::Signed(Signature {
                    field: "api_key".to_owned(),
                    key_prefix: String::new(),
                    messages: vec![b"message".to_vec()],
                    before: String::new(),
                    encoding: Encoding::Hex,
                    after: String::new(),
                }),
            }));
        }
        request
    }
}

/// An answer, or a request, with many entries of one kind.
fn crowd(list: &str, times: usize) -> Progress {
    let mut progress = Progress::done().chunk(Chunk::token(&whole("crowded")));
    let mut request = Request::post("/chat/completions").json_unchanged();
    match list {
        "usage" => progress.usage = (0..times).map(|at| count(&format!("class-{at}"), 1)).collect(),
        "limits" => progress.limits = (0..times).map(|_| limit(Some(1.0), Some(1.0))).collect(),
        "warnings" => progress.warnings = vec!["beware".to_owned(); times],
        "headers" => request.headers = vec![Header::new("x-many", "1"); times],
        "edits" => request.body = Body::Edited(vec![Edit::set("temperature", &1); times]),
        _ => {
            request.credentials = vec![CredentialUse::Query(("key".to_owned(), "api_key".to_owned())); times]
        }
    }
    match list {
        "usage" | "limits" | "warnings" => progress,
        _ => Progress::send(request),
    }
}

fn report(limits: &[(String, String)], usage: &[(String, u64)]) -> Progress {
    let number = |text: &String| text.parse().ok();
    let limits = limits
        .iter()
        .map(|(capacity, remaining)| limit(number(capacity), number(remaining)));
    let usage = usage.iter().map(|(class, tokens)| count(class, *tokens));
    Progress::done()
        .chunk(Chunk::token(&whole("reported")))
        .limits(limits)
        .counts(usage)
}

fn count(class: &str, tokens: u64) -> Count {
    Count {
        class: class.to_owned(),
        tokens,
    }
}

fn limit(capacity: Option<f64>, remaining: Option<f64>) -> Limit {
    Limit {
        what: "requests".to_owned(),
        scope: Scope::Account,
        capacity,
        remaining,
        resets_in: None,
        window: None,
    }
}

fn long_stream() -> Request {
    let edits = vec![Edit::set("model", &"talkative"), Edit::set("stream", &true)];
    Request::post("/chat/completions").json_edited(edits).sse()
}

fn hoard(most: usize) -> Progress {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    while hoard.len() < most >> 20 {
        hoard.push(vec![1; 1 << 20]);
        std::hint::black_box(&hoard);
    }
    Progress::done().chunk(Chunk::token(&whole("that will do")))
}

/// Holds little per call in linear memory, whose stack would overflow first otherwise, and leaves the optimiser
/// nothing to make a loop of.
fn recurse(depth: u64) -> u64 {
    match depth {
        0 => 0,
        more => recurse(more - 1).rotate_left(7) ^ more,
    }
}

fn chunk(text: &str) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "hostile", "choices": [
        {"index": 0, "delta": {"content": text}, "finish_reason": null}]})
}

fn whole(text: &str) -> Value {
    json!({"id": "c", "object": "chat.completion", "created": 0, "model": "hostile", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]})
}

patchbay_sdk::export_adapter!(Hostile);
