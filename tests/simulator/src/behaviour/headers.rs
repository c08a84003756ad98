//! `headers`: set on the reply, replacing those of the same name.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::Effect;
use crate::reply::Reply;
use crate::rules::Rule;
use crate::vendors::Format;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub(crate) struct Headers(HeaderMap);

impl Rule {
    /// Sets a header on the reply; several calls set several headers.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.then.headers.get_or_insert_default().0.insert(name, value);
        self
    }
}

impl TryFrom<BTreeMap<String, String>> for Headers {
    type Error = http::Error;

    fn try_from(wanted: BTreeMap<String, String>) -> Result<Self, http::Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in wanted {
            headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        Ok(Self(headers))
    }
}

impl From<Headers> for BTreeMap<String, String> {
    fn from(headers: Headers) -> Self {
        crate::record::readable(&headers.0).collect()
    }
}

impl Effect for Headers {
    fn alter(&self, reply: &mut Reply, _format: &dyn Format) {
        for (name, value) in &self.0 {
            reply.headers.insert(name.clone(), value.clone());
        }
    }
}
