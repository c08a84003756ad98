//! `patchbay keys reset`

use std::process::ExitCode;

use clap::Args;
use http::Method;
use serde_json::json;

use super::Named;
use super::recheck::show;
use crate::cli::output::Look;
use crate::cli::remote::Remote;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay keys reset openai/main                 an account with all of its models
  patchbay keys reset openai/main/gpt-4o          one of its models

It is used again at once, as if nothing had happened. `patchbay keys recheck` asks the vendor first.")]
pub(in crate::cli) struct Reset {
    /// Whose
    #[arg(value_name = "VENDOR/ACCOUNT[/MODEL]", value_parser = Named::parse)]
    named: Named,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    look: Look,
}

// === impl Reset ===

impl Reset {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Named {
            vendor,
            account,
            model,
        } = &self.named;
        let path = ["admin", "keys", vendor, account, "reset"];
        let body = json!({"model": model});
        let told = self.remote.find()?.ask(Method::POST, &path, &[], Some(&body))?;
        show(
            told,
            &self.look,
            "Nothing to reset: everything there is available.",
        )
    }
}
