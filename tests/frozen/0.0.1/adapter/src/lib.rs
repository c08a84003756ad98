//! An adapter of contract 0.0.1: passes canonical whole replies through, and translates streams event by event.

use exports::patchbay::plugin::adapter::{
    Body, Call, Chunk, CredentialField, CredentialHeader, CredentialUse, CredentialValue, Description,
    Endpoint, Exchange, Framing, Guest, GuestExchange, HttpRequest, Input, Next, Payload, Progress, Target,
};
use patchbay::plugin::log::{Level, emit};
use patchbay::plugin::types::{Failure, Scope};

wit_bindgen::generate!({ path: "../../../../wit/0.0.1", world: "adapter-plugin" });

struct Old;

struct Passage;

impl Guest for Old {
    type Exchange = Passage;

    fn describe() -> Description {
        Description {
            vendor: "old".to_owned(),
            version: "0.0.1".to_owned(),
            operations: vec!["chat".to_owned()],
            endpoints: vec![Endpoint {
                name: "api".to_owned(),
                default_url: None,
            }],
            credentials: vec![CredentialField {
                name: "api_key".to_owned(),
                secret: true,
                required: true,
                help: "any".to_owned(),
            }],
            settings_schema: r#"{"type": "object", "additionalProperties": false}"#.to_owned(),
            reply_headers: Vec::new(),
            features: "{}".to_owned(),
        }
    }
}

impl GuestExchange for Passage {
    fn start(call: Call, _: Target, payload: &Payload) -> Result<(Exchange, Progress), Failure> {
        emit(
            Level::Debug,
            &format!("{} bytes for {}", payload.size(), call.model),
        );
        let send = HttpRequest {
            endpoint: None,
            method: "POST".to_owned(),
            path: "/chat/completions".to_owned(),
            headers: Vec::new(),
            credentials: vec![CredentialUse::Header(CredentialHeader {
                name: "authorization".to_owned(),
                prefix: "Bearer ".to_owned(),
                value: CredentialValue::Field("api_key".to_owned()),
            })],
            body: Body::Unchanged,
            framing: Framing::Sse,
            canonical: !call.streaming,
        };
        Ok((Exchange::new(Passage), progress(Vec::new(), Next::Send(send))))
    }

    fn advance(&self, input: Input) -> Progress {
        match input {
            Input::Events(events) => {
                let done = events.iter().any(|event| event.data == b"[DONE]");
                let events = events.into_iter().filter(|event| event.data != b"[DONE]");
                let chunks = events.map(|event| Chunk {
                    data: event.data,
                    token: true,
                });
                progress(chunks.collect(), if done { Next::Done } else { Next::More })
            }
            Input::Head(_) => progress(Vec::new(), Next::More),
            Input::End => progress(Vec::new(), failed("the stream ended too early".to_owned())),
            Input::Reply(reply) => progress(
                Vec::new(),
                failed(format!("the vendor says {}", reply.head.status)),
            ),
            Input::Pull => progress(Vec::new(), failed("nobody pulls here".to_owned())),
        }
    }
}

fn progress(chunks: Vec<Chunk>, next: Next) -> Progress {
    Progress {
        chunks,
        usage: Vec::new(),
        limits: Vec::new(),
        warnings: Vec::new(),
        next,
    }
}

fn failed(message: String) -> Next {
    Next::Failed(Failure {
        kind: "server_error".to_owned(),
        scope: Scope::Candidate,
        message,
        vendor_code: None,
        param: None,
        retry_after: None,
        renew_token: false,
    })
}

export!(Old);
