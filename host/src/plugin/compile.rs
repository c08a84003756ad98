//! From bytes to compiled code: from the cache if it was compiled before, else by the compiler, with word of it on the
//! log when it takes long.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::component::Component;

use super::engine::Engine;

/// After this time the log says that something is being compiled.
const FIRST_WORD: Duration = Duration::from_secs(1);
const NEXT_WORD: Duration = Duration::from_secs(5);

/// A component ready to be linked.
pub(super) struct Compiled {
    pub(super) component: Component,
    pub(super) took: Duration,
    pub(super) cached: bool,
}

/// `content` is the SHA-256 of the bytes in hex. Blocks for as long as it takes.
pub(super) fn compile(engine: &Engine, name: &str, bytes: &[u8], content: &str) -> Result<Compiled, String> {
    let began = Instant::now();
    if let Some(component) = engine.cache().load(engine.wasmtime(), content) {
        return Ok(Compiled {
            component,
            took: began.elapsed(),
            cached: true,
        });
    }
    let component = with_progress(name, bytes.len(), || Component::from_binary(engine.wasmtime(), bytes))
        .map_err(|error| format!("{error:#}"))?;
    engine.cache().store(content, &component);
    Ok(Compiled {
        component,
        took: began.elapsed(),
        cached: false,
    })
}

/// Says on the log that the work goes on, from the first second on.
fn with_progress<T>(name: &str, bytes: usize, work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (done, wait) = channel::<()>();
        let began = Instant::now();
        let watcher = move || {
            let mut pause = FIRST_WORD;
            while wait.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                tracing::info!(plugin = name, bytes, "compiling since {} s", began.elapsed().as_secs());
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
            tracing::info!(plugin = name, bytes, "compiled in {:.1} s", began.elapsed().as_secs_f64());
        }
        result
    })
}
