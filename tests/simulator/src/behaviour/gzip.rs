//! `gzip`: the body is compressed, whatever the caller accepts.

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use http::HeaderValue;
use http::header::CONTENT_ENCODING;
use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Gzip(bool);

/// A gzip file without name, time and operating system: RFC 1952, section 2.3.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// More than the few bytes by which deflate makes short events longer.
const ROOM: usize = 64;

/// A gzip file as it grows event by event.
struct File {
    deflate: Compress,
    checksum: Crc,
}

impl Rule {
    /// Compresses the body with gzip, whatever the caller accepts.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.then.gzip = Some(Gzip(true));
        self
    }
}

impl Effect for Gzip {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        if !self.0 {
            return;
        }
        let mut file = File::new();
        let mut written = HEADER.to_vec();
        for event in &mut reply.events {
            file.add(&event.bytes, FlushCompress::Full, &mut written);
            event.bytes = Bytes::from(std::mem::take(&mut written));
        }
        if let Some(refrain) = &mut reply.refrain {
            // Fully flushed, it refers to nothing before it, so it can be repeated as it is.
            file.add(&refrain.bytes, FlushCompress::Full, &mut written);
            refrain.bytes = Bytes::from(written);
        } else if let Some(last) = reply.events.last_mut() {
            let mut end = last.bytes.to_vec();
            file.finish(&mut end);
            last.bytes = Bytes::from(end);
        }
        if !reply.streamed {
            reply.length = reply.size();
        }
        reply
            .headers
            .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
}

impl File {
    fn new() -> Self {
        Self {
            deflate: Compress::new(Compression::default(), false),
            checksum: Crc::new(),
        }
    }

    /// Compresses `bytes` to the end of `written`.
    fn add(&mut self, bytes: &[u8], flush: FlushCompress, written: &mut Vec<u8>) {
        self.checksum.update(bytes);
        let start = self.deflate.total_in();
        loop {
            let taken = usize::try_from(self.deflate.total_in() - start).unwrap_or(usize::MAX);
            let rest = bytes.get(taken..).unwrap_or_default();
            written.reserve(rest.len() / 2 + ROOM);
            let status = self.deflate.compress_vec(rest, written, flush);
            // Room to spare means that everything is out.
            if !matches!(status, Ok(Status::Ok)) || written.len() < written.capacity() {
                return;
            }
        }
    }

    fn finish(mut self, written: &mut Vec<u8>) {
        self.add(&[], FlushCompress::Finish, written);
        written.extend(self.checksum.sum().to_le_bytes());
        written.extend(self.checksum.amount().to_le_bytes());
    }
}
