//! `patchbay plugin test`

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::ComponentFile;
use crate::cli::output::{say, say_json};
use crate::plugin::Finding;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay plugin test target/plugins/round-robin.wasm
  patchbay plugin test my-adapter.wasm --settings '{\"region\": \"eu\"}' --json

Loads the plugin as a gateway would, asks it the same questions twice, and times its calls. Nothing is sent.
Exit codes: 0 all went well, 1 something did not.")]
pub(in crate::cli) struct Test {
    #[command(flatten)]
    file: ComponentFile,
    /// The plugin's settings, a JSON object
    #[arg(long, default_value = "{}", value_name = "JSON")]
    settings: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

// === impl Test ===

impl Test {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let file = self.file.file.display().to_string();
        let mut findings = Vec::new();
        match self.file.load()? {
            Ok(plugin) => {
                findings.push(Finding {
                    what: format!("loads as {} {}", plugin.kind(), plugin.identity()),
                    ok: true,
                    detail: String::new(),
                });
                findings.append(&mut plugin.rehearse(&self.settings));
            }
            Err(error) => findings.push(Finding {
                what: "loads".to_owned(),
                ok: false,
                detail: error.to_string(),
            }),
        }
        let ok = findings.iter().all(|finding| finding.ok);
        if self.json {
            say_json(&json!({"file": file, "ok": ok, "findings": findings}));
        } else {
            findings.iter().for_each(print);
            say(format_args!(
                "{file}: {}",
                if ok { "ok" } else { "not ready to serve" }
            ));
        }
        Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn print(finding: &Finding) {
    let mark = if finding.ok { "ok    " } else { "FAILED" };
    match finding.detail.as_str() {
        "" => say(format_args!("{mark}  {}", finding.what)),
        detail => say(format_args!("{mark}  {}: {detail}", finding.what)),
    }
}
