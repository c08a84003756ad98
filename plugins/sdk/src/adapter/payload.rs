//! The caller's request: kept by the host in a component, in memory in a test.

use std::fmt;

use serde::de::DeserializeOwned;

use super::Failure;
use crate::bindings::adapter::patchbay::plugin::calls;
use crate::words::FailureKind;

/// The caller's request in canonical form. The member `model` already holds the upstream model's name.
pub struct Payload<'a>(Source<'a>);

enum Source<'a> {
    Host(&'a calls::Payload),
    Memory { bytes: &'a [u8], outline: &'a [u8] },
}

impl<'a> Payload<'a> {
    /// A request in memory. Its outline is the request itself.
    pub fn in_memory(bytes: &'a [u8]) -> Self {
        Self::with_outline(bytes, bytes)
    }

    /// A request in memory whose long base64 has been replaced by markers in `outline`.
    pub fn with_outline(bytes: &'a [u8], outline: &'a [u8]) -> Self {
        Self(Source::Memory { bytes, outline })
    }

    pub(super) fn of_host(payload: &'a calls::Payload) -> Self {
        Self(Source::Host(payload))
    }

    /// Its length in bytes, without a copy.
    pub fn size(&self) -> u64 {
        match &self.0 {
            Source::Host(payload) => payload.size(),
            Source::Memory { bytes, .. } => bytes.len() as u64,
        }
    }

    /// A copy of all of it. An answer of `json_unchanged` or `json_edited` needs none.
    pub fn bytes(&self) -> Vec<u8> {
        match &self.0 {
            Source::Host(payload) => payload.bytes(),
            Source::Memory { bytes, .. } => bytes.to_vec(),
        }
    }

    /// A copy in which every long run of base64 is a short marker, which the host puts back wherever it stands in
    /// the body that leaves.
    pub fn outline(&self) -> Vec<u8> {
        match &self.0 {
            Source::Host(payload) => payload.outline(),
            Source::Memory { outline, .. } => outline.to_vec(),
        }
    }

    /// The outline as `T`. What does not fit `T` is the caller's mistake.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        parse(&self.outline())
    }

    /// All of it as `T`, for answers made without a vendor, where nobody puts markers back.
    pub fn read_whole<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        parse(&self.bytes())
    }
}

impl fmt::Debug for Payload<'_> {
    /// Without its content, which is the caller's.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Payload").finish_non_exhaustive()
    }
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(|error| {
        Failure::new(FailureKind::InvalidRequest).message(format!("the request body is not valid: {error}"))
    })
}
