//! The plugins folder: every `.wasm` file in it, each at its newest version that loads and behaves.
//!
//! Decides by content, never by time stamps. A file that does not load changes nothing but the report.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::engine::Engine;
use super::load::{LoadError, Plugin, Serves, Source};
use super::log::readable;
use super::part::Part;
use super::{Adapter, StrategyPlugin};
use crate::config::Settings;

/// A file that has changed must be the same after this time, or it is still being written.
pub const SETTLED: Duration = Duration::from_millis(50);
/// Plugins that nothing needs are loaded for so long, then those that were loaded are put to use first.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait for one component to be compiled, unless nothing serves yet.
const COMPILER_PATIENCE: Duration = Duration::from_secs(2);

/// Where component files are, and how they are loaded.
#[derive(Debug)]
pub struct Folder {
    pub settings: Arc<Settings>,
    pub engine: Engine,
    /// There is something that serves already, so nothing is worth a long wait.
    pub serving: bool,
}

/// All parts by name. Immutable; a scan makes the next one.
#[derive(Debug, Default)]
pub struct PluginSet {
    parts: BTreeMap<String, Arc<Part>>,
}

/// What a scan found.
#[derive(Debug)]
pub struct Scanned {
    pub plugins: PluginSet,
    /// Some files were still being written, or are yet to be loaded: scan again.
    pub unfinished: bool,
    /// Plugins whose newest content is being compiled; the engine's alarm rings when one of them is done.
    pub compiling: Vec<String>,
}

/// What became of a file that has changed.
enum Outcome {
    Settled(Box<Part>),
    /// It is being written.
    Unsettled,
    Compiling,
}

/// A file and the hash of what is in it, or why that is not known.
struct Found {
    name: String,
    path: PathBuf,
    content: Result<String, LoadError>,
}

// === impl Folder ===

impl Folder {
    /// Reads the folder and loads what is new in it. A part whose file is gone stays while the configuration names
    /// it. Blocks for as long as compiling takes.
    pub fn scan(&self, before: &PluginSet) -> std::io::Result<Scanned> {
        let files = self.look()?;
        let wanted: Vec<&str> = files
            .iter()
            .filter_map(|found| Some(found.content.as_ref().ok()?.as_str()))
            .collect();
        self.engine.compiler().forget_all_but(&wanted);
        let mut parts = BTreeMap::new();
        let mut changed = Vec::new();
        for found in files {
            match before
                .get(&found.name)
                .and_then(|part| self.unchanged(part, &found))
            {
                Some(part) => {
                    parts.insert(found.name, part);
                }
                None => changed.push(found),
            }
        }
        let mut scanned = Scanned {
            plugins: PluginSet { parts },
            unfinished: false,
            compiling: Vec::new(),
        };
        self.load(changed, before, &mut scanned);
        self.keep_named(before, &mut scanned.plugins.parts);
        Ok(scanned)
    }

    /// Every file, in the order of their names.
    fn look(&self) -> std::io::Result<Vec<Found>> {
        let found = component_files(&self.settings.plugins.folder)?.into_iter();
        let found = found.filter_map(|path| {
            let name = path.file_stem()?.to_str()?.to_owned();
            let content = self.read(&name, &path).map(|bytes| hash(&bytes));
            let gone = content.as_ref().is_err_and(LoadError::is_gone);
            (!gone).then_some(Found { name, path, content })
        });
        Ok(found.collect())
    }

    /// The part as it is, or as it is after a bad version was taken back; none if the file has to be loaded.
    fn unchanged(&self, part: &Arc<Part>, found: &Found) -> Option<Arc<Part>> {
        let same_terms = part.grants == *self.settings.plugins.grants_of(&part.name);
        match &found.content {
            // What was taken back is not tried again on other terms.
            Ok(content) if *content == part.seen && (same_terms || part.taken_back) => {
                Some(part.rolled_back().map_or_else(|| part.clone(), Arc::new))
            }
            Ok(_) => None,
            Err(error) => part
                .problem
                .as_ref()
                .filter(|known| **known == readable(&error.to_string()))
                .map(|_| part.clone()),
        }
    }

