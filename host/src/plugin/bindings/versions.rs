//! The released versions of the WIT package that are served, and how a component's is found.
//!
//! During 0.x these are the newest one and one frozen for the tests.

use wasmtime::component::Linker;

use super::{v0_0, v0_1};
use crate::plugin::store::State;

pub(in crate::plugin) const PACKAGE: &str = "patchbay:plugin/";

/// A released version. Each has its folder in `wit/` and its module beside this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plugin) enum Version {
    V0_0,
    V0_1,
}

/// The versions of the WIT package that are served, the newest first.
pub fn contract_versions() -> impl Iterator<Item = &'static str> {
    Version::ALL.into_iter().map(Version::as_str)
}

// === impl Version ===

impl Version {
    /// The newest first.
    pub(in crate::plugin) const ALL: [Self; 2] = [Self::V0_1, Self::V0_0];

    pub(in crate::plugin) fn as_str(self) -> &'static str {
        match self {
            Self::V0_0 => "0.0.1",
            Self::V0_1 => "0.1.0",
        }
    }

    /// An interface's full name in this version.
    pub(in crate::plugin) fn interface(self, name: &str) -> String {
        format!("{PACKAGE}{name}@{}", self.as_str())
    }

    /// Whether plugins of this version may import it.
    pub(in crate::plugin) fn offers(self, import: &str) -> bool {
        ["types", "calls", "log"]
            .iter()
            .any(|name| import == self.interface(name))
    }

    pub(in crate::plugin) fn link(self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        match self {
            Self::V0_0 => v0_0::link(linker),
            Self::V0_1 => v0_1::link(linker),
        }
    }
}
