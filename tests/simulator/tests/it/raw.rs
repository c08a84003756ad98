//! A caller who knows nothing of HTTP clients: sends a request and keeps every byte that comes back. Must
//! never hide how the connection ended.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a connection says nothing before it counts as silent.
const QUIET: Duration = Duration::from_millis(400);

#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) bytes: Vec<u8>,
    /// The size of each read, and how long after the request it came.
    pub(crate) reads: Vec<(usize, Duration)>,
    pub(crate) end: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Closed,
    Reset,
    /// The connection is open and nothing comes.
    Silent,
}

/// Posts a chat request and reads on until the connection ends or falls silent.
pub(crate) async fn chat(addr: SocketAddr, request: &Value) -> Raw {
    post(addr, "/v1/chat/completions", "", request).await
}

pub(crate) async fn post(addr: SocketAddr, path: &str, headers: &str, request: &Value) -> Raw {
    let mut stream = send(addr, path, headers, request).await;
    Raw::read(&mut stream, usize::MAX).await
}

pub(crate) async fn send(addr: SocketAddr, path: &str, headers: &str, request: &Value) -> TcpStream {
    let body = request.to_string();
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: simulator\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    stream
}

// === impl Raw ===

impl Raw {
    /// Reads until the end, silence, or `most` bytes.
    pub(crate) async fn read(stream: &mut TcpStream, most: usize) -> Self {
        let start = Instant::now();
        let (mut bytes, mut reads) = (Vec::new(), Vec::new());
        let mut buffer = vec![0; 64 * 1024];
        let end = loop {
            match timeout(QUIET, stream.read(&mut buffer)).await {
                Err(_) => break Ending::Silent,
                Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => break Ending::Reset,
                Ok(read) => match read.unwrap() {
                    0 => break Ending::Closed,
                    read => {
                        bytes.extend(&buffer[..read]);
                        reads.push((read, start.elapsed()));
                    }
                },
            }
            if bytes.len() >= most {
                break Ending::Silent;
            }
        };
        Self { bytes, reads, end }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The last head; there are several if some were informational.
    pub(crate) fn head(&self) -> String {
        let text = self.text();
        let start = text.rfind("HTTP/1.1 ").unwrap();
        text[start..].split("\r\n\r\n").next().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let head = self.head();
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        headers
            .find(|(is, _)| *is == name)
            .map(|(_, value)| value.to_owned())
    }

    /// What follows the head, as it came.
    pub(crate) fn rest(&self) -> &[u8] {
        let head = self.head();
        let start = self
            .bytes
            .windows(head.len())
            .rposition(|bytes| bytes == head.as_bytes());
        &self.bytes[start.unwrap() + head.len() + 4..]
    }

    /// The complete chunks of the body, and whether the last one says that it is the last.
    pub(crate) fn chunks(&self) -> (Vec<Vec<u8>>, bool) {
        let mut rest = self.rest();
        let mut chunks = Vec::new();
        while let Some(end) = rest.windows(2).position(|bytes| bytes == b"\r\n") {
            let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
            let (start, end) = (end + 2, end + 2 + size);
            if size == 0 {
                return (chunks, true);
            }
            let Some(chunk) = rest.get(start..end + 2) else {
                break;
            };
            chunks.push(chunk[..size].to_vec());
            rest = &rest[end + 2..];
        }
        (chunks, false)
    }

    /// The body of a stream as text; the caller looks at its end itself.
    pub(crate) fn stream(&self) -> String {
        String::from_utf8(self.chunks().0.concat()).unwrap()
    }

    /// The data of a stream's events.
    pub(crate) fn data(&self) -> Vec<String> {
        let text = self.stream();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(str::to_owned).collect()
    }

    /// A whole body, which must be as long as it says and nothing else.
    pub(crate) fn json(&self) -> Value {
        let length: usize = self.header("content-length").unwrap().parse().unwrap();
        assert_eq!(self.rest().len(), length);
        serde_json::from_slice(self.rest()).unwrap()
    }
}
