//! Whoever replaces files while the gateway runs.

use std::time::Duration;

use patchbay_tests::{Gateway, other_version};
use tokio::time::Instant;

const SWAP: Duration = Duration::from_secs(1);
const EDIT: Duration = Duration::from_secs(5);

pub(crate) struct Operator<'a> {
    gateway: &'a Gateway,
    config: String,
    started: Instant,
    swaps: usize,
    edits: usize,
}

// === impl Operator ===

impl<'a> Operator<'a> {
    /// `config`: one that sets `seed = 0`, which is what changes.
    pub(crate) fn new(gateway: &'a Gateway, config: String) -> Self {
        Self {
            gateway,
            config,
            started: Instant::now(),
            swaps: 0,
            edits: 0,
        }
    }

    /// How often both plugins were replaced.
    pub(crate) fn swaps(&self) -> usize {
        self.swaps
    }

    pub(crate) fn edits(&self) -> usize {
        self.edits
    }

    /// Does what is due. Versions sort as text in the order in which they are made.
    pub(crate) fn work(&mut self) {
        let passed = self.started.elapsed();
        if passed >= SWAP * u32::try_from(self.swaps + 1).unwrap() {
            self.swaps += 1;
            for name in ["relay", "wayward"] {
                // The components that the gateway starts with are called version-...
                let (bytes, _) = other_version(name, &format!("version.{:06}", self.swaps));
                self.gateway.write_plugin(&format!("{name}.wasm"), &bytes);
            }
        }
        if passed >= EDIT * u32::try_from(self.edits + 1).unwrap() {
            self.edits += 1;
            self.gateway
                .write_config(&self.config.replace("seed = 0", &format!("seed = {}", self.edits)));
        }
    }
}
