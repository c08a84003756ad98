//! The closed room: what a component gets that was built for WASI 0.2.
//!
//! Toolchains of other languages import WASI whether their programs use it or not. Here it leads nowhere: no files,
//! no environment, no sockets; the clock stands still at the time of the call, randomness follows from the call's
//! entropy, output goes to the log, and whoever waits or exits ends the call. None of it touches the machine, so the
//! same call gives the same answer.

mod given;
mod refused;

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceType};

use super::bindings::v0_1::log::Level;
use super::store::State;

/// The packages of WASI 0.2 whose imports are satisfied.
const PACKAGES: [&str; 6] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];
/// A line that a guest leaves open is written when it is this long, in bytes.
const LINE: usize = 2048;

/// Time, randomness and output of one instance.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Unix time in milliseconds.
    now: u64,
    entropy: u64,
    /// Begun when the guest draws first.
    random: Option<StdRng>,
    /// Output that does not end in a line break yet.
    open_line: Vec<u8>,
}

/// Everything a guest may hold a handle to in here. There is nothing behind any of them but a number, which says
/// which stream it is.
pub(super) struct Thing;

pub(super) const OUT: u32 = 1;
pub(super) const ERR: u32 = 2;

// === impl Room ===

impl Room {
    /// The time that stands still during the next call, in milliseconds of Unix time.
    pub(super) fn set_time(&mut self, now: u64) {
        self.now = now;
    }

    /// What randomness follows from, from now on.
    pub(super) fn set_entropy(&mut self, entropy: u64) {
        self.entropy = entropy;
        self.random = None;
    }

    fn random(&mut self) -> &mut StdRng {
        let entropy = self.entropy;
        self.random.get_or_insert_with(|| StdRng::seed_from_u64(entropy))
    }

    fn random_bytes(&mut self, bytes: &mut [u8]) {
        self.random().fill_bytes(bytes);
    }
}

// === impl State ===

impl State {
    /// Output of the guest: whole lines go to the log.
    fn write(&mut self, stream: u32, bytes: &[u8]) -> wasmtime::Result<()> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.room.open_line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.room.open_line.len() > LINE {
                let line = std::mem::take(&mut self.room.open_line);
                let line = String::from_utf8_lossy(&line);
                match stream {
                    ERR => self.complain(line.trim_end())?,
                    _ => self.say(Level::Info, line.trim_end())?,
                }
            }
        }
        Ok(())
    }
}

/// Whether an import leads into the room.
pub(super) fn offers(import: &str) -> bool {
    let version = import.split_once('@').map(|(_, version)| version);
    version.is_some_and(|version| version.starts_with("0.2."))
        && PACKAGES.iter().any(|package| import.starts_with(package))
}

/// Satisfies every import of the component that leads into the room: as listed in `given`, else by a refusal.
pub(super) fn link(linker: &mut Linker<State>, component: &Component) -> wasmtime::Result<()> {
    let engine = linker.engine().clone();
    let ty = component.component_type();
    for (import, item) in ty.imports(&engine).filter(|(name, _)| offers(name)) {
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            continue;
        };
        let interface = import.split_once('@').map_or(import, |(interface, _)| interface);
        let mut target = linker.instance(import)?;
        for (name, item) in instance.exports(&engine) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    let given = given::define(&mut target, interface, name)?;
                    if !given {
                        refused::define(&mut target, interface, name)?;
                    }
                }
                ComponentItem::Resource(_) => {
                    target.resource(name, ResourceType::host::<Thing>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}
