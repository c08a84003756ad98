//! What WASI's functions do here that do anything at all. Their names and types are WASI 0.2's
//! (<https://github.com/WebAssembly/WASI>, `wasip2`).

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, LinkerInstance, Lower, Resource};

use super::{ERR, OUT, Thing};
use crate::plugin::error::Denied;
use crate::plugin::store::State;

/// Random bytes of one call of `get-random-bytes`.
const RANDOM: u64 = 64 << 10;
/// Bytes a stream takes at once.
const PERMIT: u64 = 4096;
const NANOS_PER_MILLI: u64 = 1_000_000;

type Cx<'a> = StoreContextMut<'a, State>;
type Handle = Resource<Thing>;
type Wrote = (Result<(), StreamError>,);

/// wasi:clocks/wall-clock.datetime
#[derive(ComponentType, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// wasi:io/streams.stream-error
#[derive(ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[expect(dead_code, reason = "part of the type; nothing fails here")]
    Failed(Handle),
    #[component(name = "closed")]
    Closed,
}

/// Defines the function if it is one of those; false if not.
pub(super) fn define(
    to: &mut LinkerInstance<'_, State>,
    interface: &str,
    name: &str,
) -> wasmtime::Result<bool> {
    match interface {
        "wasi:cli/environment" | "wasi:cli/exit" => program(to, interface, name),
        "wasi:cli/stdin" | "wasi:cli/stdout" | "wasi:cli/stderr" => standard_stream(to, name),
        "wasi:cli/terminal-stdin" | "wasi:cli/terminal-stdout" | "wasi:cli/terminal-stderr" => {
            to.func_wrap(name, |_: Cx<'_>, (): ()| Ok((None::<Handle>,)))?;
            Ok(true)
        }
        "wasi:io/streams" if name.starts_with("[method]input-stream.") => input(to, name),
        "wasi:io/streams" => output(to, name),
        "wasi:clocks/monotonic-clock" => monotonic_clock(to, name),
        "wasi:clocks/wall-clock" => wall_clock(to, name),
        "wasi:random/random" | "wasi:random/insecure" | "wasi:random/insecure-seed" => random(to, name),
        "wasi:filesystem/preopens" if name == "get-directories" => {
            to.func_wrap(name, |_: Cx<'_>, (): ()| Ok((Vec::<(Handle, String)>::new(),)))?;
            Ok(true)
        }
        "wasi:sockets/instance-network" if name == "instance-network" => {
            to.func_wrap(name, |_: Cx<'_>, (): ()| Ok((Handle::new_own(0),)))?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn program(to: &mut LinkerInstance<'_, State>, interface: &str, name: &str) -> wasmtime::Result<bool> {
    match name {
        "get-environment" => to.func_wrap(name, |_: Cx<'_>, (): ()| Ok((Vec::<(String, String)>::new(),)))?,
        "get-arguments" => to.func_wrap(name, |_: Cx<'_>, (): ()| Ok((Vec::<String>::new(),)))?,
        "initial-cwd" => to.func_wrap(name, |_: Cx<'_>, (): ()| Ok((None::<String>,)))?,
        "exit" => {
            let denied = Denied(format!(
                "{interface}.{name}: it ended itself in the middle of a call"
            ));
            to.func_wrap(
                name,
                move |_: Cx<'_>, (_,): (Result<(), ()>,)| -> wasmtime::Result<()> {
                    Err(denied.clone().into())
                },
            )?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// There is nothing to read, and what is written goes to the log.
fn standard_stream(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<bool> {
    let stream = match name {
        "get-stdin" => 0,
        "get-stdout" => OUT,
        "get-stderr" => ERR,
        _ => return Ok(false),
    };
    to.func_wrap(name, move |_: Cx<'_>, (): ()| Ok((Handle::new_own(stream),)))?;
    Ok(true)
}

/// Every input is at its end.
fn input(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
            to.func_wrap(name, |_: Cx<'_>, (_, _): (Handle, u64)| {
                Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
            })?;
        }
        "[method]input-stream.skip" | "[method]input-stream.blocking-skip" => {
            to.func_wrap(name, |_: Cx<'_>, (_, _): (Handle, u64)| {
                Ok((Err::<u64, _>(StreamError::Closed),))
            })?;
        }
        "[method]input-stream.subscribe" => subscribe(to, name)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn output(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "[method]output-stream.check-write" => to.func_wrap(name, |_: Cx<'_>, (_,): (Handle,)| {
            Ok((Ok::<_, StreamError>(PERMIT),))
        })?,
        "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => {
            to.func_wrap(
                name,
                |mut cx: Cx<'_>, (stream, bytes): (Handle, Vec<u8>)| -> wasmtime::Result<Wrote> {
                    cx.data_mut().write(stream.rep(), &bytes)?;
                    Ok((Ok(()),))
                },
            )?;
        }
        "[method]output-stream.flush" | "[method]output-stream.blocking-flush" => {
            to.func_wrap(name, |_: Cx<'_>, (_,): (Handle,)| Ok::<Wrote, _>((Ok(()),)))?;
        }
        "[method]output-stream.subscribe" => subscribe(to, name)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// What can be waited for may be had; waiting for it ends the call.
fn subscribe(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<()> {
    to.func_wrap(name, |_: Cx<'_>, (_,): (Handle,)| Ok((Handle::new_own(0),)))
}

fn monotonic_clock(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "now" => to.func_wrap(name, |cx: Cx<'_>, (): ()| {
            Ok((cx.data().room.now.saturating_mul(NANOS_PER_MILLI),))
        })?,
        "resolution" => to.func_wrap(name, |_: Cx<'_>, (): ()| Ok((NANOS_PER_MILLI,)))?,
        "subscribe-instant" | "subscribe-duration" => {
            to.func_wrap(name, |_: Cx<'_>, (_,): (u64,)| Ok((Handle::new_own(0),)))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn wall_clock(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<bool> {
    let datetime = |milliseconds: u64| Datetime {
        seconds: milliseconds / 1000,
        nanoseconds: u32::try_from(milliseconds % 1000 * NANOS_PER_MILLI).unwrap_or(0),
    };
    match name {
        "now" => to.func_wrap(name, move |cx: Cx<'_>, (): ()| {
            Ok((datetime(cx.data().room.now),))
        })?,
        "resolution" => to.func_wrap(name, move |_: Cx<'_>, (): ()| Ok((datetime(1),)))?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn random(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "get-random-bytes" | "get-insecure-random-bytes" => {
            let denied = Denied(format!("{name}: more than {RANDOM} random bytes at once"));
            to.func_wrap(name, move |mut cx: Cx<'_>, (count,): (u64,)| {
                let count = usize::try_from(count.min(RANDOM + 1))?;
                if count as u64 > RANDOM {
                    return Err(denied.clone().into());
                }
                let mut bytes = vec![0; count];
                cx.data_mut().room.random_bytes(&mut bytes);
                Ok((bytes,))
            })?;
        }
        "get-random-u64" | "get-insecure-random-u64" => {
            to.func_wrap(name, |mut cx: Cx<'_>, (): ()| Ok((cx.data_mut().draw(),)))?;
        }
        "insecure-seed" => to.func_wrap(name, |mut cx: Cx<'_>, (): ()| {
            let state = cx.data_mut();
            Ok(((state.draw(), state.draw()),))
        })?,
        _ => return Ok(false),
    }
    Ok(true)
}

impl State {
    fn draw(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.room.random_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}
