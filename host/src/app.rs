//! The running gateway: what lives as long as the process, and the one pointer to the current generation.
//!
//! Builds the next generation beside the current one and swaps the pointer once. Knows no HTTP.

mod accounts;
mod changes;
mod decisions;
mod probes;
mod recheck;
mod reload;
mod strategies;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::Mutex;
use tokio::sync::futures::Notified;

pub use accounts::LookupError;
pub use changes::{ChangeError, ChangeShown, Changed, Configuration, Edit, What};
pub use probes::ProbeError;
pub use recheck::Which;
pub use reload::{ReloadError, Reloaded};
pub use strategies::MoveError;

use crate::config::{self, Problems};
use crate::decision::Journal;
use crate::generation::{Generation, Live};
use crate::plugin::{Engine, EngineError, PluginSet};
use crate::pool::Gate;
use crate::route::Shadows;
use crate::storage::{Storage, StorageError};
use crate::telemetry::METRICS;
use crate::upstream::{Upstream, UpstreamError};

/// One per process.
#[derive(Debug)]
pub struct Gateway {
    config_path: PathBuf,
    engine: Engine,
    live: Live,
    current: ArcSwap<Generation>,
    /// What the current generation was made of.
    effective: ArcSwap<changes::Effective>,
    /// Held while the next generation is built, so that there is only one builder.
    building: Mutex<reload::Seen>,
    draining: AtomicBool,
    started: Instant,
}

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{0}")]
    Config(#[from] Problems),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the system has no thread for it: {0}")]
    NoThread(std::io::Error),
    #[error("cannot build the first generation: {0}")]
    Build(String),
}

// === impl Gateway ===

impl Gateway {
    /// Reads the configuration, loads every plugin and builds the first generation. A component that does not
    /// load is reported and left out.
    pub async fn start(config_path: PathBuf) -> Result<Arc<Self>, StartError> {
        let text = config::read(&config_path)?;
        let alone = config::parse(&text, &config_path, &environment)?.settings;
        let engine = Engine::new(&alone.plugins)?;
        let upstream = Upstream::new(alone.timeouts.connect)?;
        let storage = open_storage(alone.storage.path.as_deref())?;
        let live = Live::new(storage, Shadows::start().map_err(StartError::NoThread)?)?;
        let kept = changes::Kept::read(live.pool.storage(), alone.storage.key.as_ref())?;
        // With what was set at run time from the beginning: what is known of a key is forgotten when another takes its
        // place, even for a moment.
        let laid = config::lay(&text, &config_path, &environment, kept.changes())?;
        let settings = Arc::new(laid.loaded.settings);
        let empty = Generation::build(0, settings, Arc::new(PluginSet::default()), upstream, &live);
        let gateway = Arc::new(Self {
            config_path,
            engine,
            live,
            current: ArcSwap::from_pointee(empty),
            effective: ArcSwap::from_pointee(changes::Effective::of(text.into())),
            building: Mutex::new(reload::Seen::new(kept)),
            draining: AtomicBool::new(false),
            started: Instant::now(),
        });
        gateway
            .reload()
            .await
            .map_err(|error| StartError::Build(error.to_string()))?;
        Ok(gateway)
    }

    /// The generation that a request arriving now belongs to.
    pub fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// Where requests take their places.
    pub fn entrance(&self) -> &Arc<Gate> {
        &self.live.entrance
    }

    /// The latest decisions.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.live.journal
    }

    /// Resolves when the state of any account changes after this call.
    pub fn key_changed(&self) -> Notified<'_> {
        // One that is not polled yet is woken all the same.
        self.live.pool.journal.changed.notified()
    }

    /// From now on the gateway says that it is not ready; requests under way go on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Since it was started.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether requests should be sent here.
    pub fn is_ready(&self) -> bool {
        !self.draining.load(Ordering::Relaxed) && self.current.load().is_ready()
    }

    /// Reloads whenever the configuration or a plugin file changes, until the task is dropped.
    pub async fn watch(self: Arc<Self>) {
        watch::run(self).await;
    }

    /// The metrics, in the text format of Prometheus.
    pub fn metrics(&self) -> String {
        METRICS
            .in_flight
            .set(i64::try_from(self.live.pool.in_flight()).unwrap_or(i64::MAX));
        let entrance = &self.live.entrance;
        METRICS
            .requests_in_flight
            .set(i64::try_from(entrance.taken()).unwrap_or(i64::MAX));
        METRICS
            .requests_waiting
            .set(i64::try_from(entrance.waiting()).unwrap_or(i64::MAX));
        METRICS
            .instances
            .set(i64::try_from(self.engine.instances_in_use()).unwrap_or(i64::MAX));
        self.live.pool.measure();
        for plugin in self
            .current()
            .plugins
            .parts()
            .filter_map(|part| part.plugin.as_ref())
        {
            METRICS
                .plugins_slow
                .with_label_values(&[plugin.name()])
                .set(i64::from(plugin.is_slow()));
        }
        METRICS.render()
    }
}

/// A gateway that cannot write serves all the same; one whose file belongs to somebody else does not start.
fn open_storage(path: Option<&Path>) -> Result<Storage, StorageError> {
    let Some(path) = path else {
        return Ok(Storage::in_memory());
    };
    match Storage::open(path) {
        Err(error @ StorageError::Failed { .. }) => {
            tracing::error!(
                "{error}; until then the state of keys is lost at every restart, and \
                 nothing that was set at run time holds"
            );
            Ok(Storage::in_memory())
        }
        opened => opened,
    }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
