//! Settings changed in the running gateway: what every command that changes something has in common.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::output::{say, say_json};
use super::remote::{Remote, Running};
use crate::config::{SettingPath, to_text};

/// The options of every command that changes a setting.
#[derive(Debug, Args)]
pub(super) struct Changing {
    #[command(flatten)]
    pub(super) remote: Remote,
    /// Print what the gateway answers as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Changes that are made together or not at all.
#[derive(Debug, Default)]
pub(super) struct Changes {
    wishes: Vec<Value>,
    /// What is said when they are made.
    said: Vec<String>,
}

/// A vendor and one of its accounts or models, as people write them: `vendor/name`.
#[derive(Debug, Clone)]
pub(super) struct Owned {
    pub(super) vendor: String,
    pub(super) name: String,
}

// === impl Changing ===

impl Changing {
    pub(super) fn make(&self, changes: &Changes) -> anyhow::Result<ExitCode> {
        self.make_at(&self.remote.find()?, changes)
    }

    pub(super) fn make_at(&self, running: &Running, changes: &Changes) -> anyhow::Result<ExitCode> {
        let body = json!({ "changes": changes.wishes });
        let told = running.ask(Method::POST, &["admin", "config"], &[], Some(&body))?;
        if self.json {
            say_json(&told);
            return Ok(ExitCode::SUCCESS);
        }
        changes.said.iter().for_each(say);
        for warning in told["warnings"].as_array().into_iter().flatten() {
            say(format_args!("warning: {}", warning.as_str().unwrap_or_default()));
        }
        if told["kept"] == false {
            say("note: the gateway has no database ([storage] path), so this is lost when it stops");
        }
        Ok(ExitCode::SUCCESS)
    }
}

// === impl Changes ===

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.wishes.is_empty()
    }

    /// The value is said again, so it must not be a credential.
    pub(super) fn set(&mut self, path: &SettingPath, value: &Value) {
        self.said.push(format!("{path} = {}", to_text(value)));
        self.wish(json!({ "path": path, "value": value }));
    }

    /// `said` stands for what must not be shown.
    pub(super) fn set_silently(&mut self, path: &SettingPath, value: &Value, said: impl Into<String>) {
        self.said.push(said.into());
        self.wish(json!({ "path": path, "value": value }));
    }

    pub(super) fn remove(&mut self, path: &SettingPath, said: impl Into<String>) {
        self.said.push(said.into());
        self.wish(json!({ "path": path, "removed": true }));
    }

    pub(super) fn unset(&mut self, path: &SettingPath, said: impl Into<String>) {
        self.said.push(said.into());
        self.wish(json!({ "path": path, "unset": true }));
    }

    fn wish(&mut self, wish: Value) {
        self.wishes.push(wish);
    }
}

// === impl Owned ===

impl Owned {
    /// `what`: "ACCOUNT" or "MODEL". The text is not shown when it is wrong: it may be a key.
    pub(super) fn read(text: &str, what: &str) -> anyhow::Result<Self> {
        match text.split_once('/') {
            Some((vendor, name)) if !vendor.is_empty() && !name.is_empty() => Ok(Self {
                vendor: vendor.to_owned(),
                name: name.to_owned(),
            }),
            _ => bail!("write VENDOR/{what}, as in the configuration; `patchbay config show` lists them"),
        }
    }

    /// `list`: "accounts" or "models".
    pub(super) fn path(&self, list: &str, fields: &[&str]) -> SettingPath {
        SettingPath::of(
            ["vendors", &self.vendor, list, &self.name]
                .into_iter()
                .chain(fields.iter().copied()),
        )
    }

    /// Whether the gateway has it.
    pub(super) fn is_in(&self, running: &Running, list: &str) -> anyhow::Result<bool> {
        let told = running.get(&["admin", "config"], &[])?;
        let vendor = &told["config"]["vendors"][&self.vendor];
        Ok(match vendor[list].as_array() {
            Some(items) => items
                .iter()
                .any(|item| item.as_str().or(item["name"].as_str()) == Some(&self.name)),
            // A vendor may describe one account in place.
            None => list == "accounts" && vendor.is_object() && self.name == "default",
        })
    }
}
