//! `[vendors.*]`: where models are to be had, with which accounts. Knows no vendor by name.

mod accounts;
mod models;

use std::collections::BTreeMap;

use url::Url;

use super::{check_key, check_unique};
use crate::config::kinds::{self, NAME};
use crate::config::reader::{Field, Section, Text};
use crate::config::settings::{Account, Model, Vendor};

/// A vendor with its parts as read, in the order of the file.
pub(super) struct VendorDraft {
    pub(super) name: Text,
    pub(super) adapter: Text,
    pub(super) accounts: Listing<Account>,
    pub(super) models: Listing<Model>,
    endpoints: BTreeMap<String, Url>,
    settings: String,
}

/// Named things in the order of the file; `names` and `items` go together.
pub(super) struct Listing<T> {
    pub(super) names: Vec<Text>,
    pub(super) items: Vec<T>,
    /// Whether every name could be read, so that a name not among them is unknown.
    pub(super) complete: bool,
}

/// Reads the vendors, in the order of the file.
pub(super) fn read(root: &Section<'_>) -> Vec<VendorDraft> {
    let vendors = root.members("vendors");
    if vendors.is_empty() {
        let advice = "add [vendors.main] with adapter, base_url, api_key and models";
        root.report.warn(
            &root.place_of("vendors"),
            "there are none, so no model can be served",
            advice,
        );
    }
    let read = |(name, field): (&str, Field<'_>)| {
        Some(vendor(name, field.section(&format!("write [vendors.{name}]"))?))
    };
    vendors.into_iter().filter_map(read).collect()
}

fn vendor(name: &str, section: Section<'_>) -> VendorDraft {
    check_key(section.report, &section.place, name, &NAME);
    let name = Text::plain(name, &section.place);
    let adapter = section.field("adapter").and_then(|field| field.text(&NAME));
    let draft = VendorDraft {
        adapter: adapter.map_or_else(|| name.clone(), |(text, _)| text),
        accounts: accounts::read(&section),
        models: models::read(&section),
        endpoints: endpoints(&section),
        settings: section.json_object("settings").unwrap_or_else(|| "{}".to_owned()),
        name,
    };
    check_prices(&section, &draft);
    check_unique(section.report, "account of this vendor", &draft.accounts.names);
    check_unique(section.report, "model of this vendor", &draft.models.names);
    section.finish();
    draft
}

/// A quota of money counts nothing for a model whose price is not known.
fn check_prices(section: &Section<'_>, draft: &VendorDraft) {
    let accounts = draft
        .accounts
        .items
        .iter()
        .any(|account| account.limits.have_money());
    for (name, model) in std::iter::zip(&draft.models.names, &draft.models.items) {
        let priced = match model.capabilities.chat {
            true => model.price.input.is_some() && model.price.output.is_some(),
            false => model.price.input.is_some(),
        };
        if !priced && (accounts || model.limits.have_money()) {
            let message = "has no price, so quotas of money take it for free";
            let advice = "add price = { input = ..., output = ... }, in US dollars per million tokens";
            section.report.warn(&name.place, message, advice);
        }
    }
}

/// `base_url` under the empty name, or `endpoints`.
fn endpoints(section: &Section<'_>) -> BTreeMap<String, Url> {
    let base_url = section.field("base_url");
    let endpoints = section.members("endpoints");
    if let Some(field) = base_url.as_ref().filter(|_| !endpoints.is_empty()) {
        let advice = "keep base_url for an adapter with one endpoint, endpoints for one with several";
        section
            .report
            .error(&field.place, "endpoints is set as well", advice);
    }
    for (name, field) in &endpoints {
        check_key(section.report, &field.place, name, &NAME);
    }
    let all = base_url.map(|field| ("", field)).into_iter().chain(endpoints);
    all.filter_map(|(name, field)| Some((name.to_owned(), endpoint(section, &field)?)))
        .collect()
}

fn endpoint(section: &Section<'_>, field: &Field<'_>) -> Option<Url> {
    const ADVICE: &str = "write for example \"https://api.example.com/v1\"";
    let text = field.expanded("a URL", ADVICE)?;
    match kinds::base_url(&text.value) {
        Ok(url) => Some(url),
        Err(reason) => {
            section.report.error(&field.place, reason, ADVICE);
            None
        }
    }
}

// === impl VendorDraft ===

impl VendorDraft {
    pub(super) fn into_vendor(self) -> Vendor {
        Vendor {
            name: self.name.value,
            adapter: self.adapter.value,
            endpoints: self.endpoints,
            settings: self.settings,
            accounts: self.accounts.items,
            models: self.models.items,
        }
    }
}

// === impl Listing ===

impl<T> Listing<T> {
    /// The items of a list, each read by `read`, which reports what it cannot.
    fn of(fields: Option<Vec<Field<'_>>>, read: impl Fn(&Field<'_>) -> Option<(Text, T)>) -> Self {
        let Some(fields) = fields else {
            return Self {
                names: Vec::new(),
                items: Vec::new(),
                complete: false,
            };
        };
        let (names, items): (Vec<_>, Vec<_>) = fields.iter().filter_map(read).unzip();
        Self {
            complete: names.len() == fields.len(),
            names,
            items,
        }
    }

    /// The index of the item called `name`.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|text| text.value == name)
    }

    /// The names as they may be shown.
    pub(super) fn written(&self) -> Vec<&str> {
        self.names.iter().map(|name| name.written.as_str()).collect()
    }
}
