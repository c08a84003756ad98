//! `patchbay models list`

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::output::{Look, say_json};
use crate::cli::remote::Remote;
use crate::cli::table::{Cell, Column, Table};
use crate::cli::text::WIDTH;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay models list
  patchbay models list openai --json | jq '.[].name'

Asks the running gateway. The public names that callers use: GET /v1/models.")]
pub(in crate::cli) struct List {
    /// Of this vendor alone
    vendor: Option<String>,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    look: Look,
}

// === impl List ===

impl List {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let told = self.remote.find()?.get(&["admin", "config"], &[])?;
        let models = models(&told["config"], self.vendor.as_deref());
        if models.is_empty()
            && let Some(vendor) = &self.vendor
        {
            anyhow::bail!(
                "the vendor {vendor:?} has no models, or there is none; see `patchbay models list`"
            );
        }
        if self.look.json {
            say_json(&models);
        } else {
            self.look.show(&render(&models));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Each as a table with `vendor` and `name`.
fn models(config: &Value, of: Option<&str>) -> Vec<Value> {
    let vendors = config["vendors"].as_object().into_iter().flatten();
    let chosen = vendors.filter(|(name, _)| of.is_none_or(|of| of == *name));
    chosen
        .flat_map(|(vendor, fields)| {
            let models = fields["models"].as_array().into_iter().flatten();
            models.map(move |model| {
                let mut model = match model {
                    Value::String(name) => json!({ "name": name }),
                    table => table.clone(),
                };
                model["vendor"] = vendor.as_str().into();
                model
            })
        })
        .collect()
}

fn render(models: &[Value]) -> String {
    let mut table = Table::new(&[
        Column::Left("MODEL"),
        Column::Left("IN USE"),
        Column::Right("WEIGHT"),
        Column::Right("PRIORITY"),
        Column::Right("MAX OUTPUT"),
        Column::Right("$ IN"),
        Column::Right("$ OUT"),
    ]);
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        value => value.to_string(),
    };
    for model in models {
        let name = |field: &str| model[field].as_str().unwrap_or_default();
        let on = model["enabled"].as_bool().unwrap_or(true);
        table.row([
            Cell::new(format!("{}/{}", name("vendor"), name("name"))),
            Cell::new(if on { "yes" } else { "no" }),
            Cell::new(text(&model["weight"])),
            Cell::new(text(&model["priority"])),
            Cell::new(text(&model["max_output_tokens"])),
            Cell::new(text(&model["price"]["input"])),
            Cell::new(text(&model["price"]["output"])),
        ]);
    }
    table.render(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_of_all_vendors_in_one_table() {
        let config = json!({"vendors": {
            "one": {"models": ["m", {"name": "n/x", "weight": 2.5, "enabled": false, "max_output_tokens": 4096,
                                     "price": {"input": 0.15, "output": 0.6}}]},
            "two": {},
        }});
        let text = anstream::adapter::strip_str(&render(&models(&config, None))).to_string();
        let expected = "\
MODEL    IN USE  WEIGHT  PRIORITY  MAX OUTPUT  $ IN  $ OUT
one/m    yes          -         -           -     -      -
one/n/x  no         2.5         -        4096  0.15    0.6
";
        assert_eq!(text, expected);
        assert!(models(&config, Some("two")).is_empty());
    }
}
