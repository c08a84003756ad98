//! What a key's standing means in plain words: what has happened, what happens by itself, and what to do.
//!
//! Words only. Whoever adds a class of failure or a state has to say here what it means.

use serde::{Deserialize, Serialize};

use super::standing::State;
use crate::failure::Kind;
use crate::storage::KeyName;

/// Sentences for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// What the class of failure says.
    pub meaning: String,
    /// What happens by itself.
    pub next: String,
    /// What to do.
    pub action: String,
}

// === impl Advice ===

impl Advice {
    /// What a class says of whoever met with it.
    pub fn meaning_of(class: &Kind) -> String {
        meaning(class, "the account", None).0
    }

    /// For a key that stands like this because of a failure of this class.
    pub fn on(key: &KeyName, state: State, class: Option<&Kind>) -> Self {
        let account = format!("{}/{}", key.vendor, key.account);
        let next = next(state);
        if state == State::DisabledByHand {
            return Self {
                meaning: "It is not to be used: `enabled` is false, in the configuration or set at run time."
                    .to_owned(),
                next,
                action: format!("To use it again: `patchbay keys enable {account}`."),
            };
        }
        let Some(class) = class.filter(|_| !matches!(state, State::Available { .. })) else {
            return Self {
                meaning: "Nothing is known against it.".to_owned(),
                next,
                action: "Nothing.".to_owned(),
            };
        };
        let (meaning, action) = meaning(class, &account, key.model.as_deref());
        let again = match state {
            State::OutOfService { .. } | State::DisabledByFailure { .. } => {
                format!(" When that is done: `patchbay keys recheck {account}`.")
            }
            State::Verifying { .. }
            | State::Available { .. }
            | State::CoolingDown { .. }
            | State::HalfOpen { .. }
            | State::Rechecking { .. }
            | State::DisabledByHand => String::new(),
        };
        Self {
            meaning,
            next,
            action: action + &again,
        }
    }
}

fn next(state: State) -> String {
    match state {
        State::Verifying { .. } => {
            "It is new, or its key is: a probe finds out whether it can be used, and it gets no \
                                    requests before that."
                .to_owned()
        }
        State::DisabledByHand => "Nothing: somebody has switched it off.".to_owned(),
        State::Available { failures: 0 } => "It is used as usual.".to_owned(),
        State::Available { failures } => {
            format!("It is used as usual; attempts that have failed in a row: {failures}.")
        }
        State::CoolingDown { .. } => {
            "It is left alone for a short while. Then one request tries it, and if that \
                                      succeeds it is used again."
                .to_owned()
        }
        State::HalfOpen { .. } => {
            "One request is finding out now. If it succeeds, the key is used again.".to_owned()
        }
        State::OutOfService { failed, schedule, .. } => format!(
            "It gets no requests but its rechecks, of which {failed} of {} have failed. The time between them \
             doubles; after the last one it is disabled.",
            schedule.attempts
        ),
        State::Rechecking { .. } => {
            "A recheck is under way. If it succeeds, the key is used again.".to_owned()
        }
        State::DisabledByFailure { until: Some(_), .. } => {
            "All of its rechecks have failed. It is still tried at long \
                                                   intervals, and comes back if that succeeds."
                .to_owned()
        }
        State::DisabledByFailure { until: None, .. } => {
            "Nothing: it is not tried again before its key changes or somebody has it tried.".to_owned()
        }
    }
}

/// What a class says, and what can be done about it.
fn meaning(class: &Kind, account: &str, model: Option<&str>) -> (String, String) {
    let model = model.unwrap_or("the model");
    let (meaning, action) = match class {
        Kind::Custom(name) => return custom(name, account),
        Kind::Authentication => (
            "The vendor does not accept this account's key: it is wrong, has expired or was revoked.",
            format!("Get a working key from the vendor and put it in: `patchbay keys rotate {account}`."),
        ),
        Kind::PermissionDenied => (
            "The vendor knows the key but does not allow it this: a model, a region or a project is not open to it.",
            "Allow it at the vendor, or use another account for this.".to_owned(),
        ),
        Kind::RateLimit => (
            "The account has asked for more in a short time than the vendor grants it.",
            "Usually nothing. If it comes often: lower its concurrency, add accounts, or ask the vendor for more."
                .to_owned(),
        ),
        Kind::ResourceExhausted => (
            "The vendor says that something this account has a share of is used up, such as a daily allowance.",
            "Wait until the vendor grants it again, or raise the share there.".to_owned(),
        ),
        Kind::InsufficientQuota => (
            "The account has no money or no quota left at the vendor.",
            "Pay or raise the limit at the vendor.".to_owned(),
        ),
        Kind::ServiceUnavailable => (
            "The vendor's service is down or overloaded. That says nothing against the account.",
            "Look at the vendor's status page. Other accounts there will hardly do better, another vendor will."
                .to_owned(),
        ),
        Kind::Internal => (
            "The vendor's service failed inside.",
            "If it lasts, look at the vendor's status page and report it there.".to_owned(),
        ),
        Kind::Unknown => (
            "The vendor refused in a way that its adapter cannot name.",
            "Read what the vendor said, below; it is all that is known.".to_owned(),
        ),
        Kind::ModelNotFound => (
            "The vendor does not know this model, or does not offer it to this account.",
            format!("Compare the name {model:?} with the vendor's list, or leave this account out of its targets."),
        ),
        Kind::Timeout => (
            "The vendor did not answer in time. That says nothing against the account.",
            "If it lasts, look at the network and the vendor's status page; `timeouts` says how long is waited."
                .to_owned(),
        ),
        Kind::Network => (
            "There is no connection to the vendor, or it breaks. That says nothing against the account.",
            "Check base_url, name resolution, proxy and firewall of this machine.".to_owned(),
        ),
        Kind::MalformedReply => (
            "What the vendor sends cannot be read, or breaks off.",
            "Check that base_url leads to an API that the adapter speaks; a newer adapter may help.".to_owned(),
        ),
        Kind::InvalidRequest => (
            "A request was not to the vendor's liking. That says nothing against the account.",
            "Nothing here; the caller was told.".to_owned(),
        ),
        Kind::ContextLength => (
            "A prompt was longer than the model takes. That says nothing against the account.",
            "Set context_length of the model, so that such prompts go elsewhere.".to_owned(),
        ),
        Kind::ContentFilter => (
            "The vendor refused what was asked for its content. That says nothing against the account.",
            "Nothing here; the caller was told.".to_owned(),
        ),
        Kind::NotSupported => (
            "The adapter cannot do what was asked. That says nothing against the account.",
            "Set the model's capabilities, so that such requests go elsewhere.".to_owned(),
        ),
        Kind::Plugin => (
            "The adapter itself failed, not the vendor.",
            "Look at `patchbay plugin list` and the log; put back the version before.".to_owned(),
        ),
        Kind::Overloaded => (
            "The gateway had no room for a request. That says nothing against the account.",
            "Raise server.concurrency, or send less.".to_owned(),
        ),
    };
    (meaning.to_owned(), action)
}

fn custom(name: &str, account: &str) -> (String, String) {
    (
        format!("The adapter calls it {name}, a class of its own: its documentation says what that means."),
        format!(
            "Read what the vendor said, below. `recheck.classes.{name}` in the configuration says how soon \
             {account} is tried again."
        ),
    )
}

#[cfg(test)]
mod tests;
