//! What the program uses: the configuration after every check, with nothing left to look up or to doubt.
//!
//! Built by `resolve` beside it only. Holds no live state and never the text of the file.

mod routing;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

pub use routing::{BUILT_IN, Chooses, Decisions, PublicModel, Recording, Rule, Strategy, Target};

use super::secret::Secret;
use crate::pool::{Bounds, Rules};

/// The whole configuration.
#[derive(Debug)]
pub struct Settings {
    pub server: Server,
    /// Who may call, in the order of the file.
    pub keys: Vec<CallerKey>,
    pub plugins: Plugins,
    pub storage: Storage,
    pub timeouts: Timeouts,
    pub failover: Failover,
    pub decisions: Decisions,
    /// What failures do to the keys they speak of.
    pub rules: Arc<Rules>,
    pub health: Health,
    pub vendors: BTreeMap<String, Vendor>,
    /// By public name.
    pub models: BTreeMap<String, PublicModel>,
    /// The public model for requests that name none.
    pub default_model: Option<String>,
}

#[derive(Debug)]
pub struct Server {
    pub listen: SocketAddr,
    /// Without one, everything under `/admin` answers 403.
    pub admin_key: Option<Secret>,
    /// Off only when the file says so, and then only on a loopback address.
    pub authentication: bool,
    /// Longest request body, in bytes (default 32 MiB).
    pub max_body: usize,
    /// How long requests under way may take to finish after a signal to stop (default 30 s).
    pub drain: Duration,
    /// A caller who waits for a stream gets an SSE comment after so long without a token, and again (default
    /// 10 s); `None` sends none.
    pub keep_alive: Option<Duration>,
    pub admission: Admission,
}

/// How many requests are served at once, and how many wait for their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Requests served at once (default 10,000).
    pub concurrency: usize,
    /// Requests that may wait, here and for candidates that are full (default 1,000). More are turned away.
    pub queue: usize,
    /// Longest wait (default 10 s).
    pub wait: Duration,
}

#[derive(Debug)]
pub struct CallerKey {
    pub name: String,
    pub key: Secret,
    /// The public models it may use; `None` is all of them.
    pub models: Option<Vec<String>>,
    /// The strategies a request may name, with what each is told.
    pub strategies: Vec<Strategy>,
    /// Of all its requests.
    pub tags: Vec<String>,
}

#[derive(Debug)]
pub struct Plugins {
    /// Absolute, or relative to the configuration file's folder (already joined).
    pub folder: PathBuf,
    /// Where compiled components are kept between starts; `None` keeps none.
    pub cache: Option<PathBuf>,
    /// Look at the files so often instead of waiting for the system to tell of changes.
    pub poll: Option<Duration>,
    /// Instances of all plugins in use at once (default 4,000). Takes effect at start.
    pub instances: u32,
    /// A guest's stack for WebAssembly's own calls, in bytes (default 512 KiB). Takes effect at start.
    pub stack: usize,
    pub rollback: Rollback,
    /// For plugins that are granted nothing.
    pub ungranted: Grants,
    /// By plugin name (its file name without `.wasm`).
    pub grants: BTreeMap<String, Grants>,
}

/// What [`Limits::memory`] can be, in bytes: address space for it is kept for each instance.
pub const LARGEST_MEMORY: usize = 1 << 30;
/// What [`Limits::table_elements`] can be: address space for it is kept for each table.
pub const LARGEST_TABLE: usize = 100_000;

