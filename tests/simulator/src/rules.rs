//! Rules: which requests they match, how often, and what the matching ones add up to. Looking a request
//! up must never take a lock: benchmarks do it millions of times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

use crate::ask::Operation;
use crate::behaviour::Behaviour;

/// What the simulator does with some of its requests. Made in steps: which requests, how often, what
/// then. The crate's documentation has its JSON form.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[serde(default)]
    when: When,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    pub(crate) then: Behaviour,
}

/// A rule in force.
#[derive(Clone, Debug, Serialize)]
pub struct ActiveRule {
    pub rule: Rule,
    /// How many requests it was applied to.
    pub used: u64,
}

/// What rules look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) vendor: &'a str,
    pub(crate) account: &'a str,
    pub(crate) model: &'a str,
    pub(crate) operation: Operation,
}

/// All rules in force, in the order they were given.
#[derive(Debug, Default)]
pub(crate) struct RuleBook {
    rules: ArcSwap<Vec<Arc<Armed>>>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct When {
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Operation>,
}

#[derive(Debug)]
struct Armed {
    rule: Rule,
    /// How many requests matched, also after `times` was used up.
    matched: AtomicU64,
}

// === impl Rule ===

impl Rule {
    /// A rule for every request, always; the effects' methods say what it does.
    #[must_use]
    pub fn always() -> Self {
        Self::default()
    }

    /// A rule for the first `count` requests that match.
    #[must_use]
    pub fn first(count: u64) -> Self {
        Self {
            times: Some(count),
            ..Self::default()
        }
    }

    /// Only for this vendor: the path's first segment, or the format's name without one.
    #[must_use]
    pub fn vendor(mut self, vendor: impl Into<String>) -> Self {
        self.when.vendor = Some(vendor.into());
        self
    }

    /// Only for this key.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.when.account = Some(account.into());
        self
    }

    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.when.model = Some(model.into());
        self
    }

    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.when.operation = Some(operation);
        self
    }
}

// === impl RuleBook ===

impl RuleBook {
    pub(crate) fn replace(&self, rules: Vec<Rule>) {
        self.rules
            .store(Arc::new(rules.into_iter().map(Armed::new).collect()));
    }

    pub(crate) fn add(&self, rule: Rule) {
        let added = Armed::new(rule);
        self.rules.rcu(|rules| {
            let mut rules = Vec::clone(rules);
            rules.push(Arc::clone(&added));
            rules
        });
    }

    pub(crate) fn list(&self) -> Vec<ActiveRule> {
        self.rules.load().iter().map(|armed| armed.describe()).collect()
    }

    /// What all matching rules together ask for; counts as one use of each of them.
    pub(crate) fn behaviour(&self, subject: Subject<'_>) -> Behaviour {
        let mut behaviour = Behaviour::default();
        for armed in self.rules.load().iter().filter(|armed| armed.applies(subject)) {
            behaviour.overlay(&armed.rule.then);
        }
        behaviour
    }
}

// === impl Armed ===

impl Armed {
    fn new(rule: Rule) -> Arc<Self> {
        Arc::new(Self {
            rule,
            matched: AtomicU64::new(0),
        })
    }

    fn applies(&self, subject: Subject<'_>) -> bool {
        self.rule.when.matches(subject) && self.matched.fetch_add(1, Relaxed) < self.limit()
    }

    fn limit(&self) -> u64 {
        self.rule.times.unwrap_or(u64::MAX)
    }

    fn describe(&self) -> ActiveRule {
        ActiveRule {
            rule: self.rule.clone(),
            used: self.matched.load(Relaxed).min(self.limit()),
        }
    }
}

// === impl When ===

impl When {
    fn matches(&self, subject: Subject<'_>) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        fits(&self.vendor, subject.vendor)
            && fits(&self.account, subject.account)
            && fits(&self.model, subject.model)
            && self
                .operation
                .is_none_or(|operation| operation == subject.operation)
    }
}

#[cfg(test)]
mod tests;
