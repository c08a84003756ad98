//! Log lines are gathered and written many at once, on a timer. Waking a writer for each line would cost a request
//! more than the plugin calls do.
//!
//! At most the last [`PERIOD`] of lines is lost in a crash. Where nobody takes the lines off our hands they are
//! dropped and counted, so that a stuck reader cannot stop the gateway.

use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How often lines are written.
const PERIOD: Duration = Duration::from_millis(50);
/// Bytes gathered at most; lines beyond are dropped.
const GATHERED: usize = 8 << 20;

/// Where lines are gathered.
#[derive(Debug, Clone, Default)]
pub(super) struct Behind(Arc<Mutex<Gathered>>);

/// Writes what is left when it is dropped.
pub struct Flush {
    behind: Behind,
    out: Arc<Mutex<dyn Write + Send>>,
}

#[derive(Debug, Default)]
struct Gathered {
    lines: Vec<u8>,
    dropped: u64,
}

// === impl Behind ===

impl Behind {
    /// Starts the thread that writes to `out`.
    pub(super) fn start(out: impl Write + Send + 'static) -> (Self, Flush) {
        let behind = Self::default();
        let flush = Flush {
            behind: behind.clone(),
            out: Arc::new(Mutex::new(out)),
        };
        let writer = Flush {
            behind: behind.clone(),
            out: flush.out.clone(),
        };
        let started = thread::Builder::new().name("log".into()).spawn(move || {
            loop {
                #[expect(clippy::disallowed_methods, reason = "a thread of its own, not a worker")]
                thread::sleep(PERIOD);
                writer.write_out();
            }
        });
        // Without the thread, lines are written at the end.
        drop(started);
        (behind, flush)
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// tracing hands over one whole line in one call.
impl Write for Behind {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut gathered = self.gathered();
        if gathered.lines.len() + line.len() > GATHERED {
            gathered.dropped += 1;
        } else {
            gathered.lines.extend_from_slice(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Behind {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

// === impl Flush ===

impl Flush {
    fn write_out(&self) {
        // Taken before the lines, so that two writers cannot change their order.
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let Gathered { lines, dropped } = mem::take(&mut *self.behind.gathered());
        if lines.is_empty() && dropped == 0 {
            return;
        }
        // There is nowhere to report that the log cannot be written.
        let _ = out.write_all(&lines);
        if dropped > 0 {
            let _ = writeln!(
                out,
                "{dropped} log lines were dropped because they were not written fast enough"
            );
        }
        let _ = out.flush();
    }
}

impl fmt::Debug for Flush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flush").finish_non_exhaustive()
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.write_out();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_once_and_in_order_and_a_flood_is_counted() {
        let page = Page::default();
        let (mut behind, flush) = Behind::start(page.clone());
        for line in 0..1000 {
            writeln!(behind, "line {line}").unwrap();
        }
        drop(flush);
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        let expected: String = (0..1000).map(|line| format!("line {line}\n")).collect();
        assert_eq!(text, expected);

        let page = Page::default();
        let (mut behind, flush) = Behind::start(page.clone());
        let held = flush.out.clone();
        let stuck = held.lock().unwrap();
        for _ in 0..=GATHERED / 1000 {
            behind.write_all(&[b'x'; 1000]).unwrap();
        }
        drop(stuck);
        drop(flush);
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("1 log lines were dropped"), "{}", text.len());
    }
}
