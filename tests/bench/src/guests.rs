//! Components loaded as the gateway loads them, and calls as its pipeline makes them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use patchbay::chat::Operation;
use patchbay::config::{self, Grants, Limits, Settings};
use patchbay::plugin::{
    Adapter, Call, Engine, Exchange, Folder, PluginSet, PoolMember, Progress, StrategyInstance,
    StrategyPlugin, Target, Turn,
};

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

/// A strategy with a pool, in an instance that is used again and again.
#[derive(Debug)]
pub struct Ranking {
    instance: StrategyInstance,
    candidates: Vec<u32>,
    facts: Vec<f64>,
    sequence: u64,
}

const CONFIGURATION: &str = r#"
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
const NOW: u64 = 1_700_000_000_000;

// === impl Guests ===

impl Guests {
    /// Loads from `plugins`, where the shipped components are, and `bench_plugins`, where those for benchmarks are.
    pub fn load(plugins: &Path, bench_plugins: &Path) -> Result<Self> {
        let loaded = config::parse(CONFIGURATION, Path::new("bench.toml"), &|_| None)?;
        let settings = loaded.settings;
        let limits = &settings.plugins.limits;
        let engine = Engine::new(limits)?;
        let shipped = scan(&engine, plugins, limits)?;
        let own = scan(&engine, bench_plugins, limits)?;
        Ok(Self {
            canonical: Vendor::new(&shipped, "openai", &settings, false)?,
            trusted: Vendor::new(&shipped, "openai", &settings, true)?,
            translating: Vendor::new(&own, "translating", &settings, false)?,
            round_robin: shipped
                .strategy("round-robin")
                .map_err(|why| anyhow!(why))?
                .clone(),
        })
    }

    /// `round-robin` for a pool of so many candidates.
    pub fn ranking(&self, candidates: u32) -> Result<Ranking> {
        let member = |index: u32| PoolMember {
            vendor: format!("vendor-{}", index % 6),
            account: format!("account-{index}"),
            model: "model".to_owned(),
            tags: Vec::new(),
        };
        let pool: Vec<PoolMember> = (0..candidates).map(member).collect();
        Ok(Ranking {
            instance: self.round_robin.instance("{}", &pool)?,
            candidates: (0..candidates).collect(),
            facts: vec![1.0; candidates as usize * self.round_robin.facts().len()],
            sequence: 0,
        })
    }
}

fn scan(engine: &Engine, path: &Path, limits: &Limits) -> Result<PluginSet> {
    let folder = Folder {
        path: path.to_owned(),
        limits: limits.clone(),
        engine: engine.clone(),
    };
    folder
        .scan(&PluginSet::default(), &BTreeSet::new())
        .with_context(|| format!("cannot read the plugins in {}", path.display()))
}

// === impl Vendor ===

impl Vendor {
    fn new(plugins: &PluginSet, name: &str, settings: &Settings, reuse: bool) -> Result<Self> {
        let adapter = plugins.adapter(name).map_err(|why| anyhow!(why))?;
        let vendor = settings.vendors.get(name).context("no such vendor")?;
        let account = vendor.accounts.first().context("a vendor without accounts")?;
        let model = vendor.models.first().context("a vendor without models")?;
        let grants = Grants {
            reuse,
            ..Grants::default()
        };
        let target = Target::new(adapter, &grants, vendor, account, model)?;
        Ok(Self {
            adapter: adapter.clone(),
            target: Arc::new(target),
        })
    }

    /// Starts an exchange about a whole chat, in an instance of its own.
    pub async fn start(&self, payload: Bytes) -> Result<(Exchange, Progress)> {
        let call = Call {
            operation: Operation::Chat,
            model: "model".to_owned(),
            streaming: false,
            request_id: "req_0123456789abcdef0123456789abcdef".to_owned(),
            attempt: 1,
            now: NOW,
            deadline: NOW + 250_000,
            entropy: 42,
        };
        Ok(self.adapter.start(&call, &self.target, payload).await?)
    }
}

// === impl Ranking ===

impl Ranking {
    /// Ranks all candidates; returns the best.
    pub fn rank(&mut self) -> Result<u32> {
        self.sequence += 1;
        let turn = Turn {
            operation: Operation::Chat,
            model: "model",
            caller: "bench",
            streaming: false,
            input_tokens: 250,
            sequence: self.sequence,
            entropy: 42,
            now: NOW,
            deadline: NOW + 250_000,
        };
        let ranked = self.instance.rank(&turn, &self.candidates, &self.facts, &[])?;
        ranked.order.first().copied().context("nobody was ranked")
    }
}
