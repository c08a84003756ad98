//! Replies that are not what their headers say, or not what was asked for.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use patchbay_simulator::Rule;

use super::{hidden, malformed, network};
use crate::fault::{Expect, Fault};

pub(super) fn faults() -> Vec<Fault> {
    [types(), lengths(), heads(), bodies()]
        .into_iter()
        .flatten()
        .collect()
}

/// Only a whole reply can be told from its content.
fn types() -> Vec<Fault> {
    let of = |name, value| {
        let rule = Rule::always().header(CONTENT_TYPE, HeaderValue::from_static(value));
        Fault::new(name, rule).streamed(Expect::Hidden(malformed()))
    };
    vec![
        of("content type text/html", "text/html"),
        of("content type of bytes", "application/octet-stream"),
        of("empty content type", ""),
        of("content type in capitals", "Text/Event-Stream; Charset=UTF-8").streamed(Expect::Harmless),
    ]
}

fn lengths() -> Vec<Fault> {
    vec![
        Fault::new("content length 100 too large", Rule::always().content_length(100))
            .whole(Expect::Hidden(network()))
            .spoils(),
        // Takes away of a stream what comes behind the answer.
        Fault::new("content length 40 too small", Rule::always().content_length(-40))
            .whole(Expect::Hidden(malformed()))
            .uncounted()
            .spoils(),
        // Takes tokens away.
        Fault::new(
            "content length 1,200 too small",
            Rule::always().content_length(-1200),
        )
        .whole(Expect::Hidden(malformed()))
        .streamed(Expect::Broken(malformed()))
        .spoils(),
        // A stream with a length.
        Fault::new("content length of a stream", Rule::always().content_length(0)),
    ]
}

fn heads() -> Vec<Fault> {
    let before =
        |name, statuses: &[StatusCode]| Fault::new(name, Rule::always().informational(statuses.to_vec()));
    vec![
        Fault::new("gzip", Rule::always().gzip()),
        before("status 100 first", &[StatusCode::CONTINUE]),
        before(
            "statuses 103, 100 first",
            &[StatusCode::EARLY_HINTS, StatusCode::CONTINUE],
        ),
    ]
}

fn bodies() -> Vec<Fault> {
    let of =
        |name, body: &str| Fault::new(name, Rule::always().body(body)).expects(Expect::Hidden(malformed()));
    vec![
        of("empty body", ""),
        of("empty object", "{}"),
        of("empty list", "[]"),
        of("body null", "null"),
        of("a page of HTML", "<html><body>It works!</body></html>"),
        Fault::new(
            "status 204",
            Rule::always().body("").status(StatusCode::NO_CONTENT),
        )
        .expects(hidden(502, "malformed_reply")),
    ]
}
