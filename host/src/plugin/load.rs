//! From the bytes of a file to a plugin that has introduced itself.
//!
//! Every reason for refusing a component says what was expected, what was found, and what to do.

use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker};

use super::adapter::Adapter;
use super::bindings::v0_1;
use super::engine::Engine;
use super::error::PluginError;
use super::store::State;
use super::strategy::StrategyPlugin;
use crate::config::Limits;

const ADAPTER: &str = "patchbay:plugin/adapter@0.1.0";
const STRATEGY: &str = "patchbay:plugin/strategy@0.1.0";
const PACKAGE: &str = "patchbay:plugin/";
/// What a component may import.
const OFFERED: [&str; 3] = [
    "patchbay:plugin/types@0.1.0",
    "patchbay:plugin/calls@0.1.0",
    "patchbay:plugin/log@0.1.0",
];

/// A component that can serve.
#[derive(Debug, Clone)]
pub enum Plugin {
    Adapter(Arc<Adapter>),
    Strategy(Arc<StrategyPlugin>),
}

/// Why a file is not a plugin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read the file: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("{found} bytes, more than the limit of {most} (plugins.limits.component)")]
    TooLarge { found: u64, most: usize },
    #[error("a core module, not a component; `patchbay plugin build` makes the component")]
    CoreModule,
    #[error("not a WebAssembly component: {0}")]
    Invalid(String),
    #[error(
        "exports neither {ADAPTER} nor {STRATEGY} but {found}; build it against the WIT package this gateway offers"
    )]
    UnknownWorld { found: String },
    #[error("exports both {ADAPTER} and {STRATEGY}; make it two components")]
    TwoWorlds,
    #[error("imports {import}, which a plugin is not given; {advice}")]
    Import { import: String, advice: &'static str },
    #[error("does not fit its world: {0}")]
    Mismatch(String),
    #[error(transparent)]
    Guest(#[from] PluginError),
}

// === impl Plugin ===

impl Plugin {
    /// Compiles, links and describes. Takes tens of milliseconds for a small component and seconds for a large
    /// one, so never on a worker thread.
    pub fn load(engine: &Engine, name: &str, bytes: &[u8], limits: &Limits) -> Result<Self, LoadError> {
        if bytes.starts_with(b"\0asm\x01\0\0\0") {
            return Err(LoadError::CoreModule);
        }
        let component = Component::from_binary(engine.wasmtime(), bytes)
            .map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
        let kind = world(engine, &component)?;
        check_imports(engine, &component)?;
        let mismatch = |error: wasmtime::Error| LoadError::Mismatch(format!("{error:#}"));
        let linker = linker(engine).map_err(mismatch)?;
        let pre = linker.instantiate_pre(&component).map_err(mismatch)?;
        Ok(match kind {
            ADAPTER => {
                let pre = v0_1::AdapterPluginPre::new(pre).map_err(mismatch)?;
                Self::Adapter(Arc::new(Adapter::load(engine, name, limits, pre)?))
            }
            _ => {
                let pre = v0_1::StrategyPluginPre::new(pre).map_err(mismatch)?;
                Self::Strategy(Arc::new(StrategyPlugin::load(engine, name, limits, pre)?))
            }
        })
    }

    /// name@version
    pub fn identity(&self) -> &str {
        match self {
            Self::Adapter(adapter) => adapter.identity(),
            Self::Strategy(strategy) => strategy.identity(),
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Self::Adapter(_) => "adapter",
            Self::Strategy(_) => "strategy",
        }
    }
}

/// Which of the two worlds a component belongs to, by its exports.
fn world(engine: &Engine, component: &Component) -> Result<&'static str, LoadError> {
    let ty = component.component_type();
    let exports: Vec<String> = ty
        .exports(engine.wasmtime())
        .map(|(name, _)| name.to_owned())
        .collect();
    let has = |name: &str| exports.iter().any(|export| export == name);
    match (has(ADAPTER), has(STRATEGY)) {
        (true, false) => Ok(ADAPTER),
        (false, true) => Ok(STRATEGY),
        (true, true) => Err(LoadError::TwoWorlds),
        (false, false) => {
            let found = if exports.is_empty() {
                "nothing".to_owned()
            } else {
                exports.join(", ")
            };
            Err(LoadError::UnknownWorld { found })
        }
    }
}

fn check_imports(engine: &Engine, component: &Component) -> Result<(), LoadError> {
    let ty = component.component_type();
    let foreign = ty.imports(engine.wasmtime()).find(|(name, item)| {
        !OFFERED.contains(name) || !matches!(item.ty, ComponentItem::ComponentInstance(_))
    });
    let Some((import, _)) = foreign else { return Ok(()) };
    let advice = if import.starts_with("wasi:") {
        "build for wasm32-unknown-unknown, as `patchbay plugin build` does, and use neither clock, files, \
         randomness nor output"
    } else if import.starts_with(PACKAGE) {
        "it was built for another version of the package"
    } else {
        "remove it"
    };
    Err(LoadError::Import {
        import: import.to_owned(),
        advice,
    })
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine.wasmtime());
    v0_1::types::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    v0_1::calls::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    v0_1::log::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    Ok(linker)
}
