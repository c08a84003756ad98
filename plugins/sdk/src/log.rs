//! The gateway's log. The host adds the plugin's name, its version and the request's id. Natively the lines go
//! to standard error, for tests.

#[cfg(target_arch = "wasm32")]
use crate::bindings::adapter::patchbay::plugin::log::emit;

pub use crate::bindings::adapter::patchbay::plugin::log::Level;

pub fn debug(message: &str) {
    emit(Level::Debug, message);
}

pub fn info(message: &str) {
    emit(Level::Info, message);
}

pub fn warn(message: &str) {
    emit(Level::Warn, message);
}

pub fn error(message: &str) {
    emit(Level::Error, message);
}

/// To the host a panic is a trap without words, so its message and place go to the log first. Every entry
/// point of a component calls this; only the first call does anything.
#[cfg(target_arch = "wasm32")]
pub(crate) fn report_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|panic| error(&panic.to_string()))));
}

/// Natively the test harness reports panics.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn report_panics() {}

#[cfg(not(target_arch = "wasm32"))]
#[expect(
    clippy::print_stderr,
    reason = "the test harness holds it back while a test succeeds"
)]
fn emit(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}
