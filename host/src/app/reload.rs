//! From what stands on disk now to the next generation. The configuration is one part, taken whole or not at all;
//! each plugin is a part of its own. A bad part stays at its last good version and is reported.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::changes::{Effective, Kept};
use super::{Gateway, environment};
use crate::config::{self, Loaded, Problem, Problems, Settings};
use crate::generation::Generation;
use crate::plugin::{Folder, Plugin, PluginSet, SETTLED, Serves};
use crate::telemetry::{PartFailed, Swapped, TakenBack};
use crate::upstream::Upstream;

/// A reload is over after this time, though some files may still be changing; the next one looks at them again.
const LONGEST: Duration = Duration::from_secs(30);

/// What was seen last, so that the same fault is not reported again and again.
#[derive(Debug)]
pub(super) struct Seen {
    /// What was set at run time.
    pub(super) kept: Kept,
    /// SHA-256 of the configuration file.
    config: Option<[u8; 32]>,
    config_problem: Option<String>,
    folder_problem: Option<String>,
}

/// What came of looking at the configuration.
enum Look {
    Same,
    New(Box<Settings>, Box<Effective>),
    /// Somebody is writing it.
    Unfinished,
}

/// What a reload did.
#[derive(Debug, Clone, Serialize)]
pub struct Reloaded {
    /// The current generation's number.
    pub generation: u64,
    /// Something was new.
    pub changed: bool,
    /// Why the newest configuration is not in use.
    pub config_problem: Option<String>,
    /// Why the newest version of a plugin is not in use, by plugin.
    pub plugin_problems: Vec<(String, String)>,
    /// What the configuration wants and cannot have now.
    pub notices: Vec<String>,
    /// Some files are still being written, or are yet to be loaded.
    pub unfinished: bool,
    /// Plugins whose newest version is being compiled; it will serve as soon as it is.
    pub compiling: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error("cannot start a thread to build the next generation: {0}")]
    NoThread(#[from] std::io::Error),
    #[error("building the next generation was interrupted")]
    Interrupted(#[from] oneshot::error::RecvError),
}

/// The next settings and plugins, read off the request path.
struct Read {
    settings: Arc<Settings>,
    plugins: Arc<PluginSet>,
    upstream: Upstream,
    /// There if the configuration is new.
    effective: Option<Box<Effective>>,
    unfinished: bool,
    compiling: Vec<String>,
}

// === impl Gateway ===

impl Gateway {
    /// Looks at the disk and, if anything is new and good, swaps in the next generation.
    pub async fn reload(self: &Arc<Self>) -> Result<Reloaded, ReloadError> {
        let gateway = self.clone();
        let (report, reported) = oneshot::channel();
        // Reading and trying out block, and need memory for a short time: a thread of its own takes that memory with it
        // when it ends.
        thread::Builder::new()
            .name("reload".into())
            .spawn(move || report.send(gateway.reload_until_finished()))?;
        Ok(reported.await?)
    }

    /// Puts to use what is ready, again and again, until nothing is left to be loaded.
    fn reload_until_finished(&self) -> Reloaded {
        let began = Instant::now();
        let mut changed = false;
        loop {
            let mut reloaded = self.reload_blocking();
            changed |= reloaded.changed;
            // The first generation serves as soon as it has what it needs.
            let first = reloaded.generation == 1;
            if !reloaded.unfinished || first || began.elapsed() > LONGEST {
                reloaded.changed = changed;
                return reloaded;
            }
        }
    }

    fn reload_blocking(&self) -> Reloaded {
        let mut seen = self.building.blocking_lock();
        let before = self.current();
        let read = self.read(&before, &mut seen);
        let plugins_changed = !same_parts(&before.plugins, &read.plugins);
        report_parts(&before.plugins, &read.plugins);
        self.undo_what_was_taken_back(&before.plugins, &read.plugins);
        let changed = before.number == 0 || read.effective.is_some() || plugins_changed;
        let (unfinished, compiling) = (read.unfinished, read.compiling);
        if changed {
            let number = before.number + 1;
            let next = Generation::build(number, read.settings, read.plugins, read.upstream, &self.live);
            let effective = read
                .effective
                .map_or_else(|| self.effective.load_full(), Arc::from);
            self.put_in_place(&before, next, effective);
        }
        Reloaded {
            unfinished,
            compiling,
            ..self.report(&seen, changed)
        }
    }

    /// From here on every request gets the `next` generation.
    pub(super) fn put_in_place(
        &self,
        before: &Generation,
        mut next: Generation,
        effective: impl Into<Arc<Effective>>,
    ) -> Arc<Generation> {
        let effective = effective.into();
        next.notices.extend(effective.notices());
        let next = Arc::new(next);
        self.effective.store(effective);
        self.current.store(next.clone());
        self.live
            .entrance
            .resize(next.settings.server.admission.concurrency);
        before.retire();
        self.live.journal.configure(&next.settings.decisions);
        // Those who probe look at what there is now.
        self.live.pool.journal.changed.notify_waiters();
        rest_replaced(&before.plugins, &next.plugins);
        Swapped { before, now: &next }.emit();
        next
    }

    /// What a version that is taken back has said of accounts is not believed any more.
    fn undo_what_was_taken_back(&self, before: &PluginSet, now: &PluginSet) {
        let taken_back = now.parts().filter(|part| part.taken_back);
        let replaced = taken_back.filter_map(|part| {
            let was = before.get(&part.name)?.plugin.as_ref()?;
            let still = part.plugin.as_ref().is_some_and(|plugin| plugin.is(was));
            (!still).then_some(was)
        });
        for plugin in replaced {
            if let Serves::Adapter(adapter) = &plugin.serves {
                self.live.pool.undo(adapter.number());
            }
        }
    }

    fn read(&self, before: &Generation, seen: &mut Seen) -> Read {
        let (settings, effective, config_unfinished) = match self.read_config(before, seen) {
            Look::New(settings, effective) => (Arc::from(settings), Some(effective), false),
            Look::Same => (before.settings.clone(), None, false),
            Look::Unfinished => (before.settings.clone(), None, true),
        };
        let upstream = if settings.timeouts.connect == before.settings.timeouts.connect {
            before.upstream.clone()
        } else {
            Upstream::new(settings.timeouts.connect).unwrap_or_else(|_| before.upstream.clone())
        };
        let folder = Folder {
            settings: settings.clone(),
            engine: self.engine.clone(),
            serving: before.number > 0,
        };
        let (plugins, unfinished, compiling) = match folder.scan(&before.plugins) {
            Ok(scanned) => {
                seen.folder_problem = None;
                (Arc::new(scanned.plugins), scanned.unfinished, scanned.compiling)
            }
            Err(error) => {
                let problem = format!(
                    "cannot read the plugins folder {}: {error}",
                    settings.plugins.folder.display()
                );
                seen.folder_fails(problem);
                (before.plugins.clone(), false, Vec::new())
            }
        };
        Read {
            settings,
            plugins,
            upstream,
            effective,
            unfinished: unfinished || config_unfinished,
            compiling,
        }
    }

    /// The settings, if the file is new and right.
    fn read_config(&self, before: &Generation, seen: &mut Seen) -> Look {
        let hash = self.hash_config();
        if before.number > 0 {
            if seen.config == Some(hash) {
                return Look::Same;
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "on the thread that reloads, which has nothing else to do"
            )]
            thread::sleep(SETTLED);
            if self.hash_config() != hash {
                return Look::Unfinished;
            }
        }
        seen.config = Some(hash);
        match self.load(&seen.kept) {
            Ok((loaded, effective)) => {
                seen.config_problem = None;
                report_warnings(&loaded.warnings);
                report_restart(&before.settings, &loaded.settings);
                Look::New(Box::new(loaded.settings), Box::new(effective))
            }
            Err(problems) => {
                let problem = problems.to_string();
                PartFailed {
                    part: "configuration",
                    problem: &problem,
                }
                .emit();
                seen.config_problem = Some(problem);
                Look::Same
            }
        }
    }

    /// The file with what was set at run time laid over it.
    fn load(&self, kept: &Kept) -> Result<(Loaded, Effective), Problems> {
        let text = config::read(&self.config_path)?;
        let laid = config::lay(&text, &self.config_path, &environment, kept.changes())?;
        let effective = kept.beside(text.into(), laid.aside, &laid.loaded.warnings);
        Ok((laid.loaded, effective))
    }

    fn hash_config(&self) -> [u8; 32] {
        Sha256::digest(std::fs::read(&self.config_path).unwrap_or_default()).into()
    }

    fn report(&self, seen: &Seen, changed: bool) -> Reloaded {
        let now = self.current();
        let failed = now
            .plugins
            .parts()
            .filter(|part| !part.compiling)
            .filter_map(|part| Some((part.name.clone(), part.problem.clone()?)));
        Reloaded {
            generation: now.number,
            changed,
            config_problem: seen.config_problem.clone(),
            plugin_problems: failed.collect(),
            notices: now.notices.clone(),
            unfinished: false,
            compiling: Vec::new(),
        }
    }
}

