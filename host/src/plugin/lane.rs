//! Where a plugin's calls run: on the threads that serve everybody while it is quick, on threads of its own as
//! soon as it is not.
//!
//! A call cannot be taken off its thread once it runs. So it is the other way round: a call that goes on for too
//! long lets the worker's other tasks go to another thread (see [`hand_over`]), and the plugin's next calls do not
//! begin on a worker at all. The way back is open to a plugin whose calls have become short. Plugins that the
//! operator trusts stay where they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio::task::{block_in_place, spawn_blocking};
use tokio::time::timeout;

use super::error::Limit;
use crate::config::Grants;

/// One call in so many is measured. A measurement costs two system calls, about a tenth of a short call.
const MEASURED: u32 = 8;
/// A plugin whose calls take more processor time than this on average is too slow for the workers ...
const TOO_SLOW: Duration = Duration::from_millis(1);
/// ... until they take less than this.
const QUICK_AGAIN: Duration = Duration::from_micros(500);
/// What one call counts for that had to be handed over.
const OVERRUN: Duration = Duration::from_millis(20);
/// Share of a new measurement in the average.
const WEIGHT: u64 = 16;
/// How long a plugin stays off the workers after too many overruns at least; doubles with each further one.
const FIRST_BAN: Duration = Duration::from_secs(1);
const LONGEST_BAN: Duration = Duration::from_secs(300);
/// How long a call that begins something waits for a thread.
const THREAD_WAIT: Duration = Duration::from_secs(1);
/// How long another thread may take to relieve this one. It is woken in less; then its time does not matter.
const RELIEF: Duration = Duration::from_millis(1);

/// What a call waits for a thread for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// Something new, which may be done elsewhere or later: it waits for a second.
    Begin,
    /// What is under way already: it waits for as long as whoever asks does. What arrives meanwhile comes with the next
    /// call, so a crowd of streams needs the fewer calls the longer they wait.
    GoOn,
}

/// The lane of one plugin.
#[derive(Debug)]
pub(super) struct Lane {
    plugin: String,
    trusted: bool,
    threads: Arc<Semaphore>,
    most_threads: u32,
    calls: AtomicU32,
    /// Its calls run on threads of their own.
    slow: AtomicBool,
    /// Moving average of processor time per call, in nanoseconds.
    average: AtomicU64,
    overruns: AtomicU32,
    began: Instant,
    /// Milliseconds after `began` up to which it is off the workers in any case.
    banned_until: AtomicU64,
}

// === impl Lane ===

impl Lane {
    pub(super) fn new(plugin: &str, grants: &Grants) -> Self {
        Self::with(plugin, grants.trusted, grants.limits.threads)
    }

    /// For calls that are on a thread of their own anyway: however long they take, nobody else is slowed.
    pub(super) fn apart(&self) -> Self {
        Self::with(&self.plugin, true, self.most_threads)
    }

    fn with(plugin: &str, trusted: bool, threads: u32) -> Self {
        Self {
            plugin: plugin.to_owned(),
            trusted,
            threads: Arc::new(Semaphore::new(threads as usize)),
            most_threads: threads,
            calls: AtomicU32::new(0),
            average: AtomicU64::new(0),
            overruns: AtomicU32::new(0),
            began: Instant::now(),
            banned_until: AtomicU64::new(0),
            slow: AtomicBool::new(false),
        }
    }

    /// Whether its calls run on threads of their own now.
    pub(super) fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }

    /// Runs a call here and now. For callers that know that the plugin is quick, or are no worker.
    pub(super) fn run_here<T>(&self, call: impl FnOnce() -> T) -> T {
        let turn = self.calls.fetch_add(1, Ordering::Relaxed);
        if self.trusted || !turn.is_multiple_of(MEASURED) {
            return call();
        }
        self.measured(call)
    }

    /// Runs a call where the plugin belongs.
    ///
    /// # Errors
    ///
    /// All threads of a slow plugin were busy for as long as the call waits.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        to: To,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Limit> {
        if !self.is_slow() {
            return Ok(self.run_here(call));
        }
        let busy = Limit::Threads(self.most_threads);
        let permit = self.threads.clone().acquire_owned();
        let permit = match to {
            To::Begin => timeout(THREAD_WAIT, permit).await.map_err(|_| busy)?,
            To::GoOn => permit.await,
        };
        let permit = permit.map_err(|_| busy)?;
        let lane = self.clone();
        let task = spawn_blocking(move || {
            // Held until the call is over, whoever may have stopped waiting for it.
            let _permit = permit;
            lane.measured(call)
        });
        task.await.map_err(|_| busy)
    }

    fn measured<T>(&self, call: impl FnOnce() -> T) -> T {
        let before = thread_time();
        let result = call();
        self.note(thread_time().saturating_sub(before));
        result
    }

    /// A call is under way for so long that the worker was given other hands.
    pub(super) fn overran(&self) {
        if self.trusted {
            return;
        }
        // Each is noticed, while of other calls one in so many is measured. One long call among many short ones, for an
        // event of a megabyte, is no reason to have them all wait for a thread.
        if self.averaged(OVERRUN, WEIGHT * u64::from(MEASURED)) <= nanos(TOO_SLOW) {
            return;
        }
        self.average.store(nanos(OVERRUN), Ordering::Relaxed);
        let times = self.overruns.fetch_add(1, Ordering::Relaxed);
        let ban = FIRST_BAN.saturating_mul(1 << times.min(16)).min(LONGEST_BAN);
        self.banned_until
            .fetch_max(millis(self.began.elapsed() + ban), Ordering::Relaxed);
        self.leave_workers();
    }

    pub(super) fn is_trusted(&self) -> bool {
        self.trusted
    }

    fn note(&self, took: Duration) {
        if self.trusted {
            return;
        }
        let average = self.averaged(took, WEIGHT);
        if average > nanos(TOO_SLOW) {
            self.leave_workers();
        } else if average < nanos(QUICK_AGAIN) && self.is_slow() {
            let banned = self.banned_until.load(Ordering::Relaxed) > millis(self.began.elapsed());
            if !banned && self.slow.swap(false, Ordering::Relaxed) {
                tracing::info!(
                    plugin = self.plugin,
                    "its calls are quick again, and run on the hot path"
                );
            }
        }
    }

    /// The average in nanoseconds, with this measurement as one of so many in it.
    fn averaged(&self, took: Duration, weight: u64) -> u64 {
        let before = self.average.load(Ordering::Relaxed);
        let average = before - before / weight + nanos(took) / weight;
        // Two at once may lose one of the measurements: it is an average.
        self.average.store(average, Ordering::Relaxed);
        average
    }

    fn leave_workers(&self) {
        if !self.slow.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                plugin = self.plugin,
                threads = self.most_threads,
                "its calls take too long for the hot path, and run on threads of its own (see plugins.grants.{}.trusted)",
                self.plugin
            );
        }
    }
}

/// Lets another thread go on with the other tasks of this worker; this thread goes on with the call, and with
/// nothing else afterwards. Does nothing on a thread that is no worker.
pub(super) fn hand_over() {
    let is_worker =
        Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if is_worker {
        // The tasks are free to go only while this closure runs.
        #[expect(
            clippy::disallowed_methods,
            reason = "the worker's tasks are not this thread's any more"
        )]
        block_in_place(|| std::thread::sleep(RELIEF));
    }
}

/// Processor time this thread has used.
pub(super) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or(0),
        time.tv_nsec.try_into().unwrap_or(0),
    )
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
