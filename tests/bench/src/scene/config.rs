//! What the simulator says to which model, and the gateway's configuration that leads there.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

use super::KEY;
use crate::load::{Ask, Expected};

/// A model of the simulator's, by what it answers. The public name is the upstream one, so that the pass-through is
/// sent the same body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Model {
    /// Whole answers of about 1.3 KB.
    Whole,
    /// Whole answers of about 2 KB, from an adapter that translates.
    Translated,
    /// Streams of 100 tokens, as fast as they can be written.
    Stream,
    /// Streams of so many tokens, spaced out.
    OpenStream,
    /// The same from an adapter that translates.
    OpenTranslated,
    /// From an adapter that never comes back.
    Looping,
}

/// Between two tokens of an open stream.
pub(crate) const OPEN_STREAM_PAUSE: Duration = Duration::from_millis(400);

const MODELS: [Model; 6] = [
    Model::Whole,
    Model::Translated,
    Model::Stream,
    Model::OpenStream,
    Model::OpenTranslated,
    Model::Looping,
];
/// Of each of the two vendors that serve a model.
const ACCOUNTS: usize = 4;

// === impl Model ===

impl Model {
    fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Translated => "translated",
            Self::Stream => "stream",
            Self::OpenStream => "open-stream",
            Self::OpenTranslated => "open-translated",
            Self::Looping => "looping",
        }
    }

    fn adapter(self) -> &'static str {
        match self {
            Self::Translated | Self::OpenTranslated => "translating",
            Self::Looping => "looping",
            Self::Whole | Self::Stream | Self::OpenStream => "openai",
        }
    }

    pub(crate) fn tokens(self) -> usize {
        match self {
            Self::Whole | Self::Stream | Self::Looping => 100,
            Self::Translated => 170,
            Self::OpenStream | Self::OpenTranslated => 20,
        }
    }

    pub(crate) fn ask(self) -> Ask {
        let tokens = self.tokens();
        let expected = match self {
            Self::Whole | Self::Translated | Self::Looping => Expected::Whole { tokens },
            Self::Stream | Self::OpenStream | Self::OpenTranslated => Expected::Stream { tokens },
        };
        Ask::new(self.name(), expected)
    }
}

/// The simulator's rules, one for each model.
pub(super) fn rules() -> String {
    let rule = |model: Model| {
        let pause = match model {
            Model::OpenStream | Model::OpenTranslated => OPEN_STREAM_PAUSE.as_millis(),
            Model::Whole | Model::Translated | Model::Stream | Model::Looping => 0,
        };
        let reply = json!({"tokens": model.tokens()});
        json!({"when": {"model": model.name()}, "then": {"reply": reply, "interval_ms": pause as u64}})
    };
    json!(MODELS.map(rule)).to_string()
}

/// Whether an instance may serve many exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reuse {
    Never,
    Granted,
}

/// Every model has eight candidates, four accounts at each of two vendors, which take turns.
pub(super) fn gateway(listen: SocketAddr, simulator: SocketAddr, reuse: Reuse) -> String {
    let mut text = format!(
        "[server]\nlisten = \"{listen}\"\n\n[[keys]]\nname = \"bench\"\nkey = \"{KEY}\"\n\n\
         [plugins]\nfolder = \"../plugins\"\n\n[circuit]\nenabled = \"off\"\n\n\
         [health]\nprobe = \"off\"\n\n[storage]\npath = \"off\"\n"
    );
    for adapter in ["openai", "translating", "looping"] {
        if reuse == Reuse::Granted {
            push(
                &mut text,
                format_args!("\n[plugins.grants.{adapter}]\nreuse = true\n"),
            );
        }
        let models: Vec<&str> = MODELS
            .into_iter()
            .filter(|model| model.adapter() == adapter)
            .map(Model::name)
            .collect();
        for vendor in ["one", "two"] {
            push(
                &mut text,
                format_args!("\n[vendors.{adapter}-{vendor}]\nadapter = \"{adapter}\"\n"),
            );
            push(
                &mut text,
                format_args!("base_url = \"http://{simulator}/{vendor}/v1\"\nmodels = {models:?}\n"),
            );
            for account in 0..ACCOUNTS {
                push(
                    &mut text,
                    format_args!("[[vendors.{adapter}-{vendor}.accounts]]\n"),
                );
                push(
                    &mut text,
                    format_args!("name = \"a{account}\"\napi_key = \"key-{account}\"\n"),
                );
            }
        }
    }
    for model in MODELS {
        let (name, adapter) = (model.name(), model.adapter());
        push(
            &mut text,
            format_args!("\n[models.{name}]\nstrategy = \"round-robin\"\n"),
        );
        push(
            &mut text,
            format_args!("targets = [\"{adapter}-one/{name}\", \"{adapter}-two/{name}\"]\n"),
        );
    }
    text
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(more);
}
