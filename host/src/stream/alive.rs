//! Comments for a caller who hears nothing: so that neither its client nor a proxy on the way takes silence for a dead
//! connection (WHATWG HTML, section 9.2.7, advises a comment line every 15 seconds or so).
//!
//! Adds, and never delays or changes a frame.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

const COMMENT: &[u8] = b": waiting\n\n";

/// A stream of frames, with a comment whenever none has come for a while.
#[derive(Debug)]
pub struct KeptAlive<S> {
    frames: Pin<Box<S>>,
    every: Option<Duration>,
    last: Instant,
    alarm: Pin<Box<Sleep>>,
}

// === impl KeptAlive ===

impl<S> KeptAlive<S> {
    /// `every`: the longest silence, none for no comments. `waited`: how long there has been silence already.
    pub fn new(frames: S, every: Option<Duration>, waited: Duration) -> Self {
        let now = Instant::now();
        let last = now.checked_sub(waited).unwrap_or(now);
        Self {
            frames: Box::pin(frames),
            every,
            last,
            alarm: Box::pin(sleep_until(last + every.unwrap_or_default())),
        }
    }
}

impl<S: Stream<Item = Bytes>> Stream for KeptAlive<S> {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Poll::Ready(frame) = self.frames.as_mut().poll_next(context) {
            self.last = Instant::now();
            return Poll::Ready(frame);
        }
        let Some(every) = self.every else {
            return Poll::Pending;
        };
        loop {
            ready!(self.alarm.as_mut().poll(context));
            let now = Instant::now();
            // Moved only when it rings, since moving it for every frame would cost more than the frame.
            let due = self.last + every;
            if due > now {
                self.alarm.as_mut().reset(due);
                continue;
            }
            self.last = now;
            self.alarm.as_mut().reset(now + every);
            return Poll::Ready(Some(Bytes::from_static(COMMENT)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::stream;
    use tokio::time::sleep;

    use super::*;

    const EVERY: Duration = Duration::from_secs(10);

    /// What comes of a frame after each of these pauses, in seconds, with the time of each.
    async fn heard(pauses: &'static [u64], waited: u64) -> Vec<(u64, &'static str)> {
        let frames = stream::unfold(pauses.iter(), |mut pauses| async {
            sleep(Duration::from_secs(*pauses.next()?)).await;
            Some((Bytes::from_static(b"frame"), pauses))
        });
        let mut alive = KeptAlive::new(frames, Some(EVERY), Duration::from_secs(waited));
        let started = Instant::now();
        let mut heard = Vec::new();
        while let Some(frame) = poll_fn(|context| Pin::new(&mut alive).poll_next(context)).await {
            let kind = if frame == COMMENT { "comment" } else { "frame" };
            heard.push((started.elapsed().as_secs(), kind));
        }
        heard
    }

    #[tokio::test(start_paused = true)]
    async fn a_comment_breaks_each_silence() {
        assert_eq!(
            heard(&[9, 9, 9], 0).await,
            [(9, "frame"), (18, "frame"), (27, "frame")]
        );
        assert_eq!(
            heard(&[25, 5, 12], 0).await,
            [
                (10, "comment"),
                (20, "comment"),
                (25, "frame"),
                (30, "frame"),
                (40, "comment"),
                (42, "frame")
            ]
        );
        assert_eq!(heard(&[5], 10).await, [(0, "comment"), (5, "frame")]);
    }
}
