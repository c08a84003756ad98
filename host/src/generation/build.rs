//! Puts configuration and plugins together. What does not fit makes its candidates unavailable, with the reason,
//! and stands in nobody else's way.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Generation, Live};
use crate::config::{Account, Model, PublicModel, Secret, Settings, Target as ConfiguredTarget, Vendor};
use crate::plugin::{PluginSet, Target};
use crate::pool::{CandidateKey, Terms, number_of};
use crate::route::{Candidate, Ranker, Route, Way};
use crate::upstream::Upstream;

/// How the notice ends about what the configuration itself has taken out of service.
pub const SWITCHED_OFF: &str = "switched off by enabled = false";

/// A configuration and what there is to serve it with.
struct Parts<'a> {
    settings: &'a Settings,
    plugins: &'a PluginSet,
    live: &'a Live,
}

// === impl Generation ===

impl Generation {
    /// Never fails: a gateway that can serve some is better than one that serves none.
    pub fn build(
        number: u64,
        settings: Arc<Settings>,
        plugins: Arc<PluginSet>,
        upstream: Upstream,
        live: &Live,
    ) -> Self {
        let parts = Parts {
            settings: &settings,
            plugins: &plugins,
            live,
        };
        let routes: BTreeMap<String, Route> = settings
            .models
            .values()
            .map(|model| (model.name.clone(), parts.route(model)))
            .collect();
        let mut notices: Vec<String> = routes.values().flat_map(notices).collect();
        notices.sort();
        notices.dedup();
        Self {
            number,
            settings,
            plugins,
            upstream,
            routes,
            notices,
        }
    }
}

fn notices(route: &Route) -> Vec<String> {
    let strategy = route
        .missing
        .iter()
        .map(|why| format!("models.{}: {why}; using the built-in order", route.name));
    let candidates = route
        .candidates
        .iter()
        .filter_map(|candidate| candidate.unavailable.clone());
    strategy.chain(candidates).collect()
}

// === impl Parts ===

impl Parts<'_> {
    fn route(&self, model: &PublicModel) -> Route {
        let candidates: Vec<Arc<Candidate>> = model
            .targets
            .iter()
            .flat_map(|target| self.candidates(target))
            .collect();
        let ranker = model.strategy.as_ref().map(|name| {
            let plugin = self.plugins.strategy(name)?;
            Ranker::new(plugin.clone(), &model.strategy_settings, &candidates)
                .map_err(|error| format!("strategy {name}: {error}"))
        });
        let (ranker, missing) = match ranker {
            None => (None, None),
            Some(Ok(ranker)) => (Some(Arc::new(ranker)), None),
            Some(Err(why)) => (None, Some(why)),
        };
        let strategy = model.strategy.as_deref().unwrap_or_default();
        let memory = self.live.memories.of(&model.name, strategy);
        Route {
            name: model.name.clone(),
            candidates,
            ranker,
            missing,
            memory,
        }
    }

    fn candidates(&self, target: &ConfiguredTarget) -> Vec<Arc<Candidate>> {
        let Some(vendor) = self.settings.vendors.get(&target.vendor) else {
            return Vec::new();
        };
        let Some(model) = vendor.models.get(target.model) else {
            return Vec::new();
        };
        let accounts = target
            .accounts
            .iter()
            .filter_map(|index| vendor.accounts.get(*index));
        accounts
            .map(|account| Arc::new(self.candidate(vendor, account, model)))
            .collect()
    }

    fn candidate(&self, vendor: &Vendor, account: &Account, model: &Model) -> Candidate {
        let key = CandidateKey {
            vendor: vendor.name.clone(),
            account: account.name.clone(),
            model: model.name.clone(),
        };
        let (way, unavailable) = match self.way(vendor, account, model) {
            Ok(way) => (Some(way), None),
            Err(why) => (None, Some(why)),
        };
        let state = self.live.pool.state(&key, &self.settings.rules);
        let health = &self.settings.health;
        let fingerprint = fingerprint(&account.credentials);
        state.configure(Terms {
            rules: &self.settings.rules,
            fingerprint: way.is_some().then_some(&fingerprint),
            account_enabled: account.enabled,
            model_enabled: model.enabled,
            verify: health.probe && health.verify && way.as_ref().is_some_and(Way::can_be_probed),
        });
        state.allowed().configure(&account.limits, &model.limits);
        Candidate {
            vendor: vendor.name.clone(),
            account: account.name.clone(),
            model: model.name.clone(),
            tags: account.tags.iter().chain(&model.tags).cloned().collect(),
            capabilities: model.capabilities,
            context_length: model.context_length,
            max_output_tokens: model.max_output_tokens,
            parameters: model.parameters.clone(),
            price: model.price,
            weight: account.weight * model.weight,
            priority: account.priority.saturating_add(model.priority),
            credentials: account.credentials.clone(),
            fingerprint: number_of(&fingerprint),
            way,
            unavailable,
            state,
        }
    }

    fn way(&self, vendor: &Vendor, account: &Account, model: &Model) -> Result<Way, String> {
        let path = format!("vendors.{}", vendor.name);
        if !account.enabled {
            return Err(format!("{path}.accounts.{}: {SWITCHED_OFF}", account.name));
        }
        if !model.enabled {
            return Err(format!("{path}.models.{}: {SWITCHED_OFF}", model.name));
        }
        let adapter = self
            .plugins
            .adapter(&vendor.adapter)
            .map_err(|why| format!("{path}: {why}"))?;
        let grants = self.settings.plugins.grants_of(&vendor.adapter);
        let target =
            Target::new(adapter, grants, vendor, account, model).map_err(|error| error.to_string())?;
        Ok(Way {
            adapter: adapter.clone(),
            target: Arc::new(target),
        })
    }
}

/// Tells credentials apart without telling anything of them: half of a SHA-256 over all fields.
fn fingerprint(credentials: &BTreeMap<String, Secret>) -> String {
    let mut hash = Sha256::new();
    for (field, secret) in credentials {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field);
        hash.update((secret.expose().len() as u64).to_le_bytes());
        hash.update(secret.expose());
    }
    let half = &hash.finalize()[..16];
    half.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