    /// Loads what has changed; first what the configuration names.
    fn load(&self, mut changed: Vec<Found>, before: &PluginSet, scanned: &mut Scanned) {
        if changed.is_empty() {
            return;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "on the thread that reloads, which has nothing else to do"
        )]
        thread::sleep(SETTLED);
        changed.sort_by_key(|found| !self.settings.names(&found.name));
        let began = Instant::now();
        for found in changed {
            let now = before.get(&found.name);
            let wait = began.elapsed() > PATIENCE && !self.settings.names(&found.name);
            let outcome = if wait {
                Outcome::Unsettled
            } else {
                self.part(&found, now)
            };
            let part = match outcome {
                Outcome::Settled(part) => Some(Arc::from(part)),
                Outcome::Unsettled => {
                    scanned.unfinished = true;
                    now.cloned()
                }
                Outcome::Compiling => {
                    scanned.compiling.push(found.name.clone());
                    let grants = self.settings.plugins.grants_of(&found.name);
                    let first = || Arc::new(Part::compiling(&found.name, grants));
                    Some(now.cloned().unwrap_or_else(first))
                }
            };
            if let Some(part) = part {
                scanned.plugins.parts.insert(found.name, part);
            }
        }
    }

    /// The part made of a file that has changed. One that is gone meanwhile counts as being written.
    fn part(&self, found: &Found, before: Option<&Arc<Part>>) -> Outcome {
        let grants = self.settings.plugins.grants_of(&found.name);
        let failed = |seen: &str, error: &LoadError| {
            Outcome::Settled(Box::new(Part::failed(
                &found.name,
                grants,
                seen,
                &error.to_string(),
                before,
            )))
        };
        let seen = match &found.content {
            Ok(content) => content,
            Err(error) => return failed("", error),
        };
        let bytes = match self.read(&found.name, &found.path) {
            Ok(bytes) => bytes,
            Err(error) if error.is_gone() => return Outcome::Unsettled,
            Err(error) => return failed("", &error),
        };
        if hash(&bytes) != *seen {
            return Outcome::Unsettled;
        }
        let source = Source {
            patience: self.serving.then_some(COMPILER_PATIENCE),
            ..Source::new(&found.name, &bytes, &self.settings.plugins)
        };
        match Plugin::load(&self.engine, source) {
            Ok(plugin) => Outcome::Settled(Box::new(self.taken_over(found, plugin, before))),
            Err(LoadError::Compiling) => Outcome::Compiling,
            Err(error) => failed(seen, &error),
        }
    }

    /// A version that loads takes over, unless one is running that fits the configuration better.
    fn taken_over(&self, found: &Found, plugin: Plugin, before: Option<&Arc<Part>>) -> Part {
        let grants = self.settings.plugins.grants_of(&found.name);
        let refused = self
            .settings
            .settings_for(&found.name)
            .find_map(|(place, settings)| Some((place, plugin.check_settings(settings).err()?)));
        match (refused, before.filter(|part| part.plugin.is_some())) {
            (Some((place, problem)), Some(before)) => {
                let problem = format!("{place}: {problem}; settings and plugin have to change together");
                Part::failed(&found.name, grants, &plugin.origin.sha256, &problem, Some(before))
            }
            // Without another version the candidates will say what they miss.
            _ => Part::serving(&found.name, grants, plugin, before),
        }
    }

    fn keep_named(&self, before: &PluginSet, parts: &mut BTreeMap<String, Arc<Part>>) {
        for (name, part) in &before.parts {
            if !parts.contains_key(name) && self.settings.names(name) && part.plugin.is_some() {
                let kept = match part.rolled_back() {
                    Some(back) => Arc::new(back),
                    None if part.seen.is_empty() => part.clone(),
                    None => Arc::new(part.without_file()),
                };
                parts.insert(name.clone(), kept);
            }
        }
    }

    fn read(&self, name: &str, path: &Path) -> Result<Vec<u8>, LoadError> {
        read_whole(path, self.settings.plugins.grants_of(name).limits.component)
    }
}

/// Reads at most `most` bytes and says so if there are more.
pub(super) fn read_whole(path: &Path, most: usize) -> Result<Vec<u8>, LoadError> {
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

/// SHA-256 in hex.
pub(super) fn hash(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
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
        match &self.plugin(name)?.serves {
            Serves::Adapter(adapter) => Ok(adapter),
            Serves::Strategy(_) => Err(format!("plugin {name} is a strategy, not an adapter")),
        }
    }

    /// The strategy of this name, or what stands in the way.
    pub fn strategy(&self, name: &str) -> Result<&Arc<StrategyPlugin>, String> {
        match &self.plugin(name)?.serves {
            Serves::Strategy(strategy) => Ok(strategy),
            Serves::Adapter(_) => Err(format!("plugin {name} is an adapter, not a strategy")),
        }
    }

    fn plugin(&self, name: &str) -> Result<&Plugin, String> {
        let part = self
            .parts
            .get(name)
            .ok_or_else(|| format!("there is no {name}.wasm in the plugins folder"))?;
        part.plugin.as_ref().ok_or_else(|| {
            if part.compiling {
                return format!("plugin {name} is being compiled");
            }
            format!(
                "plugin {name} does not load: {}",
                part.problem.as_deref().unwrap_or("unknown reason")
            )
        })
    }
}
