//! How requests are routed: public models with their targets, rules and strategies, and what is kept of decisions.

use std::path::PathBuf;

/// A name that callers use, and what can serve it.
#[derive(Debug)]
pub struct PublicModel {
    pub name: String,
    /// In the order of the file; the built-in order keeps it.
    pub targets: Vec<Target>,
    /// `None` is the built-in order.
    pub strategy: Option<Strategy>,
    /// Decides beside it, without effect.
    pub shadow: Option<Strategy>,
    /// The first that fits a request chooses among the targets.
    pub rules: Vec<Rule>,
}

/// What stands for the host's own order where a strategy is named.
pub const BUILT_IN: &str = "built-in";

/// A strategy and what it is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strategy {
    /// The plugin's name.
    pub name: String,
    /// A JSON object.
    pub settings: String,
}

/// Chooses among the targets of a public model by what a request is like.
#[derive(Debug, Clone)]
pub struct Rule {
    /// All of these the request must have.
    pub tags: Vec<String>,
    /// Names of callers' keys; empty is everybody.
    pub callers: Vec<String>,
    /// Of the request, by estimate.
    pub least_input: Option<u32>,
    /// Of the request, by estimate.
    pub most_input: Option<u32>,
    pub tools: Option<bool>,
    pub images: Option<bool>,
    pub chooses: Chooses,
    pub targets: Vec<Target>,
}

/// What becomes of the other targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chooses {
    /// They are not asked.
    Only,
    /// They are asked after these.
    First,
}

/// One model at one vendor, with all of its accounts or some.
#[derive(Debug, Clone)]
pub struct Target {
    /// Key of [`super::Settings::vendors`].
    pub vendor: String,
    /// Index into the vendor's models.
    pub model: usize,
    /// Indices into the vendor's accounts.
    pub accounts: Vec<usize>,
}

/// What is kept of decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decisions {
    /// So many in memory, to be explained (default 1,000).
    pub keep: usize,
    /// Where they are written, to be replayed; `None` (the default) is nowhere.
    pub record: Option<Recording>,
}

/// A file of decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Absolute, or relative to the configuration file's folder (already joined).
    pub path: PathBuf,
    /// Nothing is added once it has so many bytes (default 1 GiB).
    pub most: u64,
}
