//! What a guest returns is untrusted input: here it is checked and turned into the host's own words.
//!
//! Takes nothing on trust: sizes, names, addresses, header values, JSON. Errors say what was wrong in words for
//! the plugin's author.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use memchr::memchr2;
use serde::de::IgnoredAny;
use url::Url;

use super::bindings::v0_1::{adapter as wit, types};
use super::contract::{Body, Chunk, CredentialUse, Framing, Next, Outgoing, Progress};
use super::error::{Limit, Problem};
use super::log::readable;
use super::target::Target;
use crate::chat::{Edit, TokenClass};
use crate::config::Limits;
use crate::failure::{Failure, Kind, Scope};
use crate::pool::Reported;

/// Entries of the small lists a guest returns (headers, credentials, edits, usage, limits, warnings).
const SHORT_LIST: usize = 256;
/// Tokens of one class in one exchange: thousands of times what any model has in view.
const MOST_TOKENS: u64 = 1 << 40;
/// Names of any kind, in bytes.
const NAME: usize = 128;
/// A path with its query, in bytes.
const PATH: usize = 8192;

/// Headers that belong to the connection, not to the request.
const HOST_HEADERS: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "cookie",
];

/// Everything an exchange returned.
pub(super) fn progress(raw: wit::Progress, target: &Target, limits: &Limits) -> Result<Progress, Problem> {
    within(raw.chunks.len(), limits.chunks, Limit::Chunks)?;
    short_list(raw.usage.len(), "usage")?;
    short_list(raw.limits.len(), "limits")?;
    short_list(raw.warnings.len(), "warnings")?;
    Ok(Progress {
        chunks: raw.chunks.into_iter().map(chunk).collect::<Result<_, _>>()?,
        usage: usage(&raw.usage)?,
        limits: reported(raw.limits)?,
        warnings: raw.warnings.iter().map(|warning| readable(warning)).collect(),
        next: match raw.next {
            wit::Next::Send(request) => Next::Send(Box::new(outgoing(request, target, limits)?)),
            wit::Next::Fetch(_) => return Err(Problem::NotSupported("next.fetch")),
            wit::Next::More => Next::More,
            wit::Next::Pull => Next::Pull,
            wit::Next::Done => Next::Done,
            wit::Next::Failed(raw) => Next::Failed(failure(raw)?),
        },
    })
}

/// Of the classes the host knows. More tokens than anybody has would overflow the sums.
fn usage(raw: &[types::Count]) -> Result<Vec<(TokenClass, u64)>, Problem> {
    if let Some(count) = raw.iter().find(|count| count.tokens > MOST_TOKENS) {
        return Err(broke(format!(
            "{} tokens in one exchange; at most {MOST_TOKENS}",
            count.tokens
        )));
    }
    let known = raw
        .iter()
        .filter_map(|count| Some((TokenClass::parse(&count.class)?, count.tokens)));
    Ok(known.collect())
}

/// A failure an adapter reported.
pub(super) fn failure(raw: types::Failure) -> Result<Failure, Problem> {
    if raw.renew_token {
        return Err(Problem::NotSupported("failure.renew-token"));
    }
    name(&raw.kind, "failure.kind")?;
    Ok(Failure {
        kind: Kind::from(raw.kind.as_str()),
        scope: scope(raw.scope),
        message: readable(&raw.message),
        vendor_code: raw.vendor_code.map(|code| readable(&code)),
        param: raw.param.map(|param| readable(&param)),
        retry_after: raw.retry_after.map(Duration::from_millis),
        unanswered: false,
    })
}

fn scope(raw: types::Scope) -> Scope {
    match raw {
        types::Scope::Request => Scope::Request,
        types::Scope::Candidate => Scope::Candidate,
        types::Scope::Model => Scope::Model,
        types::Scope::Account => Scope::Account,
        types::Scope::Endpoint => Scope::Endpoint,
    }
}

/// Limits as a vendor reported them. A number that is none is the vendor's word as much as the plugin's, so it fails
/// nothing; what it is good for is up to whoever enforces it (see [`Reported`]).
fn reported(raw: Vec<types::Limit>) -> Result<Vec<Reported>, Problem> {
    let checked = raw.into_iter().map(|limit| {
        name(&limit.what, "limit.what")?;
        Ok(Reported {
            what: limit.what,
            scope: scope(limit.scope),
            capacity: limit.capacity,
            remaining: limit.remaining,
            resets_in: limit.resets_in.map(Duration::from_millis),
            window: limit.window.map(Duration::from_millis),
        })
    });
    checked.collect()
}

