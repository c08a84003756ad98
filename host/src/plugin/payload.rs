//! The caller's request as an adapter may have it: whole, or as an outline in which long base64 is a short marker, so
//! that a picture of twenty megabytes never passes through a guest. Where a marker stands in what leaves, the original
//! is put back.
//!
//! Never decodes anything: base64 goes out as it came in.

use std::sync::OnceLock;

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr2, memmem};

use crate::clock;

/// Base64 shorter than this stays where it is: a marker would save little. In bytes.
const LONG: usize = 4096;
/// Where a data URL's base64 must have begun (RFC 2397: media type and parameters stand before it). In bytes.
const LONGEST_TYPE: usize = 256;
/// What every marker begins with. Letters and digits alone, so that it may stand wherever base64 may.
const BEGIN: &str = "patchbayMarker";
/// Digits of the number that a marker ends with.
const DIGITS: usize = 6;

/// A request body, kept for as long as the exchange may need it.
#[derive(Debug)]
pub struct Payload {
    bytes: Bytes,
    /// Made once, when a guest asks for it: an exchange that is begun anew sees the same markers.
    outline: OnceLock<Outline>,
}

#[derive(Debug)]
struct Outline {
    text: Bytes,
    /// The part that all markers of this payload share. Guests cannot guess it.
    mark: String,
    /// What the markers stand for, by number.
    originals: Vec<Bytes>,
}

/// What was put back made a body too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

// === impl Payload ===

impl Payload {
    pub fn new(bytes: Bytes) -> Self {
        Self {
            bytes,
            outline: OnceLock::new(),
        }
    }

    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The same JSON with markers.
    pub fn outline(&self) -> &Bytes {
        &self.outline.get_or_init(|| Outline::of(&self.bytes)).text
    }

    /// Puts back what the markers in a body stand for, up to a length in bytes.
    ///
    /// # Errors
    ///
    /// It would become longer.
    pub fn restore(&self, body: Bytes, most: usize) -> Result<Bytes, TooLong> {
        match self.outline.get() {
            Some(outline) if !outline.originals.is_empty() => outline.restore(body, most),
            _ => Ok(body),
        }
    }
}

// === impl Outline ===

impl Outline {
    /// `json`: valid JSON.
    fn of(json: &Bytes) -> Self {
        let mark = format!("{BEGIN}{:016x}{:016x}", clock::entropy(), clock::entropy());
        let mut text = BytesMut::new();
        let mut originals = Vec::new();
        let mut copied = 0;
        let mut at = 0;
        while let Some((begin, end)) = next_string(json, at) {
            at = end + 1;
            let Some(begin) = long_base64(&json[begin..end]).map(|skip| begin + skip) else {
                continue;
            };
            text.extend_from_slice(&json[copied..begin]);
            text.extend_from_slice(format!("{mark}{:0DIGITS$}", originals.len()).as_bytes());
            originals.push(json.slice(begin..end));
            copied = end;
        }
        let text = if originals.is_empty() {
            json.clone()
        } else {
            text.extend_from_slice(&json[copied..]);
            text.freeze()
        };
        Self {
            text,
            mark,
            originals,
        }
    }

    fn restore(&self, body: Bytes, most: usize) -> Result<Bytes, TooLong> {
        let mut restored = BytesMut::new();
        let mut copied = 0;
        for at in memmem::find_iter(&body, &self.mark) {
            let end = at + self.mark.len() + DIGITS;
            // What is no marker of ours is whatever the guest means by it.
            let Some(original) = body
                .get(end - DIGITS..end)
                .and_then(|digits| self.original(digits))
            else {
                continue;
            };
            if restored.len() + (at - copied) + original.len() > most {
                return Err(TooLong);
            }
            restored.extend_from_slice(&body[copied..at]);
            restored.extend_from_slice(original);
            copied = end;
        }
        if copied == 0 {
            return Ok(body);
        }
        restored.extend_from_slice(&body[copied..]);
        if restored.len() > most {
            return Err(TooLong);
        }
        Ok(restored.freeze())
    }

    fn original(&self, digits: &[u8]) -> Option<&Bytes> {
        let number: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
        self.originals.get(number)
    }
}

/// Where the next string from `at` on begins and ends, without its quotes.
fn next_string(json: &[u8], at: usize) -> Option<(usize, usize)> {
    let begin = at + memchr(b'"', json.get(at..)?)? + 1;
    let mut end = begin;
    loop {
        end += memchr2(b'"', b'\\', json.get(end..)?)?;
        if json[end] == b'"' {
            return Some((begin, end));
        }
        // Whatever is escaped, it is not the end.
        end += 2;
    }
}

/// Where long base64 begins in a string: after the comma of a data URL, or at its start.
fn long_base64(string: &[u8]) -> Option<usize> {
    if string.len() < LONG {
        return None;
    }
    let begin = if string.starts_with(b"data:") {
        let comma = memchr(b',', &string[..LONGEST_TYPE])?;
        string[..comma].ends_with(b";base64").then_some(comma + 1)?
    } else {
        0
    };
    let base64 = &string[begin..];
    (base64.len() >= LONG && is_base64(base64)).then_some(begin)
}

/// Base64 in either alphabet (RFC 4648, sections 4 and 5), as it may stand in JSON: some writers escape the slash.
fn is_base64(text: &[u8]) -> bool {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = &text[..text.len() - padding];
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    padding <= 2
        && body
            .iter()
            .enumerate()
            .all(|(at, byte)| fits(byte) || (*byte == b'\\' && body.get(at + 1) == Some(&b'/')))
}

#[cfg(test)]
mod tests;
