//! From bytes to compiled code: from the cache if it was compiled before, else by the compiler, with word of it on the
//! log when it takes long.
//!
//! A compilation runs on a thread of its own. Whoever wants it waits as long as he has patience and comes back later,
//! so that a component that takes a minute keeps no other from being loaded.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::component::Component;

use super::engine::Engine;
use crate::lock::lock;

/// Compilations at once. Each may take a gigabyte.
const AT_ONCE: usize = 2;
/// After this time the log says that something is being compiled.
const FIRST_WORD: Duration = Duration::from_secs(1);
const NEXT_WORD: Duration = Duration::from_secs(5);
/// How much a compiling thread gives way to those that serve (`nice`).
const MODESTY: i32 = 5;

/// A component ready to be linked.
pub(super) struct Compiled {
    pub(super) component: Component,
    pub(super) took: Duration,
    pub(super) cached: bool,
}

/// Why there is no compiled code.
#[derive(Debug)]
pub(super) enum NotCompiled {
    Invalid(String),
    /// It is being compiled; the engine's alarm rings when it is done.
    NotYet,
}

/// Compilations under way and those that nobody has fetched, by the content's hash.
#[derive(Debug, Default)]
pub(super) struct Compiler {
    jobs: Mutex<HashMap<String, Receiver<Result<Job, String>>>>,
    running: Mutex<usize>,
    done: Condvar,
}

/// What a compilation leaves behind.
#[derive(Debug)]
struct Job {
    component: Component,
    took: Duration,
}

/// `content` is the SHA-256 of the bytes in hex. Blocks until it is done, or for `patience`.
pub(super) fn compile(
    engine: &Engine,
    name: &str,
    bytes: &[u8],
    content: &str,
    patience: Option<Duration>,
) -> Result<Compiled, NotCompiled> {
    let began = Instant::now();
    let known = lock(&engine.compiler().jobs).remove(content);
    let (job, patience) = match known {
        // It was waited for already.
        Some(job) => (job, patience.map(|_| Duration::ZERO)),
        None => {
            if let Some(component) = engine.cache().load(engine.wasmtime(), content) {
                return Ok(Compiled {
                    component,
                    took: began.elapsed(),
                    cached: true,
                });
            }
            (start(engine, name, bytes, content)?, patience)
        }
    };
    let finished = match patience {
        None => job.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(patience) => job.recv_timeout(patience),
    };
    match finished {
        Ok(Ok(Job { component, took })) => Ok(Compiled {
            component,
            took,
            cached: false,
        }),
        Ok(Err(why)) => Err(NotCompiled::Invalid(why)),
        Err(RecvTimeoutError::Disconnected) => {
            Err(NotCompiled::Invalid("the compiler has failed".to_owned()))
        }
        Err(RecvTimeoutError::Timeout) => {
            lock(&engine.compiler().jobs).insert(content.to_owned(), job);
            Err(NotCompiled::NotYet)
        }
    }
}

/// Compiles on a thread of its own.
fn start(
    engine: &Engine,
    name: &str,
    bytes: &[u8],
    content: &str,
) -> Result<Receiver<Result<Job, String>>, NotCompiled> {
    let (report, reported) = channel();
    let (engine, name) = (engine.clone(), name.to_owned());
    let (bytes, content) = (bytes.to_owned(), content.to_owned());
    let compile = move || {
        // Who may not give way works as everybody does.
        let _ = rustix::process::nice(MODESTY);
        let _place = engine.compiler().place();
        let began = Instant::now();
        let compiled = with_progress(&name, bytes.len(), || {
            Component::from_binary(engine.wasmtime(), &bytes)
        });
        let compiled = compiled.map_err(|error| format!("{error:#}")).map(|component| {
            engine.cache().store(&content, &component);
            let took = began.elapsed();
            Job { component, took }
        });
        // Nobody waits any more if the gateway is about to end.
        let _ = report.send(compiled);
        engine.alarm().notify_one();
    };
    let started = thread::Builder::new().name("compile".into()).spawn(compile);
    started.map_err(|error| NotCompiled::Invalid(format!("cannot start a thread to compile it: {error}")))?;
    Ok(reported)
}

/// Says on the log that the work goes on, from the first second on.
fn with_progress<T>(name: &str, bytes: usize, work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (done, wait) = channel::<()>();
        let began = Instant::now();
        let watcher = move || {
            let mut pause = FIRST_WORD;
            while wait.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                tracing::info!(
                    plugin = name,
                    bytes,
                    "compiling since {} s",
                    began.elapsed().as_secs()
                );
                pause = NEXT_WORD;
            }
        };
        // Without the thread nothing is said, which is no reason not to work.
        let watching = thread::Builder::new()
            .name("compile-watch".into())
            .spawn_scoped(scope, watcher)
            .is_ok();
        let result = work();
        drop(done);
        if watching && began.elapsed() > FIRST_WORD {
            tracing::info!(
                plugin = name,
                bytes,
                "compiled in {:.1} s",
                began.elapsed().as_secs_f64()
            );
        }
        result
    })
}

// === impl Compiler ===

/// The right to compile; gives itself back when dropped.
struct Place<'a>(&'a Compiler);

impl Compiler {
    /// Lets go of compilations whose content nobody has any more, by hash. One under way still ends in the cache.
    pub(super) fn forget_all_but(&self, wanted: &[&str]) {
        lock(&self.jobs).retain(|content, _| wanted.contains(&content.as_str()));
    }

    fn place(&self) -> Place<'_> {
        let running = lock(&self.running);
        let free = self.done.wait_while(running, |running| *running >= AT_ONCE);
        *free.unwrap_or_else(PoisonError::into_inner) += 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *lock(&self.0.running) -= 1;
        self.0.done.notify_one();
    }
}
