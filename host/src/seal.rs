//! Seals what must not lie readable on the disk: AES-256-GCM, with a key of the operator's or one made beside the
//! database.
//!
//! What was sealed for one place cannot be opened at another. Nothing here is ever printed or logged.

use std::fs;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::pbkdf2;
use ring::rand::{SecureRandom, SystemRandom};

use crate::config::Secret;

/// What a sealed value begins with, so that another way can be told apart one day.
const VERSION: u8 = 1;
/// What OWASP advises for PBKDF2 with HMAC-SHA256 (password storage cheat sheet).
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(599_999);
const KEY_LENGTH: usize = 32;

/// Seals and opens.
#[derive(Debug)]
pub struct Sealer {
    source: Source,
    key: Mutex<Option<Key>>,
}

/// Where the key comes from.
#[derive(Debug)]
enum Source {
    /// `storage.key`, with the salt of the database.
    Configured,
    /// Made when the first value is sealed.
    File(PathBuf),
    /// Gone with the process, as is what it seals.
    Process,
}

struct Key(LessSafeKey);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the key file {file} is not there; put it back, or set what it sealed anew")]
    NoFile { file: PathBuf },
    #[error("the key file {file} cannot be used: {reason}; put it right, or set what it sealed anew")]
    File { file: PathBuf, reason: String },
    #[error("was not sealed with the key in {file}; put the right key file back, or set it anew")]
    WrongFile { file: PathBuf },
    #[error(
        "was not sealed with the present storage.key; go back to the one from before, or to none if there was none, or \
         set this anew"
    )]
    WrongKey,
    #[error("the system gives no random numbers")]
    NoRandom,
}

// === impl Sealer ===

impl Sealer {
    /// For a database in `file`, or in memory without one. `configured`: `storage.key`. Takes a fraction of a second
    /// when there is one.
    pub fn new(file: Option<&Path>, configured: Option<&Secret>, salt: &[u8]) -> Self {
        let (source, key) = match (configured, file) {
            (Some(secret), _) => (Source::Configured, Some(derived(secret, salt))),
            (None, Some(database)) => {
                let mut name = database.as_os_str().to_owned();
                name.push(".key");
                (Source::File(name.into()), None)
            }
            (None, None) => (Source::Process, None),
        };
        Self {
            source,
            key: Mutex::new(key),
        }
    }

    /// `place`: where the text belongs, needed again to open it.
    ///
    /// # Errors
    ///
    /// A key file that cannot be made or read.
    pub fn seal(&self, place: &str, text: &str) -> Result<Vec<u8>, SealError> {
        let random = SystemRandom::new();
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce).map_err(|_| SealError::NoRandom)?;
        let mut sealed = text.as_bytes().to_vec();
        self.with_key(true, |key| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            key.0
                .seal_in_place_append_tag(nonce, Aad::from(place), &mut sealed)
        })?
        .map_err(|_| SealError::NoRandom)?;
        Ok([&[VERSION], &nonce[..], &sealed].concat())
    }

    /// # Errors
    ///
    /// No key, another one than it was sealed with, or not what was sealed for this place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<String, SealError> {
        let opened = self.with_key(false, |key| {
            let (nonce, text) = sealed
                .strip_prefix(&[VERSION])?
                .split_first_chunk::<NONCE_LEN>()?;
            let mut text = text.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let length = key
                .0
                .open_in_place(nonce, Aad::from(place), &mut text)
                .ok()?
                .len();
            text.truncate(length);
            String::from_utf8(text).ok()
        })?;
        opened.ok_or_else(|| match &self.source {
            Source::File(file) => SealError::WrongFile { file: file.clone() },
            Source::Configured | Source::Process => SealError::WrongKey,
        })
    }

    /// `make`: a key that is not there yet.
    fn with_key<T>(&self, make: bool, act: impl FnOnce(&Key) -> T) -> Result<T, SealError> {
        let mut key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if key.is_none() {
            *key = Some(self.key(make)?);
        }
        key.as_ref().map(act).ok_or(SealError::WrongKey)
    }

    fn key(&self, make: bool) -> Result<Key, SealError> {
        let Source::File(file) = &self.source else {
            return random_bytes().map(|bytes| Key::new(&bytes));
        };
        let failed = |reason: String| SealError::File {
            file: file.clone(),
            reason,
        };
        match fs::read_to_string(file) {
            Ok(text) => {
                let bytes = from_hex(text.trim())
                    .ok_or_else(|| failed("it does not hold 64 hex digits".to_owned()))?;
                warn_of_readers(file);
                Ok(Key::new(&bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && make => {
                let bytes = random_bytes()?;
                write_new(file, &to_hex(&bytes)).map_err(|error| failed(error.to_string()))?;
                tracing::info!(
                    "made {}, which credentials set at run time are encrypted with; keep a copy apart from the database",
                    file.display()
                );
                Ok(Key::new(&bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(SealError::NoFile { file: file.clone() })
            }
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

// === impl Key ===

impl Key {
    #[expect(
        clippy::expect_used,
        reason = "the only error there is: another length than the algorithm's"
    )]
    fn new(bytes: &[u8; KEY_LENGTH]) -> Self {
        Self(LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, bytes).expect("32 bytes are a key for AES-256"),
        ))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// A phrase that somebody made up is stretched, so that trying phrases is slow.
fn derived(secret: &Secret, salt: &[u8]) -> Key {
    let mut bytes = [0; KEY_LENGTH];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        ROUNDS,
        salt,
        secret.expose().as_bytes(),
        &mut bytes,
    );
    Key::new(&bytes)
}

fn random_bytes() -> Result<[u8; KEY_LENGTH], SealError> {
    let mut bytes = [0; KEY_LENGTH];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map(|()| bytes).map_err(|_| SealError::NoRandom)
}

/// Whole or not at all, for this user alone, and never over one that is there.
fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // A temporary file is made with mode 0600.
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(temporary, "{text}")?;
    temporary.as_file().sync_all()?;
    temporary.persist_noclobber(file).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

fn warn_of_readers(file: &Path) {
    let mode = fs::metadata(file).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        tracing::warn!("{0} can be read by others; run: chmod 600 {0}", file.display());
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<[u8; KEY_LENGTH]> {
    let mut bytes = [0; KEY_LENGTH];
    if text.len() != 2 * KEY_LENGTH || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
