//! Strategies that decide without effect, beside the one that decides.
//!
//! One thread for all of them, of which no request knows: what comes while too much waits is left out, and a strategy that
//! takes long has to rest for longer. What goes wrong is said and counted, and that is all.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::Decides;
use crate::decision::{Decision, Shadow, Verdict};
use crate::lock::lock;
use crate::telemetry::ShadowDecided;

/// Decisions that may wait.
const WAITING: usize = 256;
/// A decision that takes longer than this ...
const QUICK: Duration = Duration::from_millis(1);
/// ... is followed by a rest of so many times what it took, so that a shadow takes a tenth of a core at most.
const REST: u32 = 9;

/// The way to that thread.
#[derive(Debug, Clone)]
pub struct Shadows {
    jobs: SyncSender<Job>,
}

/// A strategy in the shadow of another one.
#[derive(Debug)]
pub struct InShadow {
    pub decides: Decides,
    /// Its index among the deciders of the pool.
    pub index: usize,
    rests_until: Mutex<Option<Instant>>,
    /// The decision before has failed.
    failing: AtomicBool,
    shadows: Shadows,
}

#[derive(Debug)]
struct Job {
    shadow: Arc<InShadow>,
    decision: Arc<Decision>,
    mark: Arc<Shadow>,
}

// === impl Shadows ===

impl Shadows {
    /// # Errors
    ///
    /// The system has no thread for it.
    pub fn start() -> io::Result<Self> {
        let (jobs, coming) = sync_channel(WAITING);
        thread::Builder::new()
            .name("strategy-shadow".into())
            .spawn(move || run(&coming))?;
        Ok(Self { jobs })
    }

    /// For generations that serve nobody.
    pub fn none() -> Self {
        Self {
            jobs: sync_channel(0).0,
        }
    }
}

fn run(jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        job.shadow.decide(&job.decision, &job.mark);
    }
}

// === impl InShadow ===

impl InShadow {
    pub fn new(decides: Decides, index: usize, shadows: Shadows) -> Self {
        Self {
            decides,
            index,
            rests_until: Mutex::default(),
            failing: AtomicBool::new(false),
            shadows,
        }
    }

    /// Has it decide what was decided, some time later. `mark`: where what it says is kept.
    pub(super) fn follow(self: &Arc<Self>, decision: &Arc<Decision>, mark: &Arc<Shadow>) {
        if self.rests() {
            return self.leave_out(decision, mark, "it takes too long, and rests");
        }
        let job = Job {
            shadow: self.clone(),
            decision: decision.clone(),
            mark: mark.clone(),
        };
        if self.shadows.jobs.try_send(job).is_err() {
            self.leave_out(decision, mark, "too many decisions were waiting");
        }
    }

    fn rests(&self) -> bool {
        lock(&self.rests_until).is_some_and(|until| Instant::now() < until)
    }

    fn leave_out(&self, decision: &Decision, mark: &Shadow, why: &str) {
        self.tell(decision, "left out", None);
        mark.settle(Verdict::failed(format!("left out: {why}")));
    }

    fn decide(&self, decision: &Decision, mark: &Shadow) {
        // It may have begun to rest while this one was waiting.
        if self.rests() {
            return self.leave_out(decision, mark, "it takes too long, and rests");
        }
        let began = Instant::now();
        let decided = match &self.decides.ranker {
            Ok(ranker) => {
                let (_, ranked) = ranker.decide_here(&decision.given, &self.decides.memory);
                ranked
                    .map(|ranked| (ranked.order, ranked.note))
                    .map_err(|error| error.to_string())
            }
            Err(why) => Err(why.clone()),
        };
        let took = began.elapsed();
        if took > QUICK {
            *lock(&self.rests_until) = Some(Instant::now() + took * REST);
        }
        let (outcome, verdict) = match decided {
            Err(why) => ("failed", Verdict::failed(why)),
            Ok((order, note)) => {
                let (agreed, same_order) = compare(decision, &order);
                let verdict = Verdict {
                    decided: Ok((order, note)),
                    agreed,
                    same_order,
                    took,
                };
                (if agreed { "agreed" } else { "differed" }, verdict)
            }
        };
        let error = verdict.decided.as_ref().err();
        let failed_before = self.failing.swap(error.is_some(), Relaxed);
        self.tell(decision, outcome, error.filter(|_| !failed_before));
        mark.settle(verdict);
    }

    /// An error that is worth a line in the log: not one of many.
    fn tell(&self, decision: &Decision, outcome: &'static str, error: Option<&String>) {
        ShadowDecided {
            model: &decision.pool.model,
            strategy: &self.decides.strategy.name,
            outcome,
            error: error.map(String::as_str),
        }
        .emit();
    }
}

/// Whether the first that can be asked is the same, and whether all of them are, after what the rule has made of both.
fn compare(decision: &Decision, order: &[u32]) -> (bool, bool) {
    let mine = decision.askable(&decision.with_preferred_first(order));
    let theirs = decision.askable(&decision.order());
    (mine.first() == theirs.first(), mine == theirs)
}
