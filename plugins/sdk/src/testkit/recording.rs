//! Replies recorded from real vendors. They are not part of the project: a folder of them is named by an
//! environment variable, and tests that want them are skipped without it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Scripted;
use crate::adapter::Header;

/// Names the folder: `<vendor>/<stem>.body.{json,sse,ndjson,txt}` beside `<vendor>/<stem>.meta.json`, which is
/// `{"request": {"body"} or null, "response": {"status", "headers"}}`.
pub const VARIABLE: &str = "PATCHBAY_RECORDINGS";

/// One recorded reply.
#[derive(Clone, Debug)]
pub struct Recording {
    /// "err-404-model-not-found".
    pub stem: String,
    /// What was sent, where it was recorded.
    pub request: Option<Value>,
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
}

/// All recordings of a vendor, by name. Nothing, with a word on standard error, if the variable is not set.
pub fn recordings(vendor: &str) -> Vec<Recording> {
    let Some(root) = std::env::var_os(VARIABLE) else {
        // Past the test harness, which keeps what a passing test prints to itself.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {VARIABLE} is not set, no recordings of {vendor}"
        );
        return Vec::new();
    };
    let folder = PathBuf::from(root).join(vendor);
    let mut found: Vec<Recording> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| Recording::read(&entry.expect("a readable folder").path()))
        .collect();
    found.sort_by(|left, right| left.stem.cmp(&right.stem));
    assert!(!found.is_empty(), "{} has no recordings", folder.display());
    found
}

impl Recording {
    /// As a reply to play back.
    pub fn scripted(&self) -> Scripted {
        let reply = Scripted::new(self.status, &self.body);
        self.headers
            .iter()
            .fold(reply, |reply, header| reply.header(&header.name, &header.value))
    }

    /// None for what is not a body.
    fn read(path: &Path) -> Option<Self> {
        let (stem, kind) = path.file_name()?.to_str()?.split_once(".body.")?;
        let meta = path.with_file_name(format!("{stem}.meta.json"));
        let meta = fs::read(&meta).unwrap_or_else(|error| panic!("{}: {error}", meta.display()));
        let meta: Value = serde_json::from_slice(&meta).expect("a meta file is JSON");
        let response = &meta["response"];
        let mut headers: Vec<Header> = response["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some(Header::new(name, value.as_str()?)))
            .collect();
        if !headers
            .iter()
            .any(|header| header.name.eq_ignore_ascii_case("content-type"))
        {
            headers.push(Header::new("content-type", media_type(kind)));
        }
        Some(Self {
            stem: stem.to_owned(),
            request: Some(meta["request"]["body"].clone()).filter(|body| !body.is_null()),
            status: response["status"]
                .as_u64()
                .and_then(|status| status.try_into().ok())
                .expect("a status"),
            headers,
            body: fs::read(path).expect("a readable body"),
        })
    }
}

fn media_type(kind: &str) -> &'static str {
    match kind {
        "json" => "application/json",
        "sse" => "text/event-stream",
        "ndjson" => "application/x-ndjson",
        _ => "text/plain",
    }
}
