//! `patchbay plugin build`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::output::{say, say_json};
use crate::plugin::build::build;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay plugin build my-strategy                      into ./plugins/my-strategy.wasm
  patchbay plugin build my-strategy --out target/plugins into a folder a gateway watches")]
pub(in crate::cli) struct Build {
    /// The plugin's folder, with its Cargo.toml
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Where the component goes; replaced in one step, so a running gateway never sees half a file
    #[arg(short, long, default_value = "plugins", value_name = "DIR")]
    out: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

// === impl Build ===

impl Build {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut all = Vec::new();
        for folder in &self.folders {
            let built = build(folder, &self.out)?;
            if !self.json {
                let what = if built.changed { "built" } else { "unchanged" };
                say(format_args!(
                    "{what}  {}  {} KB",
                    built.path.display(),
                    built.bytes.div_ceil(1024)
                ));
            }
            all.push(built);
        }
        if self.json {
            say_json(&all);
        }
        Ok(ExitCode::SUCCESS)
    }
}
