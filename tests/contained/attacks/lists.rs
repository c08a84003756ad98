//! How much a plugin may say: long answers, long lists, numbers that are none, and words for the log.

use patchbay_tests::component;
use serde_json::{Value, json};

use crate::attack::Attack;

const SHORT: &str = "plugin/check.rs, at_most";
const PEEK: &str = "chat/peek.rs, AnswerPeek::read";

pub(crate) fn attacks() -> Vec<Attack> {
    let crowds = [
        ("usage of countless classes", "usage", "1000 usage; at most 256"),
        ("countless limits", "limits", "1000 limits; at most 256"),
        ("countless warnings", "warnings", "1000 warnings; at most 256"),
        ("countless headers", "headers", "1000 headers; at most 256"),
        ("countless edits", "edits", "1000 edits; at most 256"),
        (
            "countless credentials",
            "credentials",
            "1000 credentials; at most 256",
        ),
    ];
    let crowds = crowds.into_iter().map(|(name, list, message)| {
        told(name, &json!({"do": "crowd", "list": list, "times": 1000}), SHORT)
            .breaks("exchange.start", message)
    });
    crowds.chain(large()).chain(numbers()).chain(words()).collect()
}

fn told(name: &'static str, command: &Value, defence: &'static str) -> Attack {
    Attack::new(name, || component("hostile"), defence).told(command)
}

fn large() -> Vec<Attack> {
    vec![
        told("an answer beyond measure", &json!({"do": "swell", "bytes": 3_000_000}), "limits.host_data (plugin/store.rs, new_store)")
            .under("host_data = \"1MiB\"")
            .fails("exchange.start", "host_data", "returned more than the limit of 1048576 bytes (plugins.limits.host_data)")
            .unless("host_data = \"16MiB\""),
        told("countless chunks", &json!({"do": "say", "chunk": "{}", "times": 20_000}), "limits.chunks (plugin/check.rs, progress)")
            .under("chunks = 1000")
            .fails("exchange.start", "chunks", "returned more chunks in one call than the limit of 1000 (plugins.limits.chunks)")
            .lifted(
                "chunks = 50000",
                "callers: 502 plugin_error\nlogged: exchange.start: broke the contract: made more than one whole answer\n\
                 counted: exchange.start contract",
            ),
        told("a reply of countless events", &json!({"do": "listen", "most": 16}), "limits.events (pipeline/events.rs, next)")
            .under("events = 16")
            .harmless()
            .lifted(
                "events = 100000",
                "callers: 502 plugin_error\nlogged: exchange.advance: panicked at \
                 hostile/src/lib.rs:176:17: too many at once (wasm trap: wasm `unreachable` instruction executed)\ncounted: exchange.advance trap",
            ),
        told("an event forged within a chunk", &json!({"do": "say", "chunk": "{}\n\ndata: {}"}), "plugin/check.rs, chunk")
            .breaks("exchange.start", "a chunk holds a line break; canonical chunks are JSON on one line"),
        told("an answer that is a list of lists without end", &json!({"do": "say", "chunk": "[".repeat(100_000)}), PEEK)
            .breaks("exchange.start", "made an answer that is not JSON: invalid type: sequence, expected a JSON object at line 1 column 0"),
        // The caller's to read: the host skips what it need not know, and nests no calls for it.
        told("an answer nested without end", &json!({"do": "say", "chunk": nested()}), PEEK).harmless(),
        told("pulls without end", &json!({"do": "pull-for-ever"}), "pipeline/drive.rs, EMPTY_PULLS")
            .breaks("exchange.advance", "pulls more than 100 times without a chunk"),
    ]
}

fn nested() -> String {
    format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000))
}

fn numbers() -> Vec<Attack> {
    let limits = json!([["NaN", "inf"], ["-inf", "-1"], ["1e400", "-1e-300"], ["0", "NaN"]]);
    vec![
        told("limits that are no numbers", &json!({"do": "report", "limits": limits}), "plugin/check.rs, progress: they are left out")
            .harmless(),
        told(
            "more tokens than can be counted",
            &json!({"do": "report", "usage": [["input", u64::MAX], ["output", u64::MAX], ["cached-input", u64::MAX]]}),
            "plugin/check.rs, usage",
        )
        .breaks("exchange.start", "18446744073709551615 tokens in one exchange; at most 1099511627776"),
        told(
            "as many tokens as are allowed, again and again",
            &json!({"do": "report", "usage": [["input", 1_u64 << 40], ["output", 1_u64 << 40]]}),
            "usage.rs; telemetry/events.rs",
        )
        .times(10)
        .harmless(),
        told("a failure of a made-up kind", &json!({"do": "fail", "kind": "x\r\ny", "message": "z"}), "plugin/check.rs, name")
            .breaks("exchange.start", "failure.kind \"x  y\"; expected 1 to 128 bytes"),
    ]
}

fn words() -> Vec<Attack> {
    let line = "forged\n{\"level\":\"ERROR\"}\u{1b}[31m".repeat(20);
    vec![
        told(
            "a flood of log lines",
            &json!({"do": "chatter", "lines": 1000, "line": line}),
            "limits.log (plugin/store.rs, say)",
        )
        .under("log = \"64KiB\"")
        .fails(
            "exchange.start",
            "log",
            "logged more in one call than the limit of 65536 bytes (plugins.limits.log)",
        )
        .unless("log = \"64MiB\""),
    ]
}
