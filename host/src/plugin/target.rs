//! What an adapter needs to know of one candidate, and where requests for it may go.
//!
//! Built once when the configuration or the plugin changes, so that nothing is looked up per request.

use std::collections::BTreeMap;

use url::Url;

use super::Adapter;
use super::bindings::v0_1::adapter as wit;
use super::description::Description;
use crate::config::{Account, Grants, Model, Vendor};

/// One candidate as its adapter sees it.
#[derive(Debug)]
pub struct Target {
    pub(super) wit: wit::Target,
    destinations: Vec<(String, Url)>,
    /// The credential fields the adapter has described.
    fields: Vec<String>,
}

/// Why the configuration does not fit the adapter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("vendors.{vendor}: the adapter {adapter} has no endpoint {endpoint:?}; it has: {known}")]
    UnknownEndpoint {
        vendor: String,
        adapter: String,
        endpoint: String,
        known: String,
    },
    #[error("vendors.{vendor}: no base_url{hint}")]
    NoBaseUrl { vendor: String, hint: String },
    #[error("vendors.{vendor}.accounts.{account}: the credential {field:?} is missing ({help})")]
    MissingCredential {
        vendor: String,
        account: String,
        field: String,
        help: String,
    },
    #[error(
        "vendors.{vendor}.accounts.{account}: the adapter {adapter} knows no credential {field:?}; it knows: {known}"
    )]
    UnknownCredential {
        vendor: String,
        account: String,
        adapter: String,
        field: String,
        known: String,
    },
    #[error("vendors.{vendor}.settings: {problem}")]
    Settings { vendor: String, problem: String },
}

// === impl Target ===

impl Target {
    /// Checks endpoints, credentials and settings of the configuration against what the adapter describes.
    pub fn new(
        adapter: &Adapter,
        grants: &Grants,
        vendor: &Vendor,
        account: &Account,
        model: &Model,
    ) -> Result<Self, TargetError> {
        let description = adapter.description();
        description
            .settings
            .check(&vendor.settings)
            .map_err(|problem| TargetError::Settings {
                vendor: vendor.name.clone(),
                problem,
            })?;
        let destinations = destinations(adapter, grants, vendor)?;
        let wit = wit::Target {
            endpoints: destinations
                .iter()
                .map(|(name, url)| (name.clone(), url.as_str().trim_end_matches('/').to_owned()))
                .collect(),
            settings: vendor.settings.clone(),
            model_settings: model_settings(model),
            public: public_fields(description, adapter.name(), vendor, account)?,
        };
        Ok(Self {
            wit,
            destinations,
            fields: description
                .credentials
                .iter()
                .map(|field| field.name.clone())
                .collect(),
        })
    }

    /// One with every endpoint the adapter describes, on this machine, where nobody will ever ask for it.
    pub(super) fn for_trial(description: &Description, settings: &str) -> Self {
        let nowhere = description.endpoints.iter().filter_map(|(name, _)| {
            let url = Url::parse("http://127.0.0.1:9/trial").ok()?;
            Some((name.clone(), url))
        });
        let destinations: Vec<(String, Url)> = nowhere.collect();
        let wit = wit::Target {
            endpoints: destinations
                .iter()
                .map(|(name, url)| (name.clone(), url.to_string()))
                .collect(),
            settings: settings.to_owned(),
            model_settings: "{}".to_owned(),
            public: Vec::new(),
        };
        let fields = description.credentials.iter();
        Self {
            wit,
            destinations,
            fields: fields.map(|field| field.name.clone()).collect(),
        }
    }

    /// Whether the adapter has described this credential field.
    pub(super) fn describes(&self, field: &str) -> bool {
        self.fields.iter().any(|known| known == field)
    }

    /// The base URL of an endpoint; without a name, the adapter's first.
    pub(super) fn destination(&self, endpoint: Option<&str>) -> Option<&Url> {
        match endpoint {
            None => self.destinations.first(),
            Some(name) => self.destinations.iter().find(|(known, _)| known == name),
        }
        .map(|(_, url)| url)
    }
}

/// A described endpoint is where the configuration says, else at its default URL if that host is granted.
fn destinations(
    adapter: &Adapter,
    grants: &Grants,
    vendor: &Vendor,
) -> Result<Vec<(String, Url)>, TargetError> {
    let endpoints = &adapter.description().endpoints;
    let named = |name: &str| endpoints.iter().any(|(known, _)| known == name);
    if let Some(unknown) = vendor
        .endpoints
        .keys()
        .find(|name| !name.is_empty() && !named(name))
    {
        return Err(TargetError::UnknownEndpoint {
            vendor: vendor.name.clone(),
            adapter: adapter.name().to_owned(),
            endpoint: unknown.clone(),
            known: list(endpoints.iter().map(|(name, _)| name.as_str())),
        });
    }
    let mut found = Vec::new();
    for (position, (name, default)) in endpoints.iter().enumerate() {
        let short = (position == 0).then(|| vendor.endpoints.get("")).flatten();
        let granted = default.as_ref().filter(|url| grants.allow(url));
        match vendor.endpoints.get(name).or(short).or(granted) {
            Some(url) => found.push((name.clone(), url.clone())),
            None if position == 0 => {
                let hint = default
                    .as_ref()
                    .map_or(String::new(), |url| format!("; the adapter suggests {url}"));
                return Err(TargetError::NoBaseUrl {
                    vendor: vendor.name.clone(),
                    hint,
                });
            }
            None => {}
        }
    }
    Ok(found)
}

/// The fields that are not secret; all fields are checked on the way.
fn public_fields(
    description: &Description,
    adapter: &str,
    vendor: &Vendor,
    account: &Account,
) -> Result<Vec<(String, String)>, TargetError> {
    let fields = &description.credentials;
    if let Some(unknown) = account
        .credentials
        .keys()
        .find(|name| !fields.iter().any(|f| f.name == **name))
    {
        return Err(TargetError::UnknownCredential {
            vendor: vendor.name.clone(),
            account: account.name.clone(),
            adapter: adapter.to_owned(),
            field: unknown.clone(),
            known: list(fields.iter().map(|field| field.name.as_str())),
        });
    }
    if let Some(missing) = fields
        .iter()
        .find(|f| f.required && !account.credentials.contains_key(&f.name))
    {
        return Err(TargetError::MissingCredential {
            vendor: vendor.name.clone(),
            account: account.name.clone(),
            field: missing.name.clone(),
            help: missing.help.clone(),
        });
    }
    let public = fields.iter().filter(|field| !field.secret);
    let value = |name: &str| {
        account
            .credentials
            .get(name)
            .map(|value| value.expose().to_owned())
    };
    Ok(public
        .filter_map(|field| Some((field.name.clone(), value(&field.name)?)))
        .collect())
}

fn model_settings(model: &Model) -> String {
    let mut settings = BTreeMap::new();
    settings.insert("context_length", model.context_length);
    settings.insert("max_output_tokens", model.max_output_tokens);
    settings.retain(|_, value| value.is_some());
    serde_json::to_string(&settings).unwrap_or_else(|_| "{}".to_owned())
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

// === impl Grants ===

impl Grants {
    /// Whether requests may go to this address: by host name, or by host name and port.
    fn allow(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
        self.hosts
            .iter()
            .any(|granted| granted == host || Some(granted) == with_port.as_ref())
    }
}
