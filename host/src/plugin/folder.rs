//! The plugins folder: every `.wasm` file in it, each at its newest version that loads.
//!
//! Decides by content, never by time stamps. A file that does not load changes nothing but the report.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::engine::Engine;
use super::load::{LoadError, Plugin};
use super::{Adapter, StrategyPlugin};
use crate::config::Limits;

/// Where component files are, and how they are loaded.
#[derive(Debug)]
pub struct Folder {
    pub path: PathBuf,
    pub limits: Limits,
    pub engine: Engine,
}

/// One plugin file and what became of it.
#[derive(Debug)]
pub struct Part {
    pub name: String,
    /// SHA-256 of the newest content that was looked at, in hex.
    pub seen: String,
    /// What serves: the newest content that loaded.
    pub plugin: Option<Plugin>,
    /// Why the newest content does not serve.
    pub problem: Option<String>,
    /// The limits it was loaded under.
    limits: Limits,
}

/// All parts by name. Immutable; a scan makes the next one.
#[derive(Debug, Default)]
pub struct PluginSet {
    parts: BTreeMap<String, Arc<Part>>,
}

// === impl Folder ===

impl Folder {
    /// Reads the folder and loads what is new in it. A part whose file is gone stays while it is `named` in the
    /// configuration. Blocks for as long as compiling takes.
    pub fn scan(&self, before: &PluginSet, named: &BTreeSet<String>) -> std::io::Result<PluginSet> {
        let mut parts = BTreeMap::new();
        for path in component_files(&self.path)? {
            let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else {
                continue;
            };
            parts.insert(name.to_owned(), self.part(name, &path, before.parts.get(name)));
        }
        for (name, part) in &before.parts {
            if !parts.contains_key(name) && named.contains(name) && part.plugin.is_some() {
                let problem = "its file is gone; the configuration still names it, so it is kept";
                parts.insert(name.clone(), part.keep(String::new(), problem.to_owned()));
            }
        }
        Ok(PluginSet { parts })
    }

    fn part(&self, name: &str, path: &Path, before: Option<&Arc<Part>>) -> Arc<Part> {
        let bytes = match read_whole(path, self.limits.component) {
            Ok(bytes) => bytes,
            Err(error) => return self.failed(name, String::new(), &error, before),
        };
        let seen = format!("{:x}", Sha256::digest(&bytes));
        match before {
            Some(part) if part.seen == seen && part.limits == self.limits => return part.clone(),
            Some(_) | None => {}
        }
        match Plugin::load(&self.engine, name, &bytes, &self.limits) {
            Ok(plugin) => Arc::new(Part {
                name: name.to_owned(),
                seen,
                plugin: Some(plugin),
                problem: None,
                limits: self.limits.clone(),
            }),
            Err(error) => self.failed(name, seen, &error, before),
        }
    }

    fn failed(&self, name: &str, seen: String, error: &LoadError, before: Option<&Arc<Part>>) -> Arc<Part> {
        match before {
            Some(part) => part.keep(seen, error.to_string()),
            None => Arc::new(Part {
                name: name.to_owned(),
                seen,
                plugin: None,
                problem: Some(error.to_string()),
                limits: self.limits.clone(),
            }),
        }
    }
}

/// Reads at most `most` bytes and says so if there are more.
fn read_whole(path: &Path, most: usize) -> Result<Vec<u8>, LoadError> {
    let file = std::fs::File::open(path)?;
    let found = file.metadata()?.len();
    if found > most as u64 {
        return Err(LoadError::TooLarge { found, most });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found).unwrap_or(0));
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(LoadError::TooLarge {
            found: bytes.len() as u64,
            most,
        });
    }
    Ok(bytes)
}

/// In the order of their names. Hidden files are somebody's work in progress.
fn component_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|ending| ending == "wasm") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

// === impl Part ===

impl Part {
    /// The same plugin goes on serving, with a new report.
    fn keep(&self, seen: String, problem: String) -> Arc<Self> {
        Arc::new(Self {
            name: self.name.clone(),
            seen,
            plugin: self.plugin.clone(),
            problem: Some(problem),
            limits: self.limits.clone(),
        })
    }
}

// === impl PluginSet ===

impl PluginSet {
    pub fn parts(&self) -> impl Iterator<Item = &Arc<Part>> {
        self.parts.values()
    }

    pub fn get(&self, name: &str) -> Option<&Arc<Part>> {
        self.parts.get(name)
    }

    /// The adapter of this name, or what stands in the way.
    pub fn adapter(&self, name: &str) -> Result<&Arc<Adapter>, String> {
        match self.plugin(name)? {
            Plugin::Adapter(adapter) => Ok(adapter),
            Plugin::Strategy(_) => Err(format!("plugin {name} is a strategy, not an adapter")),
        }
    }

    /// The strategy of this name, or what stands in the way.
    pub fn strategy(&self, name: &str) -> Result<&Arc<StrategyPlugin>, String> {
        match self.plugin(name)? {
            Plugin::Strategy(strategy) => Ok(strategy),
            Plugin::Adapter(_) => Err(format!("plugin {name} is an adapter, not a strategy")),
        }
    }

    fn plugin(&self, name: &str) -> Result<&Plugin, String> {
        let part = self
            .parts
            .get(name)
            .ok_or_else(|| format!("there is no {name}.wasm in the plugins folder"))?;
        part.plugin.as_ref().ok_or_else(|| {
            format!(
                "plugin {name} does not load: {}",
                part.problem.as_deref().unwrap_or("unknown reason")
            )
        })
    }
}
