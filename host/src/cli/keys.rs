//! `patchbay keys`: how the accounts of the running gateway stand, and what can be done about it.

mod add;
mod analyze;
mod change;
mod check;
pub(super) mod limits;
mod list;
mod recheck;
mod report;
mod reset;
mod secret;
pub(super) mod words;

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) use change::Share;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// List the accounts and how each stands
    List(list::List),
    /// Show everything about one account, and what to do
    Analyze(analyze::Analyze),
    /// Have accounts tried now instead of when their time has come
    Recheck(recheck::Recheck),
    /// Put an account back to service, whatever stood against it
    Reset(reset::Reset),
    /// Ask a vendor about a key that is not in use
    Check(check::Check),
    /// Show what became of accounts over time
    Report(report::Show),
    /// Add an account with its key to a vendor
    Add(add::Add),
    /// Give an account another key
    Rotate(add::Rotate),
    /// Change an account's weight, priority or tags
    Set(change::Set),
    /// Take an account out of service
    Disable(change::Switch),
    /// Put an account back into service
    Enable(change::Switch),
    /// Remove an account
    Remove(change::Remove),
}

/// An account, or one of its models.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    vendor: String,
    account: String,
    model: Option<String>,
}

// === impl Keys ===

impl Keys {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run(),
            Self::Analyze(analyze) => analyze.run(),
            Self::Recheck(recheck) => recheck.run(),
            Self::Reset(reset) => reset.run(),
            Self::Check(check) => check.run(),
            Self::Report(show) => show.run(),
            Self::Add(add) => add.run(),
            Self::Rotate(rotate) => rotate.run(),
            Self::Set(set) => set.run(),
            Self::Disable(switch) => switch.run(false),
            Self::Enable(switch) => switch.run(true),
            Self::Remove(remove) => remove.run(),
        }
    }
}

// === impl Named ===

impl Named {
    /// `VENDOR/ACCOUNT[/MODEL]`; a model's name may hold slashes of its own.
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, '/').map(str::to_owned);
        let named = Self {
            vendor: parts.next().unwrap_or_default(),
            account: parts.next().unwrap_or_default(),
            model: parts.next(),
        };
        let empty = named.vendor.is_empty() || named.account.is_empty() || named.model.as_deref() == Some("");
        if empty {
            return Err("write VENDOR/ACCOUNT, as `patchbay keys list` has it".to_owned());
        }
        Ok(named)
    }

    /// `VENDOR/ACCOUNT`
    fn parse_account(text: &str) -> Result<Self, String> {
        let named = Self::parse(text)?;
        match &named.model {
            Some(model) => Err(format!(
                "write {}/{} alone; {model:?} is among what is said of it",
                named.vendor, named.account
            )),
            None => Ok(named),
        }
    }
}

fn understood<T: DeserializeOwned>(told: Value) -> anyhow::Result<T> {
    serde_json::from_value(told).context("the gateway's answer is not understood")
}

#[cfg(test)]
mod tests {
    use super::Named;

    #[test]
    fn a_model_may_hold_slashes_and_nothing_may_be_missing() {
        let named = Named::parse("v/a/org/model:free").unwrap();
        assert_eq!(named.model.as_deref(), Some("org/model:free"));
        assert_eq!(Named::parse_account("v/a").unwrap().account, "a");
        for wrong in ["", "v", "v/", "/a", "/", "v/a/", "//"] {
            assert!(
                Named::parse(wrong)
                    .unwrap_err()
                    .starts_with("write VENDOR/ACCOUNT"),
                "{wrong}"
            );
        }
        assert!(Named::parse_account("v/a/m").is_err());
    }
}
