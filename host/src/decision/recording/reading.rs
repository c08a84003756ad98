//! Reading a recording line by line, whatever state a crash has left it in. Holds one line at a time.

use std::io::{self, BufRead};

use serde::de::DeserializeOwned;

use super::{Line, VERSION};

/// Longest line, in bytes. The longest that is written has 64 KiB of state and a row of numbers for each candidate.
const LONGEST: u64 = 64 << 20;

/// A line, and where it stands.
#[derive(Debug)]
pub struct Read<D> {
    /// Counted from 1.
    pub line: usize,
    /// Where in the file it begins, in bytes.
    pub offset: u64,
    /// In bytes, with its line break.
    pub length: usize,
    pub what: Line<D>,
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("line {line}: {source}")]
    Unreadable {
        line: usize,
        #[source]
        source: io::Error,
    },
    #[error("it is empty; a gateway records its decisions in the file that `decisions.record` names")]
    Empty,
    #[error(
        "not a recording of decisions, which begins with {{\"recording\":{{\"version\":{VERSION}}}}}; a gateway makes one \
         in the file that `decisions.record` names"
    )]
    NoRecording,
    #[error("line {line} is not a line of a recording: {source}")]
    Foreign {
        line: usize,
        #[source]
        source: serde_json::Error,
    },
    #[error("line {line}: {problem}")]
    Wrong { line: usize, problem: String },
}

struct Reading<R> {
    file: R,
    /// Of the last line that was read.
    line: usize,
    offset: u64,
    /// Read, but not told yet.
    ahead: Option<Text>,
}

struct Text {
    line: usize,
    offset: u64,
    bytes: Vec<u8>,
}

/// Reads lines until one cannot be read. Those that are cut off, in front of a head or at the end, are left out.
pub fn read<D: DeserializeOwned>(
    file: impl BufRead,
) -> impl Iterator<Item = Result<Read<D>, RecordingError>> {
    let mut reading = Reading {
        file,
        line: 0,
        offset: 0,
        ahead: None,
    };
    let mut over = false;
    std::iter::from_fn(move || {
        let next = (!over).then(|| reading.next().transpose()).flatten();
        over = !matches!(next, Some(Ok(_)));
        next
    })
}

// === impl Reading ===

impl<R: BufRead> Reading<R> {
    fn next<D: DeserializeOwned>(&mut self) -> Result<Option<Read<D>>, RecordingError> {
        loop {
            let Some(text) = self.text()? else {
                return match self.line {
                    0 => Err(RecordingError::Empty),
                    _ => Ok(None),
                };
            };
            let line = text.line;
            match serde_json::from_slice(&text.bytes) {
                Ok(Line::Recording(head)) if head.version != VERSION => {
                    let found = head.version;
                    let problem = format!("a recording of version {found}; this is for version {VERSION}");
                    return Err(RecordingError::Wrong { line, problem });
                }
                Ok(Line::Pool(_) | Line::Decision(_)) | Err(_) if line == 1 => {
                    return Err(RecordingError::NoRecording);
                }
                Ok(what) => {
                    return Ok(Some(Read {
                        line,
                        offset: text.offset,
                        length: text.bytes.len(),
                        what,
                    }));
                }
                Err(_) if self.is_cut_off(&text)? => {}
                Err(source) => return Err(RecordingError::Foreign { line, source }),
            }
        }
    }

    fn is_cut_off(&mut self, text: &Text) -> Result<bool, RecordingError> {
        if !text.bytes.ends_with(b"\n") {
            return Ok(true);
        }
        self.ahead = self.text()?;
        let head = self
            .ahead
            .as_ref()
            .map(|ahead| serde_json::from_slice(&ahead.bytes));
        Ok(matches!(
            head,
            Some(Ok(Line::<serde::de::IgnoredAny>::Recording(_)))
        ))
    }

    /// The next line; none at the end.
    fn text(&mut self) -> Result<Option<Text>, RecordingError> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        let (line, offset) = (self.line + 1, self.offset);
        let mut bytes = Vec::new();
        let mut limited = io::Read::take(&mut self.file, LONGEST);
        let read = limited
            .read_until(b'\n', &mut bytes)
            .map_err(|source| RecordingError::Unreadable { line, source })? as u64;
        if read == LONGEST && line > 1 {
            let problem = format!("longer than {} MiB", LONGEST >> 20);
            return Err(RecordingError::Wrong { line, problem });
        }
        if read == 0 {
            return Ok(None);
        }
        self.line = line;
        self.offset += read;
        Ok(Some(Text { line, offset, bytes }))
    }
}
