//! From the bytes of a file to a plugin that has introduced itself and passed its trial.
//!
//! Every reason for refusing a component says what was expected, what was found, and what to do.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{Component, Linker};

use super::adapter::Adapter;
use super::bindings::{AdapterPre, StrategyPre, Version};
use super::compile::{Compiled, NotCompiled, compile};
use super::conduct::Conduct;
use super::engine::Engine;
use super::error::PluginError;
use super::folder::{hash, read_whole};
use super::lane::Lane;
use super::log::Voice;
use super::room;
use super::store::{Shared, State};
use super::strategy::StrategyPlugin;
use super::trial::{self, TrialError};
use super::world::{self, ADAPTER, Kind, STRATEGY};
use crate::config::{Grants, Plugins, Rollback};

/// A component that can serve.
#[derive(Debug, Clone)]
pub struct Plugin {
    pub serves: Serves,
    pub origin: Arc<Origin>,
}

/// What it serves as.
#[derive(Debug, Clone)]
pub enum Serves {
    Adapter(Arc<Adapter>),
    Strategy(Arc<StrategyPlugin>),
}

/// What is known of its file.
#[derive(Debug)]
pub struct Origin {
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    pub bytes: usize,
    /// The version of the WIT package it was built for: "0.1.0".
    pub contract: &'static str,
    pub imports: Vec<String>,
    /// How long compiling it took, or reading what was compiled before.
    pub compile: Duration,
    pub cached: bool,
}

/// A component file and the terms it runs on.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The plugin's name.
    pub name: &'a str,
    pub bytes: &'a [u8],
    pub grants: &'a Grants,
    pub rollback: &'a Rollback,
    /// How long to wait for the compiler; as long as it takes if not said.
    pub patience: Option<Duration>,
}

