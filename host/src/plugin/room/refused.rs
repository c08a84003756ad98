//! Every other function of WASI: refuses in its own words where its type has some, and ends the call where not.

use wasmtime::component::types::{ComponentFunc, Type};
use wasmtime::component::{LinkerInstance, Val};

use crate::plugin::error::Denied;
use crate::plugin::store::State;

/// The names WASI has for "you may not": of its file system and its sockets.
const REFUSALS: [&str; 2] = ["access", "access-denied"];

pub(super) fn define(
    to: &mut LinkerInstance<'_, State>,
    interface: &str,
    name: &str,
) -> wasmtime::Result<()> {
    let waits = interface == "wasi:io/poll" || name.contains("blocking");
    let why = if waits {
        "a plugin cannot wait"
    } else {
        "a plugin is not given this"
    };
    let denied = Denied(format!("{interface}.{name}: {why}"));
    to.func_new(name, move |_, ty, _, results| match (refusal(&ty), results) {
        (Some(refusal), [result]) => {
            *result = refusal;
            Ok(())
        }
        _ => Err(denied.clone().into()),
    })
}

/// The error value that says so, if the function can return one.
fn refusal(ty: &ComponentFunc) -> Option<Val> {
    let Type::Result(result) = ty.results().next()? else {
        return None;
    };
    let Type::Enum(codes) = result.err()? else {
        return None;
    };
    let code = codes.names().find(|name| REFUSALS.contains(name))?;
    Some(Val::Result(Err(Some(Box::new(Val::Enum(code.to_owned()))))))
}
