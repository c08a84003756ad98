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
    pub(super) fn follow(self: &Arc<Self>, decision: &Arc<Decision>, mark: Arc<Shadow>) {
        let resting = lock(&self.rests_until).is_some_and(|until| Instant::now() < until);
        if resting {
            return self.settle(
                decision,
                &mark,
                Err("left out: it takes too long, and rests".to_owned()),
                Duration::ZERO,
            );
        }
        let job = Job {
            shadow: self.clone(),
            decision: decision.clone(),
            mark: mark.clone(),
        };
        if self.shadows.jobs.try_send(job).is_err() {
            let why = "left out: too many decisions were waiting".to_owned();
            self.settle(decision, &mark, Err(why), Duration::ZERO);
        }
    }

    fn decide(&self, decision: &Arc<Decision>, mark: &Shadow) {
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
        self.settle(decision, mark, decided, took);
    }

    fn settle(
        &self,
        decision: &Decision,
        mark: &Shadow,
        decided: Result<(Vec<u32>, Option<String>), String>,
        took: Duration,
    ) {
        let (agreed, same_order) = match &decided {
            Ok((order, _)) => compare(decision, order),
            Err(_) => (false, false),
        };
        let failed = decided.is_err();
        let first_failure = failed && !self.failing.swap(failed, Relaxed);
        if !failed {
            self.failing.store(false, Relaxed);
        }
        ShadowDecided {
            model: &decision.pool.model,
            strategy: &self.decides.strategy.name,
            agreed,
            error: decided.as_ref().err().map(String::as_str),
            tell: first_failure,
        }
        .emit();
        mark.settle(Verdict {
            decided,
            agreed,
            same_order,
            took,
        });
    }
}

/// Whether the first that can be asked is the same, and whether all of them are.
fn compare(decision: &Decision, order: &[u32]) -> (bool, bool) {
    let mine = decision.askable(order);
    let theirs = decision.askable(&decision.made.order);
    (mine.first() == theirs.first(), mine == theirs)
}
