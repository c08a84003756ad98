//! `patchbay plugin`

mod build;
mod inspect;
mod list;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;

use super::output::patiently;
use crate::config;
use crate::plugin::{Engine, LoadError, Plugin as Loaded};

#[derive(Debug, Subcommand)]
pub(super) enum Plugin {
    /// Show the plugins of the running gateway
    List(list::List),
    /// Show what a plugin's file is, wants and needs
    Inspect(inspect::Inspect),
    /// Build a Rust plugin into a component
    Build(build::Build),
    /// Try a plugin's file without a vendor
    Test(test::Test),
}

/// A file, and the terms it is loaded on.
#[derive(Debug, clap::Args)]
struct ComponentFile {
    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Take limits and grants from this configuration instead of the usual ones
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

// === impl Plugin ===

impl Plugin {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run(),
            Self::Inspect(inspect) => inspect.run(),
            Self::Build(build) => build.run(),
            Self::Test(test) => test.run(),
        }
    }
}

// === impl ComponentFile ===

impl ComponentFile {
    fn load(&self) -> anyhow::Result<Result<Loaded, LoadError>> {
        load(&self.file, self.config.as_deref())
    }
}

/// Loads a plugin's file as a gateway would, on the terms of this configuration or on the usual ones. The outer error is
/// the machine's or the configuration's, the inner the file's.
pub(super) fn load(file: &Path, config: Option<&Path>) -> anyhow::Result<Result<Loaded, LoadError>> {
    let plugins = match config {
        Some(path) => settings(path)?.plugins,
        None => config::Plugins::default(),
    };
    let engine = Engine::new(&plugins)?;
    let what = format!(
        "compiling {}, which takes half a minute for ten megabytes",
        file.display()
    );
    match patiently(&what, || Loaded::from_file(&engine, file, &plugins)) {
        Err(LoadError::Unreadable(error)) => {
            Err(error).with_context(|| format!("cannot read {}", file.display()))
        }
        loaded => Ok(loaded),
    }
}

/// The configuration, or all that is wrong with it.
fn settings(path: &Path) -> anyhow::Result<config::Settings> {
    match config::load(path, &|name| std::env::var(name).ok()) {
        Ok(loaded) => Ok(loaded.settings),
        Err(problems) => anyhow::bail!("{problems}"),
    }
}