/// A chunk goes onto one line of a stream, so it must not bring lines of its own. That it is JSON is checked
/// where it is read (see [`crate::stream`]).
fn chunk(raw: wit::Chunk) -> Result<Chunk, Problem> {
    if memchr2(b'\n', b'\r', &raw.data).is_some() {
        return Err(broke(
            "a chunk holds a line break; canonical chunks are JSON on one line",
        ));
    }
    Ok(Chunk {
        data: Bytes::from(raw.data),
        token: raw.token,
    })
}

fn outgoing(raw: wit::HttpRequest, target: &Target, limits: &Limits) -> Result<Outgoing, Problem> {
    let body = body(raw.body, limits.body)?;
    let uses = raw.credentials.into_iter();
    let credentials = uses
        .map(|used| credential_use(used, target))
        .collect::<Result<Vec<_>, _>>()?;
    short_list(credentials.len(), "credentials")?;
    let form = credentials
        .iter()
        .any(|credential| matches!(credential, CredentialUse::Form { .. }));
    if form && !matches!(body, Body::Bytes(_)) {
        return Err(broke("credential-use.form needs a body of bytes"));
    }
    Ok(Outgoing {
        method: method(&raw.method)?,
        url: address(target, raw.endpoint.as_deref(), &raw.path)?,
        headers: headers(&raw.headers, limits.headers)?,
        credentials,
        body,
        framing: match raw.framing {
            wit::Framing::Whole => Framing::Whole,
            wit::Framing::Sse => Framing::Sse,
            wit::Framing::Ndjson => Framing::Ndjson,
        },
        canonical: raw.canonical,
        want_head: raw.want_head,
    })
}

fn method(raw: &str) -> Result<Method, Problem> {
    match raw {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        other => Err(broke(format!(
            "method {other:?}; expected GET, POST, PUT, PATCH or DELETE"
        ))),
    }
}

/// Base URL and path, put together so that the result is surely below the base URL.
fn address(target: &Target, endpoint: Option<&str>, path: &str) -> Result<Url, Problem> {
    let Some(base) = target.destination(endpoint) else {
        return Err(broke(format!(
            "a request to endpoint {:?}, which has no base URL in the configuration and whose default host is \
             not granted",
            endpoint.unwrap_or("(first)")
        )));
    };
    let plain = path.len() <= PATH
        && path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'));
    let climbs = path
        .split('?')
        .next()
        .unwrap_or_default()
        .split('/')
        .any(|segment| {
            matches!(
                segment.to_ascii_lowercase().as_str(),
                "." | ".." | "%2e" | ".%2e" | "%2e." | "%2e%2e"
            )
        });
    if !plain || climbs {
        return Err(broke(format!(
            "path {:?}; expected /segments with an optional query",
            readable(path)
        )));
    }
    let url = Url::parse(&format!("{}{path}", base.as_str().trim_end_matches('/')))
        .map_err(|error| broke(format!("path {path:?}: {error}")))?;
    let rest = url.path().strip_prefix(base.path().trim_end_matches('/'));
    let below = url.origin() == base.origin()
        && rest.is_some_and(|rest| rest.starts_with('/'))
        && url.username().is_empty();
    if below {
        Ok(url)
    } else {
        Err(broke(format!("path {path:?} leaves the base URL")))
    }
}

fn headers(raw: &[types::Header], most: usize) -> Result<HeaderMap, Problem> {
    short_list(raw.len(), "headers")?;
    let bytes = raw.iter().map(|header| header.name.len() + header.value.len());
    within(bytes.sum(), most, Limit::Headers)?;
    let mut headers = HeaderMap::with_capacity(raw.len() + 4);
    for header in raw {
        let value = HeaderValue::from_str(&header.value).map_err(|_| {
            broke(format!(
                "the value of header {:?} holds forbidden characters",
                header.name
            ))
        })?;
        headers.append(header_name(&header.name)?, value);
    }
    Ok(headers)
}

