//! The state: each candidate's current weight by its name. Kept short and flat, because it is read and written in every
//! decision: for each candidate 8 bytes of its name's hash and 8 of the number, little-endian.

use std::collections::HashMap;

use patchbay_sdk::strategy::Candidate;

/// Bytes of a candidate.
const ENTRY: usize = 16;
/// Candidates in a state of 64 KiB.
pub(crate) const MOST: usize = 64 * 1024 / ENTRY;

/// FNV-1a of vendor, account and model, with 0xff between them, which is in no name.
pub(crate) fn mark(candidate: &Candidate) -> u64 {
    let Candidate {
        vendor,
        account,
        model,
        ..
    } = candidate;
    let names = [vendor, account, model];
    let bytes = names.iter().flat_map(|name| name.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The number of each candidate: 0 for those the state does not know, and for all if it cannot be read.
pub(crate) fn read(marks: &[u64], state: &[u8]) -> Vec<f64> {
    let (entries, rest) = state.as_chunks::<ENTRY>();
    let entries = if rest.is_empty() { entries } else { &[] };
    let mut same_pool = entries.len() == marks.len();
    let mut in_order = Vec::with_capacity(marks.len());
    for (entry, mark) in entries.iter().zip(marks) {
        same_pool &= name(entry) == *mark;
        in_order.push(number(entry));
    }
    if same_pool {
        return in_order;
    }
    let known: HashMap<u64, f64> = entries.iter().map(|entry| (name(entry), number(entry))).collect();
    let of = |mark: &u64| known.get(mark).copied().unwrap_or_default();
    marks.iter().map(of).collect()
}

pub(crate) fn write(marks: &[u64], numbers: &[f64]) -> Vec<u8> {
    let mut state = vec![0; marks.len() * ENTRY];
    let (entries, _) = state.as_chunks_mut::<ENTRY>();
    for ((entry, mark), number) in entries.iter_mut().zip(marks).zip(numbers) {
        entry[..8].copy_from_slice(&mark.to_le_bytes());
        entry[8..].copy_from_slice(&number.to_le_bytes());
    }
    state
}

fn name(entry: &[u8; ENTRY]) -> u64 {
    half(entry, 0)
}

fn number(entry: &[u8; ENTRY]) -> f64 {
    let number = f64::from_bits(half(entry, 8));
    if number.is_finite() { number } else { 0.0 }
}

fn half(entry: &[u8; ENTRY], from: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&entry[from..from + 8]);
    u64::from_le_bytes(bytes)
}
