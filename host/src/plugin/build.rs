//! Builds a plugin written in Rust: compiles its crate for `wasm32-unknown-unknown`, makes a component of the
//! module and writes it where the host loads plugins from.
//!
//! It knows nothing of the host's own state and must never load or run what it builds.

mod toolchain;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use serde::Deserialize;
use thiserror::Error;
use wit_component::{ComponentEncoder, DecodedWasm};

use toolchain::Toolchain;

const TARGET: &str = "wasm32-unknown-unknown";

/// A guest's own stack, in bytes: deep enough for JSON nested to serde's limit of 128.
const STACK: usize = 128 * 1024;

/// A component that has been built.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Built {
    /// The package's name without a leading `patchbay-`.
    pub name: String,
    /// `<out>/<name>.wasm`.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// False if the file was there with this content and has been left alone.
    pub changed: bool,
}

#[derive(Debug, Error)]
pub enum BuildError {
    #[error("there is no Cargo.toml in {}: name the folder of a plugin's crate", dir.display())]
    NoManifest { dir: PathBuf },
    #[error("{} names no package: name the folder of one of the workspace's crates", path.display())]
    NoPackage { path: PathBuf },
    #[error("{} is not a manifest: {reason}", path.display())]
    Manifest { path: PathBuf, reason: String },
    #[error("no Rust toolchain for {TARGET} {searched}: run plugins/toolchain.sh")]
    NoToolchain { searched: &'static str },
    #[error(
        "{}={value:?} is not a toolchain: set it to rustup or debian, or not at all",
        toolchain::VARIABLE
    )]
    UnknownToolchain { value: String },
    #[error("cannot run {program}")]
    Run { program: String, source: io::Error },
    #[error("{name} does not compile for {TARGET}: see cargo's messages above")]
    Compile { name: String },
    #[error("{name} makes no module: add `crate-type = [\"cdylib\"]` under [lib] in {}", manifest.display())]
    NotCdylib { name: String, manifest: PathBuf },
    #[error("{name} is not a patchbay plugin: {reason}; implement a trait of patchbay-sdk and export it")]
    NotAPlugin { name: String, reason: String },
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// The part of a manifest that matters here.
#[derive(Deserialize)]
struct Manifest {
    package: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

/// A message of `cargo build --message-format=json`, of reason `compiler-artifact`. The others lack these members.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    target: ArtifactTarget,
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct ArtifactTarget {
    crate_types: Vec<String>,
}

/// Builds the crate in `dir`, which may be a member of a workspace, and writes the component into `out`. Cargo's own
/// messages go to standard error. Takes as long as cargo does, up to minutes.
pub fn build(dir: &Path, out: &Path) -> Result<Built, BuildError> {
    let manifest = dir.join("Cargo.toml");
    let manifest = manifest
        .canonicalize()
        .map_err(|_| BuildError::NoManifest { dir: dir.to_owned() })?;
    let package = package_name(&manifest)?;
    let module = compile(&package, &manifest)?;
    let module = fs::read(&module).map_err(|source| BuildError::Read { path: module, source })?;
    let component = componentise(&module).map_err(|reason| BuildError::NotAPlugin {
        name: package.clone(),
        reason,
    })?;
    let name = package.strip_prefix("patchbay-").unwrap_or(&package);
    let path = out.join(format!("{name}.wasm"));
    let changed = replace(&path, &component).map_err(|source| BuildError::Write {
        path: path.clone(),
        source,
    })?;
    Ok(Built {
        name: name.to_owned(),
        path,
        bytes: component.len() as u64,
        changed,
    })
}

fn package_name(manifest: &Path) -> Result<String, BuildError> {
    let broken = |reason: String| BuildError::Manifest {
        path: manifest.to_owned(),
        reason,
    };
    let text = fs::read_to_string(manifest).map_err(|source| BuildError::Read {
        path: manifest.to_owned(),
        source,
    })?;
    let parsed: Manifest = toml::from_str(&text).map_err(|error| broken(error.message().to_owned()))?;
    let package = parsed.package.ok_or_else(|| BuildError::NoPackage {
        path: manifest.to_owned(),
    })?;
    Ok(package.name)
}

/// Path of the module that cargo made.
fn compile(package: &str, manifest: &Path) -> Result<PathBuf, BuildError> {
    // Cargo reads .cargo/config.toml of where it runs, so it runs in the crate.
    let dir = manifest.parent().unwrap_or(manifest);
    let toolchain = Toolchain::find(dir)?;
    let root = workspace(toolchain.cargo().current_dir(dir)).unwrap_or_else(|| dir.to_owned());
    let mut cargo = toolchain.cargo();
    cargo
        .current_dir(dir)
        .args([
            "build",
            "--release",
            "--target",
            TARGET,
            "--message-format=json-render-diagnostics",
        ])
        .arg("--manifest-path")
        .arg(manifest)
        .stderr(Stdio::inherit());
    // Flags for the host's machine mean nothing to this one.
    cargo
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", flags(&root).join("\x1f"));
    let output = run(&mut cargo)?;
    if !output.status.success() {
        return Err(BuildError::Compile {
            name: package.to_owned(),
        });
    }
    module_of(&output.stdout, manifest).ok_or_else(|| BuildError::NotCdylib {
        name: package.to_owned(),
        manifest: manifest.to_owned(),
    })
}

/// The folder of the workspace that the crate belongs to, or its own.
fn workspace(cargo: &mut Command) -> Option<PathBuf> {
    cargo.args(["locate-project", "--workspace", "--message-format", "plain"]);
    let output = cargo.output().ok().filter(|output| output.status.success())?;
    let manifest = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    manifest.parent().map(Path::to_owned)
}

/// The stack is part of the memory that has to be wiped after each exchange, so it is smaller than the linker's default
/// of 1 MiB. Panic messages name source files; the folders of this machine are nobody's business. The flags are the same
/// for all crates of the workspace at `root`: with others cargo would compile again what they share.
fn flags(root: &Path) -> Vec<String> {
    let mut flags = vec![format!("-Clink-arg=-zstack-size={STACK}")];
    let mut remap = |from: &Path, to: &str| {
        flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    };
    if let Ok(root) = root.canonicalize() {
        remap(&root, ".");
    }
    let home = std::env::home_dir().map(|home| home.join(".cargo"));
    if let Some(cargo) = std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home) {
        remap(&cargo, "cargo");
        // The last one that fits counts.
        let sources = fs::read_dir(cargo.join("registry/src"))
            .into_iter()
            .flatten()
            .flatten();
        sources.for_each(|source| remap(&source.path(), "crates"));
    }
    flags
}

