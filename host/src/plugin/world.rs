//! Which world of the contract a component belongs to, and whether it asks for more than that world gives: known by its
//! type alone, before anything of it runs.

use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::bindings::{PACKAGE, Version};
use super::engine::Engine;
use super::load::LoadError;
use super::room;

/// Names of a component's exports that an error shows.
const SHOWN: usize = 5;

pub(super) const ADAPTER: &str = "patchbay:plugin/adapter@0.1.0";
pub(super) const STRATEGY: &str = "patchbay:plugin/strategy@0.1.0";

/// What a plugin can be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Adapter,
    Strategy,
}

pub(super) fn imports(engine: &Engine, component: &Component) -> Vec<String> {
    let ty = component.component_type();
    ty.imports(engine.wasmtime())
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn exports(engine: &Engine, component: &Component) -> Vec<String> {
    let ty = component.component_type();
    ty.exports(engine.wasmtime())
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Which world a component belongs to, and of which version: the newest it exports.
pub(super) fn of(engine: &Engine, component: &Component) -> Result<(Kind, Version), LoadError> {
    let (exports, imports) = (exports(engine, component), imports(engine, component));
    for version in Version::ALL {
        let has = |name: &str| exports.contains(&version.interface(name));
        match (has("adapter"), has("strategy")) {
            (true, false) => return Ok((Kind::Adapter, version)),
            (false, true) => return Ok((Kind::Strategy, version)),
            (true, true) => return Err(LoadError::TwoWorlds),
            (false, false) => {}
        }
    }
    let other_version = exports
        .iter()
        .chain(&imports)
        .find(|name| name.starts_with(PACKAGE));
    let advice = match other_version.and_then(|name| name.split_once('@')) {
        Some((_, version)) => format!(
            "it was built for version {version} of the WIT package, and this gateway serves {}: build it against one \
             of those, or use a gateway that serves its version",
            Version::ALL.map(Version::as_str).join(" and ")
        ),
        None => "is it a plugin for patchbay at all? See wit/0.1.0/worlds.wit".to_owned(),
    };
    let found = match exports.as_slice() {
        [] => "nothing".to_owned(),
        exports if exports.len() > SHOWN => {
            format!(
                "{} and {} more",
                exports[..SHOWN].join(", "),
                exports.len() - SHOWN
            )
        }
        exports => exports.join(", "),
    };
    Err(LoadError::UnknownWorld { found, advice })
}

/// Refuses a component that imports what plugins are not given.
pub(super) fn check_imports(
    engine: &Engine,
    component: &Component,
    version: Version,
) -> Result<(), LoadError> {
    let ty = component.component_type();
    let foreign = ty.imports(engine.wasmtime()).find(|(name, item)| {
        let offered = version.offers(name) || room::offers(name);
        !offered || !matches!(item.ty, ComponentItem::ComponentInstance(_))
    });
    let Some((import, _)) = foreign else { return Ok(()) };
    let advice = if import.starts_with("wasi:http") {
        "a plugin does not send requests itself: return them from the exchange, and the gateway sends them"
            .to_owned()
    } else if import.starts_with("wasi:") {
        "of WASI only 0.2's cli, clocks, filesystem, io, random and sockets can be imported, and none of them leads \
         anywhere"
            .to_owned()
    } else if import.starts_with(PACKAGE) {
        format!("the rest of it was built for version {}", version.as_str())
    } else {
        "remove it: a plugin may import patchbay:plugin's calls and log, and nothing else".to_owned()
    };
    Err(LoadError::Import {
        import: import.to_owned(),
        advice,
    })
}
