//! `[models.*]`: the names that callers use, and what serves each.

pub(super) mod routing;
mod rules;
mod targets;

use std::collections::{BTreeMap, BTreeSet};

use super::check_key;
use super::vendors::VendorDraft;
use crate::config::kinds::MODEL_NAME;
use crate::config::reader::{Section, Text};
use crate::config::settings::{PublicModel, Rule, Target};
use routing::{Named, Routing};

/// The public models, with what other parts of the file are checked against.
pub(super) struct Public {
    pub(super) models: BTreeMap<String, PublicModel>,
    /// By name, how it may be shown.
    pub(super) written: BTreeMap<String, String>,
    /// The strategy plugins that are named.
    pub(super) strategies: Vec<Text>,
    /// The keys that rules name.
    pub(super) callers: Vec<Text>,
}

/// Reads `[routing]` and `[models.*]`, then adds the models of vendors that no target names.
pub(super) fn read(root: &Section<'_>, vendors: &[VendorDraft]) -> Public {
    let mut public = Public {
        models: BTreeMap::new(),
        written: BTreeMap::new(),
        strategies: Vec::new(),
        callers: Vec::new(),
    };
    let section = root.section("routing");
    let default = Routing::read(&section, &Routing::default());
    section.finish();
    public.strategies.extend(default.plugins());
    for (name, field) in root.members("models") {
        check_key(root.report, &field.place, name, &MODEL_NAME);
        let Some(section) = field.section(&format!("write [{}]", field.place.path())) else {
            continue;
        };
        let listed = section.required("targets", targets::ADVICE);
        let targets = listed
            .map(|field| targets::read(root.report, &field, vendors))
            .unwrap_or_default();
        let rules = rules::read(&section, &targets, vendors, &mut public.callers);
        public.add(name, name, targets, Routing::read(&section, &default), rules);
        section.finish();
    }
    publish_unnamed(root, vendors, &default, &mut public);
    public
}

/// A vendor's model that no target names is public under its own name, from every vendor that has it.
fn publish_unnamed(root: &Section<'_>, vendors: &[VendorDraft], default: &Routing, public: &mut Public) {
    let targets = public.models.values().flat_map(|model| &model.targets);
    let named: BTreeSet<_> = targets
        .map(|target| (target.vendor.clone(), target.model))
        .collect();
    let configured: BTreeSet<_> = public.models.keys().cloned().collect();
    for draft in vendors {
        let unnamed = |(index, _): &(usize, &Text)| !named.contains(&(draft.name.value.clone(), *index));
        for (_, model) in draft.models.names.iter().enumerate().filter(unnamed) {
            if configured.contains(&model.value) {
                let target = format!("{}/{}", draft.name.written, model.written);
                let message = format!("never used, [models] has its name but not {target:?} as a target");
                root.report.warn(&model.place, message, "add it there");
            } else if !public.models.contains_key(&model.value) {
                public.add(
                    &model.value,
                    &model.written,
                    everywhere(&model.value, vendors),
                    default.clone(),
                    Vec::new(),
                );
            }
        }
    }
}

/// The model `name` at every vendor that has it, with all accounts.
fn everywhere(name: &str, vendors: &[VendorDraft]) -> Vec<Target> {
    let target = |draft: &VendorDraft| {
        let accounts = (0..draft.accounts.items.len()).collect();
        Some(Target {
            vendor: draft.name.value.clone(),
            model: draft.models.position(name)?,
            accounts,
        })
    };
    vendors.iter().filter_map(target).collect()
}

// === impl Public ===

impl Public {
    fn add(&mut self, name: &str, written: &str, targets: Vec<Target>, routing: Routing, rules: Vec<Rule>) {
        self.strategies.extend(routing.plugins());
        self.written.insert(name.to_owned(), written.to_owned());
        let model = PublicModel {
            name: name.to_owned(),
            targets,
            strategy: routing.strategy.map(Named::into_strategy),
            shadow: routing.shadow.map(Named::into_strategy),
            rules,
        };
        self.models.insert(name.to_owned(), model);
    }
}