/// The module in cargo's messages, one JSON object per line. Dependencies may be cdylibs too, so it must be this
/// crate's.
fn module_of(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    messages
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Artifact>(line).ok())
        .filter(|artifact| artifact.manifest_path == manifest)
        .filter(|artifact| artifact.target.crate_types.iter().any(|kind| kind == "cdylib"))
        .flat_map(|artifact| artifact.filenames)
        .find(|file| file.extension() == Some(OsStr::new("wasm")))
}

/// Makes a component of a module, which tells its world in a custom section. One that is a component already, as
/// some targets make them, is taken as it is. Says what is wrong if it exports nothing of the plugin contract.
fn componentise(wasm: &[u8]) -> Result<Vec<u8>, String> {
    let component = if is_component(wasm) {
        wasm.to_vec()
    } else {
        ComponentEncoder::default()
            .validate(true)
            .module(wasm)
            .and_then(|mut encoder| encoder.encode())
            .map_err(|error| format!("{error:#}"))?
    };
    let decoded = wit_component::decode(&component).map_err(|error| format!("{error:#}"))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        return Err("it is a package of interfaces without code".to_owned());
    };
    let exports = resolve.worlds[world]
        .exports
        .keys()
        .map(|key| resolve.name_world_key(key));
    if exports
        .into_iter()
        .any(|name| name.starts_with("patchbay:plugin/"))
    {
        Ok(component)
    } else {
        Err("it exports nothing of patchbay:plugin".to_owned())
    }
}

/// By the version and layer after the magic number (Component Model, Binary.md: version 13, layer 1).
fn is_component(wasm: &[u8]) -> bool {
    wasm.get(..8) == Some(b"\0asm\x0d\0\x01\0")
}

/// Whether the file had to be written. Whoever watches it sees the old content or the new, nothing between.
fn replace(path: &Path, content: &[u8]) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new();
    #[cfg(unix)]
    file.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = file.prefix(".").suffix(".part").tempfile_in(folder)?;
    io::Write::write_all(&mut file, content)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(true)
}

fn run(command: &mut Command) -> Result<std::process::Output, BuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| BuildError::Run { program, source })
}

#[cfg(test)]
mod tests;
