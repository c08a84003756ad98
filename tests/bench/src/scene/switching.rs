//! Models whose first candidate fails at once and whose second answers, all at a simulator that records.

use std::fmt::Write;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::load::{Ask, Expected};

/// A way to fail, and who answers then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// The first answers with an error status.
    Refused,
    /// The same, and the next one's adapter translates.
    Translated,
    /// The first begins a stream and says in it, before any token, that it has failed.
    Stream,
}

pub(crate) const SWITCHES: [Switch; 3] = [Switch::Refused, Switch::Translated, Switch::Stream];
/// The vendor that fails; its name is part of the path.
pub(crate) const FAILING: &str = "failing";
const TOKENS: usize = 100;

// === impl Switch ===

impl Switch {
    fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Translated => "refused-translated",
            Self::Stream => "refused-stream",
        }
    }

    /// Of the candidate that answers.
    fn adapter(self) -> &'static str {
        match self {
            Self::Refused | Self::Stream => "openai",
            Self::Translated => "anthropic",
        }
    }

    fn failure(self) -> Value {
        match self {
            Self::Refused | Self::Translated => json!({"status": 500}),
            Self::Stream => json!({"error_after": 0}),
        }
    }

    pub(crate) fn ask(self) -> Ask {
        let expected = match self {
            Self::Refused | Self::Translated => Expected::Whole { tokens: TOKENS },
            Self::Stream => Expected::Stream { tokens: TOKENS },
        };
        Ask::new(self.name(), expected)
    }
}

pub(super) fn rules() -> String {
    let all = json!({"then": {"reply": {"tokens": TOKENS}}});
    let fails = |switch: Switch| {
        let when = json!({"vendor": FAILING, "model": switch.name()});
        json!({"when": when, "then": switch.failure()})
    };
    let rules: Vec<Value> = std::iter::once(all).chain(SWITCHES.map(fails)).collect();
    json!(rules).to_string()
}

/// What the gateway's configuration says of them.
pub(super) fn configure(text: &mut String, simulator: SocketAddr) {
    let names = SWITCHES.map(Switch::name);
    let vendors = [
        (FAILING, "openai"),
        ("answering-openai", "openai"),
        ("answering-anthropic", "anthropic"),
    ];
    // Writing to a string cannot fail.
    for (vendor, adapter) in vendors {
        let _ = write!(
            text,
            "\n[vendors.{vendor}]\nadapter = \"{adapter}\"\nbase_url = \"http://{simulator}/{vendor}/v1\"\n\
             api_key = \"key\"\nmodels = {names:?}\n"
        );
    }
    for switch in SWITCHES {
        let (name, adapter) = (switch.name(), switch.adapter());
        let _ = write!(
            text,
            "\n[models.{name}]\ntargets = [\"{FAILING}/{name}\", \"answering-{adapter}/{name}\"]\n"
        );
    }
}
