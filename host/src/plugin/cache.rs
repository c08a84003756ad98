//! Compiled components on disk, so that a start does not compile again what an earlier one has.
//!
//! A file is named after what it was made from and for: the component's content, wasmtime's version and the engine's
//! settings. What is read is machine code that will run with the host's rights, so it is only taken from a folder
//! and a file that nobody else can write to, and only if its checksum is right. Anything else counts as not there.

use std::fs::{self, File, Permissions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

/// What every file begins with; the checksum of the rest follows.
const MAGIC: &[u8; 24] = b"patchbay compiled code 1";
const CHECKSUM: usize = 32;
const ENDING: &str = "compiled";
/// A file larger than this is not read, in bytes: compiled code is a few times as large as its component.
const LARGEST: u64 = 1 << 30;
/// The oldest files go when all together are larger, in bytes.
const ALL_TOGETHER: u64 = 2 << 30;

/// The cache of one engine.
#[derive(Debug)]
pub(super) struct Cache {
    folder: Option<PathBuf>,
    /// wasmtime's version and settings, in hex.
    engine: String,
    /// Whether the folder can be trusted; looked at once.
    usable: OnceLock<bool>,
}

/// Why nothing is cached.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("others may write to it; it must belong to this user with mode 0700")]
    Open,
}

// === impl Cache ===

impl Cache {
    pub(super) fn new(folder: Option<PathBuf>, engine: &wasmtime::Engine) -> Self {
        let mut hasher = Sha(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let engine = format!("{:x}", hasher.0.finalize());
        Self {
            folder,
            engine: engine.chars().take(16).collect(),
            usable: OnceLock::new(),
        }
    }

    /// The component whose content has this hash (hex), if it was compiled before.
    pub(super) fn load(&self, engine: &wasmtime::Engine, content: &str) -> Option<Component> {
        let path = self.path(content)?;
        let code = read(&path).ok()??;
        // SAFETY: the file lies in a folder and has an owner and a mode that only this user can have given it, its
        // checksum says that it is whole, and its name that it was made by this version for these settings.
        #[expect(
            unsafe_code,
            reason = "compiled code is only as safe as where it comes from, which was checked"
        )]
        let component = unsafe { Component::deserialize(engine, code) }.ok()?;
        // The youngest files are kept.
        let _ = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(component)
    }

    /// Keeps what was compiled. A cache that cannot be written costs time, nothing else.
    pub(super) fn store(&self, content: &str, component: &Component) {
        let Some(path) = self.path(content) else { return };
        let stored = component
            .serialize()
            .map_err(io::Error::other)
            .and_then(|code| write(&path, &code));
        match stored {
            Ok(()) => self.prune(),
            Err(error) => tracing::warn!("cannot keep compiled code in {}: {error}", path.display()),
        }
    }

    fn path(&self, content: &str) -> Option<PathBuf> {
        let folder = self.folder.as_deref()?;
        let usable = self.usable.get_or_init(|| match prepare(folder) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(
                    "compiled code is not kept in {}: {error}; set plugins.cache to another folder or to \"off\"",
                    folder.display()
                );
                false
            }
        });
        usable.then(|| folder.join(format!("{content}-{}.{ENDING}", self.engine)))
    }

    fn prune(&self) {
        let Some(entries) = self
            .folder
            .as_deref()
            .and_then(|folder| fs::read_dir(folder).ok())
        else {
            return;
        };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|ending| ending == ENDING))
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        files.sort();
        let mut all: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in files {
            if all <= ALL_TOGETHER {
                return;
            }
            if fs::remove_file(path).is_ok() {
                all -= length;
            }
        }
    }
}

/// Makes the folder if need be, and checks that nobody else can put code into it.
fn prepare(folder: &Path) -> Result<(), Unusable> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if is_ours(&fs::metadata(folder)?) {
        Ok(())
    } else {
        Err(Unusable::Open)
    }
}

fn is_ours(metadata: &fs::Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.permissions().mode() & 0o022 == 0
}

/// The code in the file; none if it is not one of ours, or damaged.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !is_ours(&metadata) || metadata.len() > LARGEST {
        return Ok(None);
    }
    let mut head = [0; MAGIC.len() + CHECKSUM];
    file.read_exact(&mut head)?;
    let mut code = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(LARGEST).read_to_end(&mut code)?;
    let whole = head.starts_with(MAGIC) && head.ends_with(&Sha256::digest(&code));
    Ok(whole.then_some(code))
}

/// Under another name first, so that nobody ever reads half a file.
fn write(path: &Path, code: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(MAGIC)?;
    file.write_all(&Sha256::digest(code))?;
    file.write_all(code)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// SHA-256 as what [`Hash`] writes to: the same in every process.
struct Sha(Sha256);

impl Hasher for Sha {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest
            .iter()
            .take(8)
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests;