fn header_name(raw: &str) -> Result<HeaderName, Problem> {
    name(raw, "header")?;
    let parsed = HeaderName::from_bytes(raw.as_bytes()).map_err(|_| broke(format!("header name {raw:?}")))?;
    if HOST_HEADERS.contains(&parsed.as_str()) {
        return Err(broke(format!("header {raw:?} is set by the host")));
    }
    Ok(parsed)
}

fn credential_use(raw: wit::CredentialUse, target: &Target) -> Result<CredentialUse, Problem> {
    let checked = match raw {
        wit::CredentialUse::Header(header) => {
            let wit::CredentialValue::Field(field) = header.value else {
                return Err(Problem::NotSupported("credential-value.signed"));
            };
            HeaderValue::from_str(&header.prefix)
                .map_err(|_| broke("the prefix of a credential header holds forbidden characters"))?;
            CredentialUse::Header {
                name: header_name(&header.name)?,
                prefix: header.prefix,
                field,
            }
        }
        wit::CredentialUse::Query((parameter, field)) => {
            name(&parameter, "query parameter")?;
            CredentialUse::Query { parameter, field }
        }
        wit::CredentialUse::Form((member, field)) => {
            name(&member, "form member")?;
            CredentialUse::Form { member, field }
        }
    };
    // Left out silently, a mistyped field would send the request without the credential it needs.
    if target.describes(checked.field()) {
        Ok(checked)
    } else {
        Err(broke(format!(
            "credential field {:?} is not described",
            readable(checked.field())
        )))
    }
}

fn body(raw: wit::Body, most: usize) -> Result<Body, Problem> {
    match raw {
        wit::Body::Unchanged => Ok(Body::Unchanged),
        wit::Body::Empty => Ok(Body::Empty),
        wit::Body::Bytes(bytes) => {
            within(bytes.len(), most, Limit::Body)?;
            Ok(Body::Bytes(bytes.into()))
        }
        wit::Body::Edited(edits) => {
            short_list(edits.len(), "edits")?;
            let bytes = edits.iter().filter_map(|edit| Some(edit.value.as_ref()?.len()));
            within(bytes.sum(), most, Limit::Body)?;
            edits
                .into_iter()
                .map(edit)
                .collect::<Result<_, _>>()
                .map(Body::Edited)
        }
    }
}

fn edit(raw: wit::Edit) -> Result<Edit, Problem> {
    name(&raw.member, "edit.member")?;
    if let Some(value) = &raw.value {
        let wrong = |why: String| {
            broke(format!(
                "the value for member {:?} is not JSON: {why}",
                raw.member
            ))
        };
        let text = std::str::from_utf8(value).map_err(|error| wrong(error.to_string()))?;
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| wrong(error.to_string()))?;
    }
    Ok(Edit {
        member: raw.member,
        value: raw.value,
    })
}

/// A name of any kind: not empty, not long, nothing that could end a line.
pub(super) fn name(raw: &str, what: &str) -> Result<(), Problem> {
    let fits = !raw.is_empty() && raw.len() <= NAME && !raw.chars().any(char::is_control);
    if fits {
        Ok(())
    } else {
        Err(broke(format!(
            "{what} {:?}; expected 1 to {NAME} bytes",
            readable(raw)
        )))
    }
}

/// A version as it appears in `name@version`.
pub(super) fn version(raw: &str) -> Result<(), Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_');
    let fits = (1..=64).contains(&raw.len()) && raw.chars().all(allowed);
    if fits {
        Ok(())
    } else {
        Err(broke(format!(
            "version {:?}; expected something like 1.2.3",
            readable(raw)
        )))
    }
}

/// A list that nobody needs to be long.
pub(super) fn short_list(found: usize, what: &str) -> Result<(), Problem> {
    at_most(found, SHORT_LIST, what)
}

fn at_most(found: usize, most: usize, what: &str) -> Result<(), Problem> {
    if found <= most {
        Ok(())
    } else {
        Err(broke(format!("{found} {what}; at most {most}")))
    }
}

fn within(found: usize, most: usize, limit: fn(usize) -> Limit) -> Result<(), Problem> {
    if found <= most {
        Ok(())
    } else {
        Err(Problem::Exceeded {
            limit: limit(most),
            said: None,
        })
    }
}

fn broke(what: impl Into<String>) -> Problem {
    Problem::Broke(what.into())
}

#[cfg(test)]
mod tests;
