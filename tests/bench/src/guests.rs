//! Components loaded as the gateway loads them, and calls as its pipeline makes them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use patchbay::chat::Operation;
use patchbay::config::{self, Settings};
use patchbay::plugin::{
    Adapter, Call, Engine, Exchange, Folder, Payload, PluginSet, Progress, StrategyPlugin, Target,
};

use crate::ranking::Ranking;

/// The components of the benchmarks.
#[derive(Debug)]
pub struct Guests {
    /// Passes requests and replies through.
    pub canonical: Vendor,
    /// The same, with exchanges that share an instance.
    pub trusted: Vendor,
    /// Rewrites them.
    pub translating: Vendor,
    round_robin: Arc<StrategyPlugin>,
}

/// An adapter with an account and a model.
#[derive(Debug)]
pub struct Vendor {
    adapter: Arc<Adapter>,
    target: Arc<Target>,
}

const CONFIGURATION: &str = r#"
    [plugins]
    folder = "@folder@"
    cache = "off"
    grants.openai.reuse = @reuse@
    [[keys]]
    name = "bench"
    key = "bench-caller"
    [vendors.openai]
    base_url = "http://127.0.0.1:9/v1"
    api_key = "key"
    models = ["model"]
    [vendors.translating]
    base_url = "http://127.0.0.1:9/v1"
    api_key = "key"
    models = ["model"]
"#;

/// An arbitrary day, Unix time in milliseconds.
pub(crate) const NOW: u64 = 1_700_000_000_000;

// === impl Guests ===

impl Guests {
    /// Loads from `plugins`, where the shipped components are, and `bench_plugins`, where those for benchmarks are.
    pub fn load(plugins: &Path, bench_plugins: &Path) -> Result<Self> {
        let engine = Engine::new(&settings(plugins, false)?.plugins)?;
        let shipped = scan(&engine, settings(plugins, false)?)?;
        let trusted = scan(&engine, settings(plugins, true)?)?;
        let own = scan(&engine, settings(bench_plugins, false)?)?;
        Ok(Self {
            canonical: Vendor::new(&shipped, "openai")?,
            trusted: Vendor::new(&trusted, "openai")?,
            translating: Vendor::new(&own, "translating")?,
            round_robin: shipped
                .plugins
                .strategy("round-robin")
                .map_err(|why| anyhow!(why))?
                .clone(),
        })
    }

    /// `round-robin` for a pool of so many candidates.
    pub fn ranking(&self, candidates: u32) -> Result<Ranking> {
        Ranking::new(&self.round_robin, candidates)
    }
}

/// What was loaded from one folder, and the settings it was loaded under.
struct Loaded {
    plugins: PluginSet,
    settings: Arc<Settings>,
}

fn settings(folder: &Path, reuse: bool) -> Result<Arc<Settings>> {
    let folder = folder.to_str().context("a folder whose name is not UTF-8")?;
    let text = CONFIGURATION
        .replace("@folder@", folder)
        .replace("@reuse@", &reuse.to_string());
    let loaded = config::parse(&text, Path::new("bench.toml"), &|_| None)?;
    Ok(Arc::new(loaded.settings))
}

fn scan(engine: &Engine, settings: Arc<Settings>) -> Result<Loaded> {
    let folder = Folder {
        settings: settings.clone(),
        engine: engine.clone(),
        serving: false,
    };
    let scanned = folder
        .scan(&PluginSet::default())
        .context("cannot read the plugins")?;
    Ok(Loaded {
        plugins: scanned.plugins,
        settings,
    })
}

// === impl Vendor ===

impl Vendor {
    fn new(loaded: &Loaded, name: &str) -> Result<Self> {
        let Loaded { plugins, settings } = loaded;
        let adapter = plugins.adapter(name).map_err(|why| anyhow!(why))?;
        let vendor = settings.vendors.get(name).context("no such vendor")?;
        let account = vendor.accounts.first().context("a vendor without accounts")?;
        let model = vendor.models.first().context("a vendor without models")?;
        let target = Target::new(adapter, settings.plugins.grants_of(name), vendor, account, model)?;
        Ok(Self {
            adapter: adapter.clone(),
            target: Arc::new(target),
        })
    }

    /// Starts an exchange about a whole chat, in an instance of its own.
    pub async fn start(&self, payload: Bytes) -> Result<(Exchange, Progress)> {
        let call = Call {
            operation: Operation::Chat.as_str(),
            model: "model".to_owned(),
            streaming: false,
            request_id: "req_0123456789abcdef0123456789abcdef".to_owned(),
            attempt: 1,
            now: NOW,
            deadline: NOW + 250_000,
            entropy: 42,
        };
        Ok(self
            .adapter
            .start(&call, &self.target, Arc::new(Payload::new(payload)))
            .await?)
    }
}