/// Why a file is not a plugin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read the file: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("{found} bytes, more than the limit of {most} (plugins.limits.component)")]
    TooLarge { found: u64, most: usize },
    #[error("an empty file")]
    Empty,
    #[error("not WebAssembly at all")]
    Foreign,
    #[error("a core module, not a component; `patchbay plugin build` makes the component")]
    CoreModule,
    #[error("not a WebAssembly component: {0}")]
    Invalid(String),
    #[error(
        "expected a component that exports {} or {}, found one that exports {found}; {advice}",
        ADAPTER,
        STRATEGY
    )]
    UnknownWorld { found: String, advice: String },
    #[error("exports both {ADAPTER} and {STRATEGY}; make it two components")]
    TwoWorlds,
    #[error("imports {import}, which a plugin is not given; {advice}")]
    Import { import: String, advice: String },
    #[error("does not fit its world: {0}; build it against wit/{1}")]
    Mismatch(String, &'static str),
    #[error(transparent)]
    Guest(#[from] PluginError),
    #[error("it is still being compiled")]
    Compiling,
    #[error("its trial went wrong: {0}")]
    Trial(#[from] TrialError),
}

// === impl LoadError ===

impl LoadError {
    /// There is no file any more.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Unreadable(error) if error.kind() == std::io::ErrorKind::NotFound)
    }
}

impl From<NotCompiled> for LoadError {
    fn from(why: NotCompiled) -> Self {
        match why {
            NotCompiled::Invalid(why) => Self::Invalid(why),
            NotCompiled::NotYet => Self::Compiling,
        }
    }
}

// === impl Source ===

impl<'a> Source<'a> {
    /// A component on the terms the configuration sets for a plugin of this name.
    pub fn new(name: &'a str, bytes: &'a [u8], plugins: &'a Plugins) -> Self {
        Self {
            name,
            bytes,
            grants: plugins.grants_of(name),
            rollback: &plugins.rollback,
            patience: None,
        }
    }
}

// === impl Plugin ===

impl Plugin {
    /// Compiles, links, describes and tries out. Takes tens of milliseconds for a small component and seconds for a
    /// large one, so never on a worker thread.
    pub fn load(engine: &Engine, source: Source<'_>) -> Result<Self, LoadError> {
        match source.bytes {
            [] => return Err(LoadError::Empty),
            bytes if bytes.starts_with(b"\0asm\x01\0\0\0") => return Err(LoadError::CoreModule),
            bytes if !bytes.starts_with(b"\0asm") => return Err(LoadError::Foreign),
            _ => {}
        }
        let sha256 = hash(source.bytes);
        let Compiled {
            component,
            took,
            cached,
        } = compile(engine, source.name, source.bytes, &sha256, source.patience)?;
        let (kind, version) = world::of(engine, &component)?;
        world::check_imports(engine, &component, version)?;
        let serves = start(engine, source, &component, kind, version)?;
        trial::run(&serves)?;
        let origin = Origin {
            sha256,
            bytes: source.bytes.len(),
            contract: version.as_str(),
            imports: world::imports(engine, &component),
            compile: took,
            cached,
        };
        Ok(Self {
            serves,
            origin: Arc::new(origin),
        })
    }

    /// The file's name without its ending.
    pub fn name(&self) -> &str {
        match &self.serves {
            Serves::Adapter(adapter) => adapter.name(),
            Serves::Strategy(strategy) => strategy.name(),
        }
    }

    /// name@version
    pub fn identity(&self) -> &str {
        match &self.serves {
            Serves::Adapter(adapter) => adapter.identity(),
            Serves::Strategy(strategy) => strategy.identity(),
        }
    }

    pub fn kind(&self) -> &'static str {
        match &self.serves {
            Serves::Adapter(_) => "adapter",
            Serves::Strategy(_) => "strategy",
        }
    }

    /// Loads one file. Its name without the ending is the plugin's.
    pub fn from_file(engine: &Engine, path: &Path, plugins: &Plugins) -> Result<Self, LoadError> {
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or("plugin");
        let bytes = read_whole(path, plugins.grants_of(name).limits.component)?;
        Self::load(engine, Source::new(name, &bytes, plugins))
    }

    /// Whether the two are one: not just of one version, but loaded at once.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.origin, &other.origin)
    }

    /// Checks settings (a JSON object) against the plugin's schema.
    pub fn check_settings(&self, settings: &str) -> Result<(), String> {
        match &self.serves {
            Serves::Adapter(adapter) => adapter.description().settings.check(settings),
            Serves::Strategy(strategy) => strategy.settings().check(settings),
        }
    }

    /// Its calls run on threads of their own, because they take too long for those that serve everybody.
    pub fn is_slow(&self) -> bool {
        self.shared().lane.is_slow()
    }

    /// Why it should not serve any more.
    pub fn verdict(&self) -> Option<&str> {
        self.shared().conduct.verdict()
    }

    /// It has taken over from this version, to which there is a way back.
    pub fn follows(&self, before: &Self) {
        self.shared().conduct.follows(&before.shared().conduct);
    }

    /// Frees what only the serving version needs.
    pub fn rest(&self) {
        if let Serves::Adapter(adapter) = &self.serves {
            adapter.instances().rest();
        }
    }

    /// It serves (again).
    pub fn wake(&self) {
        if let Serves::Adapter(adapter) = &self.serves {
            adapter.instances().wake();
        }
    }

    fn shared(&self) -> &Shared {
        match &self.serves {
            Serves::Adapter(adapter) => adapter.instances().shared(),
            Serves::Strategy(strategy) => strategy.shared(),
        }
    }
}

/// Links the component and asks it what it is.
fn start(
    engine: &Engine,
    source: Source<'_>,
    component: &Component,
    kind: Kind,
    version: Version,
) -> Result<Serves, LoadError> {
    let mismatch = |error: wasmtime::Error| LoadError::Mismatch(format!("{error:#}"), version.as_str());
    let mut linker = Linker::<State>::new(engine.wasmtime());
    version.link(&mut linker).map_err(mismatch)?;
    room::link(&mut linker, component).map_err(mismatch)?;
    let pre = linker.instantiate_pre(component).map_err(mismatch)?;
    let shared = Shared {
        limits: source.grants.limits.clone(),
        lane: Arc::new(Lane::new(source.name, source.grants)),
        voice: Arc::new(Voice::new(source.name)),
        conduct: Arc::new(Conduct::new(source.rollback.clone(), engine.alarm().clone())),
    };
    Ok(match kind {
        Kind::Adapter => {
            let pre = AdapterPre::new(version, pre).map_err(mismatch)?;
            let adapter = Adapter::load(engine, source.name, source.grants, shared, pre)?;
            Serves::Adapter(Arc::new(adapter))
        }
        Kind::Strategy => {
            let pre = StrategyPre::new(version, pre).map_err(mismatch)?;
            Serves::Strategy(Arc::new(StrategyPlugin::load(engine, source.name, shared, pre)?))
        }
    })
}
