//! Which Rust compiles guests. Either one that brings the library for the target, as rustup installs it, or
//! Debian's, which brings the library's source and builds it along.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::{BuildError, TARGET, run};

/// Set to `rustup` or `debian` it forces one of the two.
pub(super) const VARIABLE: &str = "PATCHBAY_GUEST_TOOLCHAIN";

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Comes with the package rust-web-src.
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library/Cargo.lock";

#[derive(Debug)]
pub(super) enum Toolchain {
    /// The `cargo` on the path, whose rustc has the target installed.
    Rustup,
    /// Debian's rustc-web, cargo-web and rust-web-src, which come without a linker for the target.
    Debian { linker: PathBuf },
}

impl Toolchain {
    /// `dir`: the guest's folder, which may ask rustup for a toolchain of its own.
    pub(super) fn find(dir: &Path) -> Result<Self, BuildError> {
        let forced = env::var(VARIABLE).unwrap_or_default();
        match forced.as_str() {
            "" => Self::rustup(dir)
                .or_else(|| Self::debian(dir))
                .ok_or("found, neither rustup's nor Debian's"),
            "rustup" => Self::rustup(dir).ok_or("found with the rustc on the path"),
            "debian" => Self::debian(dir).ok_or("found among Debian's packages"),
            _ => return Err(BuildError::UnknownToolchain { value: forced }),
        }
        .map_err(|searched| BuildError::NoToolchain { searched })
    }

    /// A cargo command without a subcommand, or rather with all that has to stand before or beside one.
    pub(super) fn cargo(&self) -> Command {
        match self {
            Self::Rustup => Command::new("cargo"),
            Self::Debian { linker } => {
                let mut cargo = Command::new(DEBIAN_CARGO);
                cargo
                    .env("RUSTC", DEBIAN_RUSTC)
                    // It is a stable compiler, and building the library is not stable.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                    .arg("-Zbuild-std=std,panic_abort");
                cargo
            }
        }
    }

    fn rustup(dir: &Path) -> Option<Self> {
        let library = rustc_prints(dir, &["--print", "target-libdir", "--target", TARGET])?;
        // An empty folder is what is left of a target that has been removed.
        let installed = fs::read_dir(library).is_ok_and(|mut files| files.next().is_some());
        installed.then_some(Self::Rustup)
    }

    fn debian(dir: &Path) -> Option<Self> {
        let is_there = [DEBIAN_CARGO, DEBIAN_RUSTC, DEBIAN_LIBRARY]
            .iter()
            .all(|file| Path::new(file).exists());
        if !is_there {
            return None;
        }
        linker(dir).map(|linker| Self::Debian { linker })
    }
}

/// rust-lld lies in a folder of the toolchain's that is on nobody's path; wasm-ld comes with the package lld.
fn linker(dir: &Path) -> Option<PathBuf> {
    let of_toolchain = rustc_prints(dir, &["--print", "target-libdir"])
        .and_then(|libraries| Some(PathBuf::from(libraries).parent()?.join("bin/rust-lld")));
    let on_path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&on_path).map(|folder| folder.join("wasm-ld"));
    of_toolchain
        .into_iter()
        .chain(on_path)
        .find(|file| file.is_file())
}

/// What the rustc on the path answers, if there is one.
fn rustc_prints(dir: &Path, arguments: &[&str]) -> Option<String> {
    let output = run(Command::new("rustc").args(arguments).current_dir(dir)).ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
