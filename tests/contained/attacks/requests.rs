//! What a plugin may want sent: where to, with which headers, with whose credentials, and how much of it.

use patchbay_tests::component;
use serde_json::{Value, json};

use crate::attack::Attack;

const PATH: &str = "plugin/check.rs, address";
const NAME: &str = "plugin/check.rs, name";
const HEADERS: &str = "plugin/check.rs, headers";

pub(crate) fn attacks() -> Vec<Attack> {
    [places(), headers(), credentials()]
        .into_iter()
        .flatten()
        .collect()
}

fn sends(name: &'static str, wish: Value, defence: &'static str) -> Attack {
    let mut command = wish;
    command["do"] = "send".into();
    Attack::new(name, || component("hostile"), defence).told(&command)
}

fn places() -> Vec<Attack> {
    let paths = [
        ("a path that is a URL", "http://{foreign}/v1"),
        ("a path that makes the base URL a user name", "@{foreign}/v1"),
        ("a path of backslashes", "/\\\\{foreign}/v1"),
        ("a path that climbs out", "/a/../../other/v1"),
        ("a path that climbs out in disguise", "/%2e%2E/.%2e/admin"),
        ("a path with a line break", "/a\r\nhost: {foreign}"),
        ("a path with a control character", "/a\u{0}b"),
    ];
    let paths = paths.into_iter().map(|(name, path)| {
        let shown = path
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect::<String>();
        let message = format!("path {shown:?}; expected /segments with an optional query");
        sends(name, json!({"path": path}), PATH).breaks("exchange.start", &message)
    });
    let nowhere = "a request to endpoint \"elsewhere\", which has no base URL in the configuration and whose default \
                   host is not granted";
    paths
        .chain([
            sends(
                "an endpoint nobody granted",
                json!({"endpoint": "elsewhere"}),
                "plugin/target.rs, destinations",
            )
            .breaks("exchange.start", nowhere),
            // An empty segment below the base URL, not another host; the vendor says that there is no such page.
            sends(
                "a path that looks like another host",
                json!({"path": "//{foreign}/v1/chat/completions"}),
                PATH,
            )
            .breaks(
                "exchange.advance",
                "a chunk holds a line break; canonical chunks are JSON on one line",
            ),
            Attack::new(
                "requests without end",
                || component("hostile"),
                "pipeline/drive.rs, REQUESTS",
            )
            .told(&json!({"do": "send-for-ever"}))
            .sends("/suspect/v1/chat/completions")
            .breaks("exchange.advance", "sends more than 100 requests"),
        ])
        .collect()
}

fn headers() -> Vec<Attack> {
    let owned = |name: &'static str, header: &str| {
        let message = format!("header {header:?} is set by the host");
        sends(name, json!({"headers": [[header, "{foreign}"]]}), HEADERS).breaks("exchange.start", &message)
    };
    vec![
        owned("a host header", "Host"),
        owned("a length of its own", "content-length"),
        owned("a coding of its own", "Transfer-Encoding"),
        sends(
            "a line break in a header's value",
            json!({"headers": [["x-a", "b\r\nx-c: d"]]}),
            HEADERS,
        )
        .breaks(
            "exchange.start",
            "the value of header \"x-a\" holds forbidden characters",
        ),
        sends(
            "a line break in a header's name",
            json!({"headers": [["x-a\r\nx-b", "c"]]}),
            HEADERS,
        )
        .breaks("exchange.start", "header \"x-a  x-b\"; expected 1 to 128 bytes"),
        sends(
            "headers beyond measure",
            json!({"header_bytes": 100_000}),
            "limits.headers (plugin/check.rs)",
        )
        .under("headers = \"16KiB\"")
        .fails(
            "exchange.start",
            "headers",
            "made headers of more than the limit of 16384 bytes (plugins.limits.headers)",
        )
        .unless("headers = \"256KiB\""),
        sends(
            "a body beyond measure",
            json!({"body": 3_000_000}),
            "limits.body (plugin/check.rs)",
        )
        .under("body = \"1MiB\"")
        .fails(
            "exchange.start",
            "body",
            "made a body of more than the limit of 1048576 bytes (plugins.limits.body)",
        )
        .unless("body = \"4MiB\""),
    ]
}

fn credentials() -> Vec<Attack> {
    vec![
        sends(
            "a line break before a credential",
            json!({"credential": "api_key", "prefix": "x\r\ny: "}),
            HEADERS,
        )
        .breaks(
            "exchange.start",
            "the prefix of a credential header holds forbidden characters",
        ),
        sends(
            "a credential of another plugin",
            json!({"credential": "admin_key"}),
            "plugin/check.rs, credential_use",
        )
        .breaks(
            "exchange.start",
            "credential field \"admin_key\" is not described",
        ),
        sends(
            "a line break in a query parameter",
            json!({"query": ["a\r\nb", "api_key"]}),
            NAME,
        )
        .breaks(
            "exchange.start",
            "query parameter \"a  b\"; expected 1 to 128 bytes",
        ),
        // Written as data, so that it is one parameter with a strange name.
        sends(
            "a query parameter that is several",
            json!({"query": ["a=b&admin", "api_key"]}),
            "upstream/compose.rs",
        )
        .sends("/suspect/v1/chat/completions?a%3Db%26admin=suspect-key")
        .harmless(),
        sends(
            "a line break in a form member",
            json!({"body": 3, "form": ["a\r\nb", "api_key"]}),
            NAME,
        )
        .breaks("exchange.start", "form member \"a  b\"; expected 1 to 128 bytes"),
        sends(
            "a form member within JSON",
            json!({"form": ["admin", "api_key"]}),
            "plugin/check.rs, outgoing",
        )
        .breaks("exchange.start", "credential-use.form needs a body of bytes"),
        sends(
            "a form member that is several",
            json!({"body": 3, "form": ["a=b&admin", "api_key"]}),
            "upstream/compose.rs, with_form_member",
        )
        .sends("/suspect/v1/chat/completions 000&a%3Db%26admin=suspect-key")
        .harmless(),
    ]
}