/// Bounds on one plugin. Where not said otherwise on each of its instances, or on one call into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance, all memories together, in bytes (default 64 MiB, at most 1 GiB).
    pub memory: usize,
    /// Linear memories of one instance (default 8).
    pub memories: usize,
    /// Tables of one instance (default 16).
    pub tables: usize,
    /// Elements of one table (default 20,000, at most 100,000).
    pub table_elements: usize,
    /// Core modules instantiated inside one instance (default 64).
    pub core_instances: usize,
    /// Longest single call into a guest (default 250 ms): half of it by the clock, the rest in processor time.
    pub call: Duration,
    /// Bytes a guest may hand to the host in one call (default 64 MiB).
    pub host_data: usize,
    /// Resource handles a guest may hold at once (default 1,024; an exchange needs two).
    pub handles: usize,
    /// Bytes of log messages in one call (default 64 KiB).
    pub log: usize,
    /// Bytes of the names and values of a request's headers (default 32 KiB).
    pub headers: usize,
    /// Bytes of a request's body (default 32 MiB).
    pub body: usize,
    /// Chunks of an answer returned by one call (default 10,000).
    pub chunks: usize,
    /// Events of a reply handed over in one call (default 256). More wait for the next call.
    pub events: usize,
    /// Instances of the plugin in use at once (default 3,000).
    pub instances: u32,
    /// Threads the plugin may occupy at once when it is too slow for the threads that serve everybody (default 1).
    pub threads: u32,
    /// Size of the component's file, in bytes (default 64 MiB).
    pub component: usize,
}

/// What the operator lets one plugin do beyond computing, and how much it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// Hosts its requests may go to besides the configured base URLs: `name` or `name:port`, no wildcards.
    pub hosts: Vec<String>,
    /// Many exchanges in one instance: faster, and what one caller sent may still lie in memory when another one's
    /// exchange runs. For plugins that are trusted (default false).
    pub reuse: bool,
    /// Its calls may hold the threads that serve everybody, however long they take (default false).
    pub trusted: bool,
    pub limits: Arc<Limits>,
}

/// When a new version of a plugin is taken back for the one before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollback {
    /// So many traps ... (default 3; 0 is never)
    pub traps: u32,
    /// ... each within this time of the one before (default 60 s).
    pub within: Duration,
    /// Attempts over which failures are counted after a swap (default 50; 0 is never).
    pub attempts: u32,
    /// The share of failures that is too much (default 0.2) ...
    pub share: f64,
    /// ... if it is so many times what it was before the swap (default 3).
    pub times: f64,
}

#[derive(Debug)]
pub struct Storage {
    /// The database file, absolute or relative to the configuration file's folder (already joined); `None` keeps
    /// everything in memory. Takes effect at start.
    pub path: Option<PathBuf>,
    /// What credentials set at run time are encrypted with; without one, with a key in a file beside the database.
    /// Takes effect at start.
    pub key: Option<Secret>,
}

#[derive(Debug)]
pub struct Timeouts {
    /// Until a connection to a vendor stands, TLS included (default 5 s).
    pub connect: Duration,
    /// From sending a request until its reply begins. `None`: 60 s for streams and no bound for whole replies, which
    /// begin when they are complete.
    pub first_byte: Option<Duration>,
    /// Of one attempt, until the first token of its stream; `None` (the default) leaves it to `total`.
    pub first_token: Option<Duration>,
    /// Longest silence after that: time without a token of a stream, whatever else is sent, or without a byte of a
    /// whole reply that has begun (default 2 min).
    pub idle: Option<Duration>,
    /// One deadline over all attempts: for the whole reply, or for the first token of a stream (default 250 s).
    pub total: Duration,
    /// For the whole of a stream (default 30 min).
    pub stream: Duration,
}

/// How accounts are asked without a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether they are (default on): at times, when a recheck is due, and before a new key serves.
    pub probe: bool,
    /// Between two probes of an account that nothing is wrong with (default 5 min), less up to a tenth at random.
    pub interval: Duration,
    /// For one probe (default 10 s).
    pub timeout: Duration,
    /// Whether a new or changed key is probed before it serves (default on).
    pub verify: bool,
}

/// What follows a failed attempt.
#[derive(Debug, Clone)]
pub struct Failover {
    /// Attempts per request, each on a different candidate (default 3).
    pub attempts: u32,
    /// Before the same candidate is asked again (default 1 s), unless the vendor asks for more.
    pub retry_delay: Duration,
    /// Whether a candidate whose connection broke before any byte of the reply is asked again, once, when there is
    /// no other (default on).
    pub retry_reset: bool,
    /// The same for a reply that cannot be read, which the vendor has charged for (default off).
    pub retry_malformed: bool,
}

