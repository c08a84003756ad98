//! From what a vendor streams to what the caller gets: read, metered, framed anew. A stream ends exactly once, and
//! its end has a name.
//!
//! Sends nothing and chooses nobody: an attempt is under way already (see [`crate::pipeline`]).

mod alive;
mod caller;
mod meter;

pub use alive::KeptAlive;
pub use caller::{CallerStream, Ending};
pub use meter::{Chunks, Expected, Meter, Passed};

use bytes::{BufMut, BytesMut};

/// What a stream ends with when it is complete, and only then (OpenAI API reference, "Streaming").
pub(crate) const DONE: &[u8] = b"[DONE]";

/// Writes one SSE event. JSON may be spread over several lines; a line break there is white space, so it becomes
/// a space and the event stays on one line.
pub(crate) fn frame(data: &[u8], out: &mut BytesMut) {
    out.reserve(data.len() + 8);
    out.put_slice(b"data: ");
    if memchr::memchr2(b'\n', b'\r', data).is_none() {
        out.put_slice(data);
    } else {
        out.extend(data.iter().map(|byte| {
            if matches!(byte, b'\n' | b'\r') {
                b' '
            } else {
                *byte
            }
        }));
    }
    out.put_slice(b"\n\n");
}
