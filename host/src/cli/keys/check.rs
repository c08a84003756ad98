//! `patchbay keys check`: what a vendor says of a key, before it is put to use.

use std::process::ExitCode;

use clap::Args;
use http::Method;
use serde_json::json;

use super::secret::Source;
use super::understood;
use crate::accounts::{Checked, Verdict};
use crate::cli::output::{Look, say_json};
use crate::cli::remote::Remote;
use crate::cli::style::{BAD, GOOD, PASSING, painted};
use crate::cli::text::{WIDTH, clean, wrap};

/// Longest message that is shown, in columns.
const LONGEST_MESSAGE: usize = 600;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay keys check openai                      asks for the key without showing it
  pass show openai-2 | patchbay keys check openai
  patchbay keys check openai --from-env NEW_KEY --json | jq -r .verdict

The running gateway asks the vendor, by the way of its accounts, and keeps nothing of the key.

Exit codes: 0 the vendor accepts it, 1 it does not, or that could not be found out.")]
pub(in crate::cli) struct Check {
    /// Whose key it is
    #[arg(value_name = "VENDOR")]
    vendor: String,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    look: Look,
}

// === impl Check ===

impl Check {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let running = self.remote.find()?;
        let credentials = json!({ self.source.field.as_str(): self.source.read()? });
        let body = json!({ "vendor": self.vendor, "credentials": credentials });
        let told = running.ask(Method::POST, &["admin", "keys", "check"], &[], Some(&body))?;
        let checked: Checked = understood(told)?;
        if self.look.json {
            say_json(&checked);
        } else {
            self.look.show(&render(&checked));
        }
        Ok(match checked.verdict {
            Verdict::Accepted => ExitCode::SUCCESS,
            Verdict::Refused | Verdict::Unknown => ExitCode::FAILURE,
        })
    }
}

fn render(checked: &Checked) -> String {
    let vendor = clean(&checked.vendor, WIDTH / 2);
    let mut text = match checked.verdict {
        Verdict::Accepted => format!("{vendor} {} the key.\n", painted(GOOD, "accepts")),
        Verdict::Refused => format!("{vendor} {} the key.\n", painted(BAD, "refuses")),
        Verdict::Unknown => {
            let unknown = painted(PASSING, "could not be found out");
            format!("Whether {vendor} accepts the key {unknown}.\n")
        }
    };
    let said = match (&checked.class, &checked.message) {
        (Some(class), Some(message)) => Some(format!("{class}: {message}")),
        (class, _) => class.clone(),
    };
    for words in [&said, &checked.meaning].into_iter().flatten() {
        for line in wrap(&clean(words, LONGEST_MESSAGE), WIDTH - 2) {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}
