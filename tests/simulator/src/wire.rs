//! The connection below HTTP, for what HTTP would not do: resetting it, heads before the head, a wrong
//! length. Must cost a connection that is left alone nothing but a look at one flag per write.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// How HTTP writes the header that a claimed length replaces.
const LENGTH: &[u8] = b"\r\ncontent-length: ";

/// A connection as its exchanges see it.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Counts from 1 over all connections.
    pub(crate) number: u64,
    /// When it was closed, by whomever.
    pub(crate) closed: OnceLock<Duration>,
    reset: AtomicBool,
    /// Whether there is anything in `orders`.
    ordered: AtomicBool,
    orders: Mutex<Orders>,
}

/// A stream that does what its wire is told.
#[derive(Debug)]
pub(crate) struct Wired<S: Socket> {
    stream: S,
    wire: Arc<Wire>,
}

/// Whatever carries HTTP, with the TCP connection at its bottom.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

#[derive(Debug, Default)]
struct Orders {
    /// Bytes to be sent before whatever HTTP sends next.
    ahead: BytesMut,
    /// The length that the next head names.
    claimed: Option<u64>,
}

// === impl Wire ===

impl Wire {
    pub(crate) fn new(number: u64) -> Self {
        Self {
            number,
            closed: OnceLock::new(),
            reset: AtomicBool::new(false),
            ordered: AtomicBool::new(false),
            orders: Mutex::default(),
        }
    }

    /// Has the connection reset, dropping what it is doing. Only for what runs in the connection's own
    /// task, which looks for this after every step.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
    }

    pub(crate) fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Acquire)
    }

    /// Sends the heads of these statuses before anything else.
    pub(crate) fn announce(&self, statuses: &[StatusCode]) {
        let mut orders = self.orders();
        for status in statuses {
            let reason = status.canonical_reason().unwrap_or_default();
            let head = format!("HTTP/1.1 {} {reason}\r\n\r\n", status.as_u16());
            orders.ahead.extend_from_slice(head.as_bytes());
        }
        self.ordered.store(true, Ordering::Release);
    }

    /// Has the next head name this length instead of the right one.
    pub(crate) fn claim(&self, length: u64) {
        self.orders().claimed = Some(length);
        self.ordered.store(true, Ordering::Release);
    }

    /// Orders are whole after every step, so a poisoned lock is still good.
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Wired ===

impl<S: Socket> Wired<S> {
    pub(crate) fn new(stream: S, wire: Arc<Wire>) -> Self {
        Self { stream, wire }
    }

    /// Carries out the orders there are, given what HTTP writes next; the number of its bytes that this
    /// took care of.
    fn poll_orders(&mut self, context: &mut Context<'_>, next: &[u8]) -> Poll<io::Result<usize>> {
        let mut orders = self.wire.orders();
        while !orders.ahead.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &orders.ahead))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            orders.ahead.advance(written);
        }
        let lied = orders.claimed.and_then(|length| with_length(next, length));
        if let Some(lied) = lied {
            orders.claimed = None;
            orders.ahead = lied;
            return Poll::Ready(Ok(next.len()));
        }
        let open = orders.claimed.is_some();
        self.wire.ordered.store(open, Ordering::Release);
        Poll::Ready(Ok(0))
    }

    fn has_orders(&self) -> bool {
        self.wire.ordered.load(Ordering::Acquire)
    }
}

/// The start of a reply with another length in its head; nothing if there is no length in it.
fn with_length(start: &[u8], length: u64) -> Option<BytesMut> {
    let value = LENGTH.len() + start.windows(LENGTH.len()).position(|bytes| bytes == LENGTH)?;
    let end = value + start[value..].iter().position(|byte| *byte == b'\r')?;
    let mut changed = BytesMut::from(&start[..value]);
    changed.extend_from_slice(length.to_string().as_bytes());
    changed.extend_from_slice(&start[end..]);
    Some(changed)
}

impl<S: Socket> AsyncRead for Wired<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Socket> AsyncWrite for Wired<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.has_orders() {
            let taken = ready!(self.poll_orders(context, bytes))?;
            if taken > 0 {
                return Poll::Ready(Ok(taken));
            }
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.has_orders() {
            let next = slices.first().map_or(&[][..], |slice| slice);
            let taken = ready!(self.poll_orders(context, next))?;
            if taken > 0 {
                return Poll::Ready(Ok(taken));
            }
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_orders() {
            ready!(self.poll_orders(context, &[]))?;
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: Socket> Drop for Wired<S> {
    fn drop(&mut self) {
        if self.wire.is_reset() {
            // Closing is then a reset. It cannot fail on a connection that is still there.
            let _ = self.stream.tcp().set_zero_linger();
        }
    }
}

// === impl Socket ===

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}
