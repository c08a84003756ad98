//! Everything a start would find out, without starting: the configuration, the plugins it names, and whether the
//! two fit.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::config::{self, Problem, Settings};
use crate::generation::{Generation, Live};
use crate::plugin::{Engine, Folder, PluginSet};
use crate::route::Shadows;
use crate::storage::Storage;
use crate::upstream::Upstream;

/// What was found.
#[derive(Debug, Serialize)]
pub struct Checked {
    pub file: String,
    /// A gateway started with this would serve. Notices do not change that.
    pub ok: bool,
    pub problems: Vec<Problem>,
    /// Plugin files that do not load.
    pub plugins: Vec<String>,
    /// What the configuration wants and could not have now.
    pub notices: Vec<String>,
    /// Public models.
    pub models: usize,
}

// === impl Checked ===

impl Checked {
    /// There are warnings, plugins that do not load, or wishes that cannot be had.
    pub fn lacks_something(&self) -> bool {
        !(self.problems.is_empty() && self.plugins.is_empty() && self.notices.is_empty())
    }
}

/// Checks a configuration file.
pub fn check(file: &Path) -> Checked {
    let mut checked = Checked {
        file: file.display().to_string(),
        ok: false,
        problems: Vec::new(),
        plugins: Vec::new(),
        notices: Vec::new(),
        models: 0,
    };
    match config::load(file, &|name| std::env::var(name).ok()) {
        Err(problems) => checked.problems = problems.into_vec(),
        Ok(loaded) => {
            checked.ok = true;
            checked.problems = loaded.warnings;
            checked.models = loaded.settings.models.len();
            check_plugins(loaded.settings, &mut checked);
        }
    }
    checked
}

fn check_plugins(settings: Settings, checked: &mut Checked) {
    let settings = Arc::new(settings);
    let plugins = match scan(&settings) {
        Ok(plugins) => plugins,
        Err(problem) => {
            checked.notices.push(problem);
            return;
        }
    };
    let failed = plugins
        .parts()
        .filter_map(|part| Some(format!("plugin {}: {}", part.name, part.problem.as_ref()?)));
    checked.plugins = failed.collect();
    let upstream = Upstream::new(settings.timeouts.connect).map_err(|error| error.to_string());
    // Nothing is checked of what a running gateway keeps.
    let live = Live::new(Storage::in_memory(), Shadows::none()).map_err(|error| error.to_string());
    match upstream.and_then(|upstream| Ok((upstream, live?))) {
        Ok((upstream, live)) => {
            let generation = Generation::build(1, settings, Arc::new(plugins), upstream, &live);
            checked.notices = generation.notices;
        }
        Err(problem) => checked.notices.push(problem),
    }
}

fn scan(settings: &Arc<Settings>) -> Result<PluginSet, String> {
    let engine = Engine::new(&settings.plugins).map_err(|error| error.to_string())?;
    let folder = Folder {
        settings: settings.clone(),
        engine,
        serving: false,
    };
    let scanned = folder.scan(&PluginSet::default()).map_err(|error| {
        format!(
            "cannot read the plugins folder {}: {error}",
            settings.plugins.folder.display()
        )
    })?;
    Ok(scanned.plugins)
}
