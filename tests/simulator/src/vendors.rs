//! The vendors' wire formats, each in its own file and folder behind the trait here. To add one, write its
//! format and name it in `FORMATS`. Must never hold a fault: those are behaviours and know no vendor.

mod anthropic;
mod openai;
mod request;
mod script;

use axum::body::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode};

use crate::answer::Draft;
use crate::ask::{Ask, Operation};
use crate::reply::Reply;

/// How one vendor's API looks on the wire.
pub(crate) trait Format: Sync {
    /// The vendor's name where the path does not give one.
    fn name(&self) -> &'static str;

    /// What a request to this path, without a vendor's prefix, asks for; nothing if it is not ours. Where
    /// vendors have a path in common, the headers tell whose it is.
    fn operation(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Operation>;

    /// The key the caller presents.
    fn account<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str>;

    /// The header that names the request in an answer.
    fn request_id(&self) -> HeaderName;

    /// Reads a request; `path` is without the vendor's prefix, for vendors who put the model there.
    fn read(&self, operation: Operation, path: &str, body: &[u8]) -> Result<Ask, Refusal>;

    fn write(&self, ask: &Ask, draft: &Draft, stamp: &Stamp<'_>) -> Reply;

    /// The vendor's usual body for an error of this status.
    fn error(&self, status: StatusCode, message: &str) -> Bytes;

    /// An event of a stream with this data, which need not be what the vendor would ever say.
    fn event(&self, data: &str) -> Bytes;

    /// The event by which a stream tells that it failed.
    fn error_event(&self, message: &str) -> Bytes;
}

/// Where a request goes.
pub(crate) struct Route<'p> {
    pub(crate) vendor: &'p str,
    pub(crate) format: &'static dyn Format,
    pub(crate) operation: Operation,
    /// The path without the vendor's prefix.
    pub(crate) path: &'p str,
}

/// What an answer bears so that callers can tell answers and answerers apart.
#[derive(Debug)]
pub(crate) struct Stamp<'a> {
    pub(crate) sequence: u64,
    pub(crate) account: &'a str,
}

/// A request the vendor would not take.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

/// The first one whose path it is answers.
const FORMATS: &[&dyn Format] = &[&anthropic::Anthropic, &openai::OpenAi];

/// Finds who answers `path`: as it stands under the format's own name, otherwise with its first segment
/// as the vendor's name.
pub(crate) fn route<'p>(method: &Method, path: &'p str, headers: &HeaderMap) -> Option<Route<'p>> {
    let find = |vendor: Option<&'p str>, path: &'p str| {
        FORMATS.iter().find_map(|&format| {
            let operation = format.operation(method, path, headers)?;
            Some(Route {
                vendor: vendor.unwrap_or(format.name()),
                format,
                operation,
                path,
            })
        })
    };
    find(None, path).or_else(|| {
        let end = path.get(1..)?.find('/')? + 1;
        find(Some(&path[1..end]), &path[end..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_names_the_vendor() {
        for (path, expected) in [
            ("/v1/chat/completions", Some(("openai", "/v1/chat/completions"))),
            ("/north/v1/embeddings", Some(("north", "/v1/embeddings"))),
            ("/v1/messages", Some(("anthropic", "/v1/messages"))),
            ("/south/v1/messages", Some(("south", "/v1/messages"))),
            ("/v1/v1/embeddings", Some(("v1", "/v1/embeddings"))),
            ("/a/b/v1/embeddings", None),
            ("/v1/completions", None),
            ("/", None),
            ("", None),
        ] {
            let found = route(&Method::POST, path, &HeaderMap::new()).map(|route| (route.vendor, route.path));
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn the_method_counts() {
        let headers = HeaderMap::new();
        assert!(route(&Method::GET, "/v1/chat/completions", &headers).is_none());
        assert!(route(&Method::GET, "/v1/messages", &headers).is_none());
        assert!(route(&Method::GET, "/v1/models", &headers).is_some());
    }

    #[test]
    fn a_header_tells_whose_models_are_meant() {
        let mut headers = HeaderMap::new();
        let vendor = |headers: &HeaderMap| {
            let found = route(&Method::GET, "/v1/models", headers);
            found.map(|route| route.vendor.to_owned()).unwrap()
        };
        assert_eq!(vendor(&headers), "openai");
        headers.insert("anthropic-version", http::HeaderValue::from_static("2023-06-01"));
        assert_eq!(vendor(&headers), "anthropic");
    }
}