/// One vendor: an adapter, where it lives, and the accounts and models to be had there.
#[derive(Debug)]
pub struct Vendor {
    pub name: String,
    /// The adapter plugin's name (default: the vendor's own name).
    pub adapter: String,
    /// By endpoint name. `base_url = "..."` alone is stored under the empty name: the adapter's first endpoint.
    pub endpoints: BTreeMap<String, Url>,
    /// JSON object handed to the adapter, checked against its schema when the plugin is there.
    pub settings: String,
    pub accounts: Vec<Account>,
    pub models: Vec<Model>,
}

#[derive(Debug)]
pub struct Account {
    pub name: String,
    /// By credential field.
    pub credentials: Arc<BTreeMap<String, Secret>>,
    /// Default 1.0.
    pub weight: f64,
    /// Lower goes first (default 0).
    pub priority: i64,
    pub tags: Vec<String>,
    pub enabled: bool,
    /// Of all its models together.
    pub limits: Bounds,
}

#[derive(Debug)]
pub struct Model {
    /// The vendor's name for it.
    pub name: String,
    pub capabilities: Capabilities,
    /// In tokens; `None` is unknown and not checked.
    pub context_length: Option<u32>,
    /// In tokens.
    pub max_output_tokens: Option<u32>,
    /// Members set in a request that does not hold them, as JSON by name.
    pub parameters: BTreeMap<String, String>,
    pub price: Price,
    /// With each account; `concurrency` among them.
    pub limits: Bounds,
    /// Multiplied with the account's (default 1.0).
    pub weight: f64,
    /// Added to the account's (default 0).
    pub priority: i64,
    pub tags: Vec<String>,
    pub enabled: bool,
}

/// What a model can do. Without `capabilities` in the file: chat and streaming and tools and vision; a model
/// that only embeds must say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    pub chat: bool,
    pub streaming: bool,
    pub tools: bool,
    pub vision: bool,
    pub embeddings: bool,
}

/// US dollars per million tokens. `None` is unknown.
#[derive(Debug, Default, Clone, Copy)]
pub struct Price {
    pub input: Option<f64>,
    pub output: Option<f64>,
    pub cached_input: Option<f64>,
    pub cache_write: Option<f64>,
    pub reasoning: Option<f64>,
}

// === impl Account ===

impl Account {
    /// One that nobody has configured.
    pub fn unnamed(credentials: BTreeMap<String, Secret>) -> Self {
        Self {
            name: "unnamed".to_owned(),
            credentials: Arc::new(credentials),
            weight: 1.0,
            priority: 0,
            tags: Vec::new(),
            enabled: true,
            limits: Bounds::default(),
        }
    }
}

// === impl Plugins ===

impl Plugins {
    /// What the plugin of this name may do and use.
    pub fn grants_of(&self, plugin: &str) -> &Grants {
        self.grants.get(plugin).unwrap_or(&self.ungranted)
    }
}

// === impl Settings ===

impl Settings {
    /// Whether a vendor or a public model names this plugin.
    pub fn names(&self, plugin: &str) -> bool {
        self.settings_for(plugin).next().is_some()
    }

    /// The settings (JSON objects) that this plugin is given, with where they stand in the file.
    pub fn settings_for<'a>(&'a self, plugin: &'a str) -> impl Iterator<Item = (String, &'a str)> + 'a {
        let vendors = self
            .vendors
            .values()
            .filter(move |vendor| vendor.adapter == plugin);
        let vendors = vendors.map(|vendor| {
            let place = format!("vendors.{}.settings", vendor.name);
            (place, vendor.settings.as_str())
        });
        let models = self.models.values().flat_map(|model| {
            let roles = [("strategy", &model.strategy), ("shadow", &model.shadow)].into_iter();
            let place = |role| format!("the {role}'s settings of models.{}", model.name);
            roles.filter_map(move |(role, strategy)| Some((place(role), strategy.as_ref()?)))
        });
        let keys = self.keys.iter().flat_map(|key| {
            let place = |strategy: &Strategy| format!("{}'s settings of the key {}", strategy.name, key.name);
            key.strategies
                .iter()
                .map(move |strategy| (place(strategy), strategy))
        });
        let strategies = models
            .chain(keys)
            .filter(move |(_, strategy)| strategy.name == plugin);
        vendors.chain(strategies.map(|(place, strategy)| (place, strategy.settings.as_str())))
    }
}
