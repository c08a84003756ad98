//! `patchbay models add`, `set`, `enable`, `disable`, `remove` and `default`

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::{Map, json};

use super::about::About;
use crate::cli::change::{Changes, Changing, Owned};
use crate::cli::output::{say, say_json};
use crate::config::SettingPath;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay models add openai/gpt-4.1 --max-output-tokens 32768 --price-input 2 --price-output 8
  patchbay models add local/text-small --capabilities embeddings

It is public under its own name at once; for another name: patchbay config set models.NAME.targets '[\"openai/gpt-4.1\"]'")]
pub(in crate::cli) struct Add {
    #[arg(value_name = "VENDOR/MODEL")]
    model: String,
    #[command(flatten)]
    about: About,
    #[command(flatten)]
    changing: Changing,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay models set openai/gpt-4.1 --weight 0.5 --concurrency 20
  patchbay models set openai/gpt-4.1 --parameter temperature=0.2 --parameter seed=7")]
pub(in crate::cli) struct Set {
    #[arg(value_name = "VENDOR/MODEL")]
    model: String,
    #[command(flatten)]
    about: About,
    #[command(flatten)]
    changing: Changing,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay models disable openai/gpt-4.1
  patchbay models enable openai/gpt-4.1

Requests under way finish. It stays so over restarts.")]
pub(in crate::cli) struct Switch {
    #[arg(value_name = "VENDOR/MODEL")]
    model: String,
    #[command(flatten)]
    changing: Changing,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay models remove openai/gpt-4.1

Requests under way finish. One that stands in the file stays away until
`patchbay config unset vendors.VENDOR.models.MODEL`.")]
pub(in crate::cli) struct Remove {
    #[arg(value_name = "VENDOR/MODEL")]
    model: String,
    #[command(flatten)]
    changing: Changing,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay models default            which one it is
  patchbay models default fast
  patchbay models default --unset    as in the file again

Requests without a model, or for the model \"default\", go to it.")]
pub(in crate::cli) struct Default {
    /// A public model
    name: Option<String>,
    /// As in the file again
    #[arg(long, conflicts_with = "name")]
    unset: bool,
    #[command(flatten)]
    changing: Changing,
}

// === impl Add ===

impl Add {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let model = Owned::read(&self.model, "MODEL")?;
        let running = self.changing.remote.find()?;
        if model.is_in(&running, "models")? {
            let name = &self.model;
            bail!("{name} is there already; to change it: patchbay models set {name}");
        }
        let mut value = Map::new();
        for (keys, field) in self.about.fields()? {
            match &keys[..] {
                [table, key] => value.entry(table).or_insert_with(|| json!({}))[key] = field,
                keys => drop(value.insert(keys.concat(), field)),
            }
        }
        let mut changes = Changes::default();
        changes.set(&model.path("models", &[]), &value.into());
        self.changing.make_at(&running, &changes)
    }
}

// === impl Set ===

impl Set {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let model = Owned::read(&self.model, "MODEL")?;
        let mut changes = Changes::default();
        for (keys, value) in self.about.fields()? {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            changes.set(&model.path("models", &keys), &value);
        }
        if changes.is_empty() {
            bail!("nothing to set; give --weight, --concurrency or another option, see --help");
        }
        self.changing.make(&changes)
    }
}

// === impl Switch ===

impl Switch {
    pub(super) fn run(self, enabled: bool) -> anyhow::Result<ExitCode> {
        let path = Owned::read(&self.model, "MODEL")?.path("models", &["enabled"]);
        let mut changes = Changes::default();
        changes.set(&path, &enabled.into());
        self.changing.make(&changes)
    }
}

// === impl Remove ===

impl Remove {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let path = Owned::read(&self.model, "MODEL")?.path("models", &[]);
        let mut changes = Changes::default();
        changes.remove(&path, format!("{} is removed", self.model));
        self.changing.make(&changes)
    }
}

// === impl Default ===

impl Default {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let path = SettingPath::of(["default_model"]);
        let mut changes = Changes::default();
        match &self.name {
            Some(name) => changes.set(&path, &json!(name)),
            None if self.unset => changes.unset(&path, "default_model is as in the file again"),
            None => return self.show(),
        }
        self.changing.make(&changes)
    }

    fn show(&self) -> anyhow::Result<ExitCode> {
        let told = self.changing.remote.find()?.get(&["admin", "config"], &[])?;
        let name = &told["config"]["default_model"];
        if self.changing.json {
            say_json(&json!({ "default_model": name }));
        } else {
            say(name.as_str().unwrap_or(
                "there is none: requests must name a model; set one with: patchbay models default NAME",
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}
