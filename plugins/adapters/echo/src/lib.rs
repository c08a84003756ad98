//! An adapter that answers by itself: a chat gets the last user message back, an embedding is a hash. It is for
//! trying a gateway, its clients and its configuration without a vendor, a key or a network.
//!
//! It counts a run of characters between white space as one token.

mod chat;
mod embed;
mod settings;

use patchbay_sdk::adapter::{
    Adapter, Call, Chunk, Description, Exchange, Failure, Input, Millis, Payload, Progress, Target,
};
use patchbay_sdk::words::Operation;
use serde_json::json;

use chat::Answer;
use settings::Settings;

#[derive(Debug)]
pub struct Echo;

/// A call under way.
#[derive(Debug)]
pub enum Attempt {
    /// All has been said.
    Done,
    Streaming(Answer),
}

impl Adapter for Echo {
    type Exchange = Attempt;

    fn describe() -> Description {
        Description::new("echo", env!("CARGO_PKG_VERSION"))
            .operations([
                Operation::Chat,
                Operation::Embeddings,
                Operation::Models,
                Operation::Probe,
            ])
            .settings_schema(settings::SCHEMA)
            .features(r#"{"streaming": true, "tools": false, "vision": false, "structured-output": false}"#)
    }
}

impl Exchange for Attempt {
    fn start(call: &Call, target: &Target, payload: &Payload<'_>) -> Result<(Self, Progress), Failure> {
        let settings: Settings = target.settings()?;
        match call.operation() {
            Operation::Chat => {
                let answer = Answer::new(call, settings, &payload.read_whole()?);
                Ok(if call.streaming {
                    let begun = answer.begin();
                    (Self::Streaming(answer), begun)
                } else {
                    (Self::Done, answer.whole())
                })
            }
            Operation::Embeddings => Ok((Self::Done, embed::answer(call, &payload.read_whole()?)?)),
            Operation::Models => {
                let model = json!({"id": "echo", "object": "model", "created": 0, "owned_by": "patchbay"});
                let list = json!({"object": "list", "data": [model]});
                Ok((Self::Done, Progress::done().chunk(Chunk::token(&list))))
            }
            Operation::Probe => Ok((Self::Done, Progress::done())),
            Operation::Other(operation) => Err(Failure::not_supported(&operation)),
        }
    }

    fn advance(&mut self, _: Millis, _: Input) -> Progress {
        match self {
            Self::Done => Progress::done(),
            Self::Streaming(answer) => answer.go_on(),
        }
    }
}

patchbay_sdk::export_adapter!(Echo);

#[cfg(test)]
mod tests;
