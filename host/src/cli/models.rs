//! `patchbay models`

mod about;
mod change;
mod list;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Models {
    /// Show the models of every vendor
    List(list::List),
    /// Add a model to a vendor of the running gateway
    Add(change::Add),
    /// Change what is said of a model
    Set(change::Set),
    /// Put a model back into service
    Enable(change::Switch),
    /// Take a model out of service
    Disable(change::Switch),
    /// Remove a model
    Remove(change::Remove),
    /// Show or choose the public model of requests that name none
    Default(change::Default),
}

// === impl Models ===

impl Models {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run(),
            Self::Add(add) => add.run(),
            Self::Set(set) => set.run(),
            Self::Enable(switch) => switch.run(true),
            Self::Disable(switch) => switch.run(false),
            Self::Remove(remove) => remove.run(),
            Self::Default(default) => default.run(),
        }
    }
}
