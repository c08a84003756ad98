//! One immutable picture of everything that can be reloaded: configuration, plugins, and the routes made of both.
//!
//! A request takes the current generation once and keeps it to its end. Live state is only pointed to.

mod build;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use build::SWITCHED_OFF;

use crate::config::{Settings, Strategy};
use crate::decision::Journal;
use crate::plugin::PluginSet;
use crate::pool::{Gate, Pool};
use crate::route::{Memories, Route, Shadows};
use crate::storage::{Storage, StorageError};
use crate::upstream::Upstream;

/// Stands for the default model in a request.
const DEFAULT: &str = "default";

/// What the gateway is, until the next reload.
#[derive(Debug)]
pub struct Generation {
    /// From 1.
    pub number: u64,
    pub settings: Arc<Settings>,
    pub plugins: Arc<PluginSet>,
    pub upstream: Upstream,
    routes: BTreeMap<String, Route>,
    /// What the configuration wants and cannot have now, in words for the operator.
    pub notices: Vec<String>,
}

/// What outlives every generation.
#[derive(Debug)]
pub struct Live {
    /// Where every request takes a place while it is served.
    pub entrance: Arc<Gate>,
    pub pool: Pool,
    pub memories: Memories,
    pub journal: Arc<Journal>,
    pub shadows: Shadows,
}

/// Who is asking.
#[derive(Debug)]
pub struct Caller {
    /// The key's name; empty where authentication is off.
    pub name: String,
    /// Of all its requests.
    pub tags: Vec<String>,
    models: Option<Vec<String>>,
    strategies: Vec<Strategy>,
}

// === impl Live ===

impl Live {
    /// # Errors
    ///
    /// What is kept of keys cannot be read.
    pub fn new(storage: Storage, shadows: Shadows) -> Result<Self, StorageError> {
        Ok(Self {
            entrance: Gate::new(usize::MAX),
            pool: Pool::new(storage)?,
            memories: Memories::default(),
            journal: Arc::default(),
            shadows,
        })
    }
}

// === impl Generation ===

impl Generation {
    pub fn route(&self, model: &str) -> Option<&Route> {
        self.routes.get(model)
    }

    /// Some clients cannot leave the model out: "default" is the default one, unless a model is called so.
    pub fn replace_default(&self, model: &mut String) {
        if let Some(default) = &self.settings.default_model
            && model == DEFAULT
            && self.route(DEFAULT).is_none()
        {
            model.clone_from(default);
        }
    }

    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.values()
    }

    /// Who presents this key. Looks at every key, so that the time taken tells nothing.
    pub fn authenticate(&self, key: Option<&[u8]>) -> Option<Caller> {
        if !self.settings.server.authentication {
            return Some(Caller {
                name: String::new(),
                tags: Vec::new(),
                models: None,
                strategies: Vec::new(),
            });
        }
        let presented = key?;
        let mut found = None;
        for known in &self.settings.keys {
            if known.key.matches(presented) {
                found = Some(known);
            }
        }
        found.map(|key| Caller {
            name: key.name.clone(),
            tags: key.tags.clone(),
            models: key.models.clone(),
            strategies: key.strategies.clone(),
        })
    }

    /// Frees what only the current generation needs.
    pub fn retire(&self) {
        self.routes.values().for_each(Route::retire);
    }

    /// Whether anybody can be served at all.
    pub fn is_ready(&self) -> bool {
        self.routes()
            .flat_map(|route| &route.candidates)
            .any(|candidate| candidate.is_available())
    }
}

// === impl Caller ===

impl Caller {
    pub fn may_use(&self, public_model: &str) -> bool {
        self.models
            .as_ref()
            .is_none_or(|models| models.iter().any(|model| model == public_model))
    }

    /// The strategy of this name, if its requests may name it.
    pub fn strategy(&self, name: &str) -> Option<&Strategy> {
        self.strategies.iter().find(|strategy| strategy.name == name)
    }

    /// The names of those that its requests may name.
    pub fn strategies(&self) -> impl Iterator<Item = &str> {
        self.strategies.iter().map(|strategy| strategy.name.as_str())
    }
}
