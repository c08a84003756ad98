//! Puts configuration and plugins together. What does not fit makes its candidates unavailable, with the reason,
//! and stands in nobody else's way.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Generation, Live};
use crate::config::{
    self, Account, BUILT_IN, CallerKey, Model, PublicModel, Secret, Settings, Strategy,
    Target as ConfiguredTarget, Vendor,
};
use crate::decision::{self, Decider};
use crate::plugin::{PluginSet, Role, Target};
use crate::pool::{CandidateKey, Terms, number_of};
use crate::route::{Candidate, Decides, FACTS, InShadow, Ranker, Route, Rule, Way};
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
    let candidates = route
        .candidates
        .iter()
        .filter_map(|candidate| candidate.unavailable.clone());
    route.missing().chain(candidates).collect()
}

// === impl Parts ===

impl Parts<'_> {
    fn route(&self, model: &PublicModel) -> Route {
        let targets = model.targets.iter().flat_map(|target| self.candidates(target));
        let candidates: Vec<Arc<Candidate>> = targets
            .zip(0u32..)
            .map(|((vendor, account, model), place)| Arc::new(self.candidate(vendor, account, model, place)))
            .collect();
        let decides = |strategy: &Strategy, role| self.decides(model, strategy, &candidates, role);
        let deciders: Vec<Decides> = self
            .strategies(model)
            .map(|strategy| decides(strategy, Role::Live))
            .collect();
        let shadow = model.shadow.as_ref().map(|strategy| {
            let decides = decides(strategy, Role::Shadow);
            Arc::new(InShadow::new(decides, deciders.len(), self.live.shadows.clone()))
        });
        let known = deciders
            .iter()
            .chain(shadow.as_ref().map(|shadow| &shadow.decides));
        let pool = decision::Pool {
            number: self.live.journal.pool_number(),
            model: model.name.clone(),
            candidates: candidates.iter().map(|candidate| candidate.member()).collect(),
            facts: FACTS,
            deciders: known.map(decider).collect(),
        };
        Route {
            name: model.name.clone(),
            rules: model
                .rules
                .iter()
                .map(|rule| self.rule(rule, &candidates))
                .collect(),
            has_strategy: model.strategy.is_some(),
            memory: self.live.memories.of(&model.name, "", Role::Live),
            pool: Arc::new(pool),
            journal: self.live.journal.clone(),
            candidates,
            deciders,
            shadow,
        }
    }

    /// The model's own strategy, and those that requests for it may name, each once.
    fn strategies<'a>(&'a self, model: &'a PublicModel) -> impl Iterator<Item = &'a Strategy> {
        let may_use = |key: &&CallerKey| {
            key.models
                .as_ref()
                .is_none_or(|models| models.contains(&model.name))
        };
        let keys = self.settings.keys.iter().filter(may_use);
        let mut named: Vec<&Strategy> = keys
            .flat_map(|key| &key.strategies)
            .filter(|strategy| strategy.name != BUILT_IN && Some(*strategy) != model.strategy.as_ref())
            .collect();
        named.sort();
        named.dedup();
        model.strategy.iter().chain(named)
    }

    fn decides(
        &self,
        model: &PublicModel,
        strategy: &Strategy,
        candidates: &[Arc<Candidate>],
        role: Role,
    ) -> Decides {
        let ranker = self.plugins.strategy(&strategy.name).and_then(|plugin| {
            Ranker::new(plugin.clone(), &strategy.settings, candidates, role)
                .map_err(|error| format!("strategy {}: {error}", strategy.name))
        });
        Decides {
            strategy: strategy.clone(),
            ranker: ranker.map(Arc::new),
            memory: self.live.memories.of(&model.name, &strategy.name, role),
        }
    }

    /// Which candidates a rule chooses.
    fn rule(&self, rule: &config::Rule, candidates: &[Arc<Candidate>]) -> Rule {
        let chosen: Vec<_> = rule
            .targets
            .iter()
            .flat_map(|target| self.candidates(target))
            .collect();
        let is_chosen = |candidate: &Arc<Candidate>| {
            chosen.iter().any(|(vendor, account, model)| {
                candidate.vendor == vendor.name
                    && candidate.account == account.name
                    && candidate.model == model.name
            })
        };
        Rule::new(rule.clone(), candidates.iter().map(is_chosen).collect())
    }

    fn candidates(&self, target: &ConfiguredTarget) -> Vec<(&Vendor, &Account, &Model)> {
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
        accounts.map(|account| (vendor, account, model)).collect()
    }

    fn candidate(&self, vendor: &Vendor, account: &Account, model: &Model, place: u32) -> Candidate {
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
            place,
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

fn decider(decides: &Decides) -> Decider {
    Decider {
        strategy: decides.strategy.name.clone(),
        identity: decides.identity().to_owned(),
        settings: decides.strategy.settings.clone(),
        wants: decides
            .ranker
            .as_ref()
            .map_or_else(|_| Vec::new(), |ranker| ranker.wants().to_vec()),
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
