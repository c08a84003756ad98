//! `patchbay keys add` and `rotate`

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use super::change::Share;
use super::secret::Source;
use crate::cli::change::{Changes, Changing, Owned};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay keys add openai/second                        asks for the key without showing it
  pass show openai | patchbay keys add openai/second --weight 0.5
  patchbay keys add openai/second --from-file key.txt --tags paid,eu
  patchbay keys add openai/second --from-env OPENAI_KEY_2 --priority 10

Kept encrypted in the gateway's database, and verified before it serves: `patchbay status`
shows what came of it.")]
pub(in crate::cli) struct Add {
    /// Which vendor, and what the account is to be called
    #[arg(value_name = "VENDOR/ACCOUNT")]
    account: String,
    #[command(flatten)]
    share: Share,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    changing: Changing,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay keys rotate openai/main                       asks for the key without showing it
  vault read -field=key openai | patchbay keys rotate openai/main
  patchbay keys rotate cloud/main --field client_secret --from-file secret.txt

Requests under way finish with the key they began with. What the key before has caused is forgotten. To go back to the
file's key: patchbay config unset vendors.VENDOR.accounts.ACCOUNT.api_key")]
pub(in crate::cli) struct Rotate {
    #[arg(value_name = "VENDOR/ACCOUNT")]
    account: String,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    changing: Changing,
}

// === impl Add ===

impl Add {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let account = Owned::read(&self.account, "ACCOUNT")?;
        let running = self.changing.remote.find()?;
        if account.is_in(&running, "accounts")? {
            let name = &self.account;
            bail!("{name} is there already; for another key: patchbay keys rotate {name}");
        }
        let key = self.source.read()?;
        let mut value = json!({ "credentials": { self.source.field.as_str(): key } });
        if let Value::Object(members) = &mut value {
            members.extend(self.share.fields());
        }
        let mut changes = Changes::default();
        let said = format!("{} is added", self.account);
        changes.set_silently(&account.path("accounts", &[]), &value, said);
        self.changing.make_at(&running, &changes)
    }
}

// === impl Rotate ===

impl Rotate {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let account = Owned::read(&self.account, "ACCOUNT")?;
        let key = self.source.read()?;
        let path = account.path("accounts", &["credentials", &self.source.field]);
        let mut changes = Changes::default();
        changes.set_silently(&path, &json!(key), format!("{} has another key", self.account));
        self.changing.make(&changes)
    }
}
