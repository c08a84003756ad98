//! `patchbay plugin inspect`

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::ComponentFile;
use crate::cli::output::{say, say_json};
use crate::plugin::{Description, Origin, Plugin, Serves};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay plugin inspect target/plugins/openai.wasm
  patchbay plugin inspect stranger.wasm --json | jq .credentials

Exit codes: 0 a gateway can load it, 1 it cannot, and the message says why and what to do.")]
pub(in crate::cli) struct Inspect {
    #[command(flatten)]
    file: ComponentFile,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

// === impl Inspect ===

impl Inspect {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let file = self.file.file.display().to_string();
        let plugin = match self.file.load()? {
            Ok(plugin) => plugin,
            Err(error) if self.json => {
                say_json(&json!({"file": file, "ok": false, "error": error.to_string()}));
                return Ok(ExitCode::FAILURE);
            }
            Err(error) => anyhow::bail!("{file}: {error}"),
        };
        if self.json {
            say_json(&machine(&file, &plugin));
        } else {
            print(&file, &plugin);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(file: &str, plugin: &Plugin) {
    let origin = &plugin.origin;
    say(format_args!("{file}: {} {}", plugin.kind(), plugin.identity()));
    row("contract", &format!("patchbay:plugin@{}", origin.contract));
    row("size", &format!("{} KB", origin.bytes.div_ceil(1024)));
    let before = if origin.cached { " (compiled before)" } else { "" };
    row(
        "compiled in",
        &format!("{:.2} s{before}", origin.compile.as_secs_f64()),
    );
    row("sha256", &origin.sha256);
    row("imports", &origin.imports.join("\n"));
    if reaches_for_wasi(origin) {
        row(
            "",
            "(WASI leads nowhere here: no files, sockets, environment or time)",
        );
    }
    match &plugin.serves {
        Serves::Adapter(adapter) => print_adapter(adapter.description()),
        Serves::Strategy(strategy) => {
            row("wants to know", &strategy.facts().join(", "));
            row("by hand", &strategy.actions().join(", "));
            row("settings", strategy.settings().text());
        }
    }
}

fn print_adapter(description: &Description) {
    row("vendor", &description.vendor);
    row("operations", &description.operations.join(", "));
    for (name, suggested) in &description.endpoints {
        let advice = match suggested {
            Some(url) => format!("{name}: set base_url, the plugin suggests {url}"),
            None => format!("{name}: set base_url, the plugin suggests none"),
        };
        row("endpoint", &advice);
    }
    for field in &description.credentials {
        let required = if field.required { "required" } else { "optional" };
        let secret = if field.secret {
            "secret"
        } else {
            "shown to the plugin"
        };
        row(
            "credential",
            &format!("{} ({required}, {secret}): {}", field.name, field.help),
        );
    }
    row("reply headers", &description.reply_headers.join(", "));
    row("features", &description.features);
    row("settings", description.settings.text());
}

/// One line for each line of the value; what is empty is said to be none.
fn row(name: &str, value: &str) {
    let value = if value.is_empty() { "none" } else { value };
    for (number, line) in value.lines().enumerate() {
        say(format_args!(
            "  {:<14} {line}",
            if number == 0 { name } else { "" }
        ));
    }
}

fn reaches_for_wasi(origin: &Origin) -> bool {
    origin.imports.iter().any(|import| import.starts_with("wasi:"))
}

fn machine(file: &str, plugin: &Plugin) -> Value {
    let origin = &plugin.origin;
    let mut told = json!({
        "file": file,
        "ok": true,
        "kind": plugin.kind(),
        "name": plugin.name(),
        "identity": plugin.identity(),
        "contract": origin.contract,
        "bytes": origin.bytes,
        "sha256": origin.sha256,
        "compile_seconds": origin.compile.as_secs_f64(),
        "imports": origin.imports,
        "wasi": reaches_for_wasi(origin),
    });
    match &plugin.serves {
        Serves::Strategy(strategy) => {
            told["facts"] = strategy.facts().into();
            told["actions"] = strategy.actions().into();
            told["settings_schema"] = parsed(strategy.settings().text());
        }
        Serves::Adapter(adapter) => {
            let description = adapter.description();
            told["vendor"] = description.vendor.clone().into();
            told["operations"] = description.operations.clone().into();
            let endpoints = description.endpoints.iter();
            told["endpoints"] = endpoints
                .map(|(name, url)| json!({"name": name, "suggested_url": url.as_ref().map(ToString::to_string)}))
                .collect();
            let fields = description.credentials.iter();
            told["credentials"] = fields
                .map(|field| {
                    json!({"name": field.name, "secret": field.secret, "required": field.required,
                        "help": field.help})
                })
                .collect();
            told["reply_headers"] = description.reply_headers.clone().into();
            told["features"] = parsed(&description.features);
            told["settings_schema"] = parsed(description.settings.text());
        }
    }
    told
}

/// Text that was found to be JSON when the plugin was loaded.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}
