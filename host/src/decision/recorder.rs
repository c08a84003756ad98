//! The thread that writes the recording. Requests never wait for it: what it cannot take is counted and left out.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Decision;
use super::recording::{Head, Line, VERSION};
use crate::config::Recording;
use crate::lock::lock;
use crate::telemetry::METRICS;

/// Decisions that may wait to be written.
const WAITING: usize = 4096;
/// How often what is buffered is written.
const FLUSH: Duration = Duration::from_millis(200);
/// How long a decision waits for what its shadow says.
const SHADOW: Duration = Duration::from_secs(1);
/// How long after a failure the file is opened again.
const AGAIN: Duration = Duration::from_secs(10);

/// The way to that thread, which exists as soon as something is to be recorded.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    at_work: Mutex<Option<AtWork>>,
}

#[derive(Debug)]
struct AtWork {
    wanted: Recording,
    decisions: SyncSender<Arc<Decision>>,
    thread: JoinHandle<()>,
}

/// One file, from when it is wanted until it is not.
struct Writing {
    wanted: Recording,
    /// Those that still wait for their shadows, with when they stop waiting.
    waiting: VecDeque<(Instant, Arc<Decision>)>,
    open: Option<Appending>,
    /// Not before then is it opened again.
    not_before: Option<Instant>,
    full: bool,
}

struct Appending {
    file: BufWriter<File>,
    bytes: u64,
    /// The numbers of the pools that stand in it.
    pools: BTreeSet<u64>,
}

// === impl Recorder ===

impl Recorder {
    /// Where decisions are recorded from now on; nowhere without a file.
    pub(super) fn record_to(&self, wanted: Option<&Recording>) {
        let mut at_work = lock(&self.at_work);
        if at_work.as_ref().map(|at_work| &at_work.wanted) == wanted {
            return;
        }
        let before = at_work.take();
        *at_work = wanted.and_then(|wanted| match AtWork::start(wanted) {
            Ok(at_work) => Some(at_work),
            Err(error) => {
                tracing::error!("decisions are not recorded, there is no thread for it: {error}");
                None
            }
        });
        drop(at_work);
        if let Some(before) = before {
            before.finish();
        }
    }

    pub(super) fn record(&self, decision: &Arc<Decision>) {
        if let Some(at_work) = &*lock(&self.at_work)
            && at_work.decisions.try_send(decision.clone()).is_err()
        {
            count(false);
        }
    }

    /// Writes the rest.
    pub(super) fn close(&self) {
        self.record_to(None);
    }
}

fn count(recorded: bool) {
    let outcome = if recorded { "recorded" } else { "left out" };
    METRICS.decisions.with_label_values(&[outcome]).inc();
}

// === impl AtWork ===

impl AtWork {
    fn start(wanted: &Recording) -> io::Result<Self> {
        let (decisions, coming) = sync_channel(WAITING);
        let writing = Writing {
            wanted: wanted.clone(),
            waiting: VecDeque::new(),
            open: None,
            not_before: None,
            full: false,
        };
        let thread = thread::Builder::new()
            .name("decision-recorder".into())
            .spawn(move || writing.run(&coming))?;
        Ok(Self {
            wanted: wanted.clone(),
            decisions,
            thread,
        })
    }

    fn finish(self) {
        drop(self.decisions);
        // If it has panicked, that has been said.
        let _ = self.thread.join();
    }
}

// === impl Writing ===

impl Writing {
    fn run(mut self, coming: &Receiver<Arc<Decision>>) {
        let mut flushed = Instant::now();
        loop {
            let over = match coming.recv_timeout(FLUSH) {
                Ok(decision) => {
                    self.waiting.push_back((Instant::now() + SHADOW, decision));
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            while let Some(decision) = self.next(over) {
                self.write(&decision);
            }
            if over || flushed.elapsed() >= FLUSH {
                flushed = Instant::now();
                self.flush();
            }
            if over {
                return;
            }
        }
    }

    /// The first that need not wait any longer.
    fn next(&mut self, over: bool) -> Option<Arc<Decision>> {
        let (until, decision) = self.waiting.front()?;
        let shadow = decision.shadow.as_ref();
        let settled = shadow.is_none_or(|shadow| shadow.verdict().is_some());
        let ready = over || settled || *until <= Instant::now();
        ready
            .then(|| self.waiting.pop_front())
            .flatten()
            .map(|(_, decision)| decision)
    }

    fn write(&mut self, decision: &Decision) {
        let written = self.open().and_then(|open| match open {
            Some(open) => open.write(decision).map(|()| true),
            None => Ok(false),
        });
        match written {
            Ok(recorded) => count(recorded),
            Err(error) => {
                count(false);
                self.failed(&error);
            }
        }
    }

    fn flush(&mut self) {
        if let Some(open) = &mut self.open
            && let Err(error) = open.file.flush()
        {
            self.failed(&error);
        }
    }

    fn failed(&mut self, error: &io::Error) {
        let path = self.wanted.path.display();
        tracing::error!(
            "cannot record decisions in {path}: {error}; tried again every {} s",
            AGAIN.as_secs()
        );
        self.open = None;
        self.not_before = Some(Instant::now() + AGAIN);
    }

    /// The file, unless it has had enough or could not be opened lately.
    fn open(&mut self) -> io::Result<Option<&mut Appending>> {
        let most = self.wanted.most;
        if !self.full && self.open.as_ref().is_some_and(|open| open.bytes >= most) {
            self.full = true;
            let path = self.wanted.path.display();
            tracing::warn!("{path} has {most} bytes (decisions.record_most), nothing more is recorded in it");
        }
        if self.full || self.not_before.is_some_and(|time| Instant::now() < time) {
            return Ok(None);
        }
        if self.open.is_none() {
            self.open = Some(Appending::to(&self.wanted)?);
        }
        Ok(self.open.as_mut())
    }
}

// === impl Appending ===

impl Appending {
    /// Goes on where a recording ended: a new head says that numbers of pools and decisions begin anew.
    fn to(wanted: &Recording) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true).read(true).mode(0o600);
        let file = options.open(&wanted.path)?;
        let bytes = file.metadata()?.len();
        let is_cut_off = ends_within_a_line(&file, bytes)?;
        let mut open = Self {
            bytes,
            file: BufWriter::new(file),
            pools: BTreeSet::new(),
        };
        if is_cut_off {
            open.file.write_all(b"\n")?;
        }
        open.line(&Line::Recording(Head { version: VERSION }))?;
        Ok(open)
    }

    fn write(&mut self, decision: &Decision) -> io::Result<()> {
        if self.pools.insert(decision.pool.number) {
            self.line(&Line::Pool((&*decision.pool).into()))?;
        }
        self.line(&Line::Decision(Box::new(decision.into())))
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.bytes += text.len() as u64;
        self.file.write_all(&text)
    }
}

/// It ends in the middle of a line, as a crash or a full disk leaves it.
fn ends_within_a_line(file: &File, bytes: u64) -> io::Result<bool> {
    let Some(last) = bytes.checked_sub(1) else {
        return Ok(false);
    };
    let mut byte = [0];
    Ok(file.read_at(&mut byte, last)? == 1 && byte != *b"\n")
}
