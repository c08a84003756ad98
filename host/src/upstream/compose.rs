//! An adapter's checked wish, the caller's payload and the account's credentials become one HTTP request.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderValue};
use url::form_urlencoded::Serializer;

use super::Composed;
use crate::chat::Document;
use crate::config::Secret;
use crate::failure::{Failure, Kind, Scope};
use crate::plugin::{Body, CredentialUse, Outgoing};

/// Writes every credential the account has. One that it lacks is left out: fields that an adapter requires were
/// checked when the configuration was read.
pub fn compose(
    outgoing: Outgoing,
    payload: &Document,
    credentials: &BTreeMap<String, Secret>,
) -> Result<Composed, Failure> {
    let canonical = !matches!(outgoing.body, Body::Bytes(_) | Body::Empty);
    let mut body = match outgoing.body {
        Body::Unchanged => payload.bytes().clone(),
        Body::Edited(edits) => payload.edited(&edits).bytes().clone(),
        Body::Empty => Bytes::new(),
        Body::Bytes(bytes) => bytes,
    };
    let (mut url, mut headers) = (outgoing.url, outgoing.headers);
    for credential in outgoing.credentials {
        let Some(secret) = credentials.get(credential.field()) else {
            continue;
        };
        match credential {
            CredentialUse::Header { name, prefix, field } => {
                headers.insert(name, header_value(&prefix, secret, &field)?);
            }
            CredentialUse::Query { parameter, .. } => {
                url.query_pairs_mut().append_pair(&parameter, secret.expose());
            }
            CredentialUse::Form { member, .. } => body = with_form_member(&body, &member, secret),
        }
    }
    if canonical && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    // A compressed stream would have to wait for its compressor.
    headers
        .entry(ACCEPT_ENCODING)
        .or_insert(HeaderValue::from_static("identity"));
    let mut request = reqwest::Request::new(outgoing.method, url);
    *request.headers_mut() = headers;
    if !body.is_empty() {
        *request.body_mut() = Some(body.into());
    }
    Ok(Composed(request))
}

fn header_value(prefix: &str, secret: &Secret, field: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(&format!("{prefix}{}", secret.expose())).map_err(|_| {
        let message = format!("the credential {field} holds characters that cannot stand in a header");
        Failure::new(Kind::Authentication, Scope::Account, message)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn with_form_member(body: &Bytes, member: &str, secret: &Secret) -> Bytes {
    let pair = Serializer::new(String::new())
        .append_pair(member, secret.expose())
        .finish();
    let separator: &[u8] = if body.is_empty() { b"" } else { b"&" };
    [body, separator, pair.as_bytes()].concat().into()
}
