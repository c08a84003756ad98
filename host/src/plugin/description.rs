//! What an adapter says of itself, checked before anybody relies on it.

use url::Url;

use super::bindings::v0_1::adapter as wit;
use super::check;
use super::error::Problem;
use super::schema::Schema;
use super::log::readable;

/// What an adapter says of itself, checked.
#[derive(Debug)]
pub struct Description {
    pub vendor: String,
    pub version: String,
    pub operations: Vec<String>,
    /// Name and suggested URL; the first is the default.
    pub endpoints: Vec<(String, Option<Url>)>,
    pub credentials: Vec<CredentialField>,
    pub settings: Schema,
    /// In lower case.
    pub reply_headers: Vec<String>,
    /// A JSON object.
    pub features: String,
}

#[derive(Debug)]
pub struct CredentialField {
    pub name: String,
    pub secret: bool,
    pub required: bool,
    pub help: String,
}

// === impl Description ===

impl Description {
    pub(super) fn check(raw: wit::Description) -> Result<Self, Problem> {
        check::name(&raw.vendor, "vendor")?;
        check::version(&raw.version)?;
        let named = raw
            .operations
            .iter()
            .chain(raw.endpoints.iter().map(|endpoint| &endpoint.name));
        for name in named.chain(raw.credentials.iter().map(|field| &field.name)) {
            check::name(name, "described name")?;
        }
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&raw.features)
            .map_err(|error| Problem::Broke(format!("features is not a JSON object: {error}")))?;
        Ok(Self {
            vendor: raw.vendor,
            version: raw.version,
            operations: raw.operations,
            endpoints: raw
                .endpoints
                .into_iter()
                .map(endpoint)
                .collect::<Result<_, _>>()?,
            credentials: raw
                .credentials
                .into_iter()
                .map(|field| CredentialField {
                    name: field.name,
                    secret: field.secret,
                    required: field.required,
                    help: readable(&field.help),
                })
                .collect(),
            settings: Schema::parse(&raw.settings_schema)?,
            reply_headers: raw
                .reply_headers
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
            features: raw.features,
        })
    }
}

fn endpoint(raw: wit::Endpoint) -> Result<(String, Option<Url>), Problem> {
    let url = raw.default_url.map(|url| {
        Url::parse(&url)
            .map_err(|error| Problem::Broke(format!("default-url of endpoint {:?}: {error}", raw.name)))
    });
    Ok((raw.name, url.transpose()?))
}
