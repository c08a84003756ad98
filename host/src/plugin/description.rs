//! What an adapter says of itself, checked before anybody relies on it.

use url::Url;

use super::bindings::v0_1::adapter as wit;
use super::check;
use super::error::Problem;
use super::log::readable;
use super::schema::Schema;

/// Longest JSON of features, in bytes.
const FEATURES: usize = 64 << 10;

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
        check::short_list(raw.operations.len(), "operations")?;
        check::short_list(raw.endpoints.len(), "endpoints")?;
        check::short_list(raw.credentials.len(), "credentials")?;
        check::short_list(raw.reply_headers.len(), "reply-headers")?;
        check::name(&raw.vendor, "vendor")?;
        check::version(&raw.version)?;
        let named = raw
            .operations
            .iter()
            .chain(raw.endpoints.iter().map(|endpoint| &endpoint.name));
        let fields = raw.credentials.iter().map(|field| &field.name);
        for name in named.chain(fields).chain(&raw.reply_headers) {
            check::name(name, "described name")?;
        }
        if raw.features.len() > FEATURES {
            let long = format!("features of {} bytes; at most {FEATURES}", raw.features.len());
            return Err(Problem::Broke(long));
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