// === impl Seen ===

impl Seen {
    pub(super) fn new(kept: Kept) -> Self {
        Self {
            kept,
            config: None,
            config_problem: None,
            folder_problem: None,
        }
    }

    /// Told once, however often the folder is looked at.
    fn folder_fails(&mut self, problem: String) {
        if self.folder_problem.as_ref() != Some(&problem) {
            PartFailed {
                part: "plugins.folder",
                problem: &problem,
            }
            .emit();
            self.folder_problem = Some(problem);
        }
    }
}

fn report_warnings(warnings: &[Problem]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// What cannot change while the process runs.
fn report_restart(before: &Settings, now: &Settings) {
    let (plugins, was) = (&now.plugins, &before.plugins);
    let key = |settings: &Settings| settings.storage.key.as_ref().map(|key| key.expose().to_owned());
    let fixed = [
        ("server.listen", before.server.listen != now.server.listen),
        ("plugins.instances", was.instances != plugins.instances),
        ("plugins.stack", was.stack != plugins.stack),
        ("plugins.cache", was.cache != plugins.cache),
        ("storage.path", before.storage.path != now.storage.path),
        ("storage.key", key(before) != key(now)),
    ];
    for (setting, _) in fixed.iter().filter(|(_, changed)| *changed) {
        tracing::warn!("{setting} has changed; it takes effect at the next start");
    }
}

fn same_parts(one: &PluginSet, other: &PluginSet) -> bool {
    one.parts().count() == other.parts().count()
        && std::iter::zip(one.parts(), other.parts()).all(|(a, b)| Arc::ptr_eq(a, b))
}

/// Each new problem of a plugin once.
fn report_parts(before: &PluginSet, now: &PluginSet) {
    for part in now.parts() {
        let known = before
            .get(&part.name)
            .is_some_and(|known| Arc::ptr_eq(known, part));
        match (&part.problem, known || part.compiling) {
            (Some(problem), false) if part.taken_back => TakenBack {
                plugin: &part.name,
                problem,
            }
            .emit(),
            (Some(problem), false) => PartFailed {
                part: &part.name,
                problem,
            }
            .emit(),
            (None, _) | (_, true) => {}
        }
    }
}

/// Versions that no longer serve need nothing ready any more.
fn rest_replaced(before: &PluginSet, now: &PluginSet) {
    let serves = |plugin: &Plugin| {
        let part = now
            .parts()
            .find_map(|part| part.plugin.as_ref().filter(|now| now.is(plugin)));
        part.is_some()
    };
    before
        .parts()
        .filter_map(|part| part.plugin.as_ref())
        .filter(|plugin| !serves(plugin))
        .for_each(Plugin::rest);
}
