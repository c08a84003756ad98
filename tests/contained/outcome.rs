//! What came of an attack, as text: what callers got, what the log says, what was counted.
//!
//! For callers: `callers: <status> <code>`, then a line `logged: <function>: <message>` and a line
//! `counted: <function> <problem>` for each kind of plugin failure, and what the vendor got if the attack may call it:
//! `sent: <path> <body>`. For a file: `taken`, or `kept: <problem>` if the
//! good one goes on serving, with what was logged and how often it was counted.

use std::collections::{BTreeMap, BTreeSet};

use patchbay_tests::{Answer, Gateway};
use serde_json::{Value, json};

use crate::stage::SUSPECT;

/// No reason needs more words, in bytes.
const LONGEST_REASON: usize = 4096;

/// What was known before the attack, so that what it changed can be told.
pub(crate) struct Before {
    /// Lines of the log.
    lines: usize,
    failures: BTreeMap<String, f64>,
    refusals: f64,
    serving: Value,
}

// === impl Before ===

impl Before {
    /// Waits until the log has said all that happened until now.
    pub(crate) async fn look(gateway: &Gateway) -> Self {
        let lines = gateway.log_lines();
        let request = json!({"model": "good", "messages": [{"role": "user", "content": "Anything else?"}]});
        let answer = gateway.client().chat(&request).await;
        said_all(gateway, lines, &answer).await;
        Self {
            lines: gateway.log_lines(),
            failures: failures(gateway).await,
            refusals: refusals(gateway).await,
            serving: gateway.plugin(SUSPECT).await["serving"].clone(),
        }
    }

    /// What the callers got, and what the operator saw of it.
    pub(crate) async fn calls(&self, gateway: &Gateway, answers: &[Answer]) -> String {
        let got: BTreeSet<String> = answers.iter().map(line).collect();
        let mut lines = vec![format!(
            "callers: {}",
            got.into_iter().collect::<Vec<_>>().join(", ")
        )];
        for answer in answers {
            said_all(gateway, self.lines, answer).await;
        }
        let listed = gateway.admin().get("/admin/plugins").await.json();
        let notices = listed["notices"].as_array().into_iter().flatten();
        lines.extend(notices.map(|notice| format!("noticed: {}", notice.as_str().unwrap_or_default())));
        lines.extend(self.logged(gateway));
        let more = failures(gateway).await.into_iter();
        let more = more.filter(|(name, count)| *count > self.failures.get(name).copied().unwrap_or_default());
        lines.extend(more.map(|(name, _)| format!("counted: {name}")));
        lines.join("\n")
    }

    fn logged(&self, gateway: &Gateway) -> BTreeSet<String> {
        let log = gateway.log_after(self.lines);
        let ours = log
            .iter()
            .filter(|line| is_suspect(&line["plugin"]) && line["function"].is_string());
        let text = |line: &Value, member: &str| line[member].as_str().unwrap_or_default().to_owned();
        ours.map(|line| format!("logged: {}: {}", text(line, "function"), text(line, "message")))
            .collect()
    }

    /// What became of the suspect's file.
    pub(crate) async fn file(&self, gateway: &Gateway) -> String {
        let now = gateway.plugin(SUSPECT).await;
        let Some(problem) = now["problem"].as_str() else {
            return if now["serving"] == self.serving {
                "not looked at"
            } else {
                "taken"
            }
            .to_owned();
        };
        let kept = if now["serving"] == self.serving {
            "kept"
        } else {
            "lost"
        };
        let counted = refusals(gateway).await - self.refusals;
        let why = |line: &Value| line["part"] == SUSPECT;
        let logged = gateway.logged_after(self.lines, "why it is not used", why).await;
        let logged = logged["message"].as_str().unwrap_or_default();
        let logged = logged.trim_start_matches("the newest version is not used: ");
        format!(
            "{kept}: {}\nlogged: {}\ncounted: {counted}",
            bounded(problem),
            bounded(logged)
        )
    }
}

/// Waits for the record of a request. The log is in order: what was said about a request stands before its record.
async fn said_all(gateway: &Gateway, lines: usize, answer: &Answer) {
    let id = answer.header("x-request-id");
    let is_it = |line: &Value| line["message"] == "request" && line["request_id"] == id;
    gateway
        .logged_after(lines, "the record of a request", is_it)
        .await;
}

/// Status and code of an answer.
pub(crate) fn line(answer: &Answer) -> String {
    let code = (answer.status >= 400).then(|| answer.error().code.unwrap_or_default());
    format!("{} {}", answer.status, code.unwrap_or_default())
        .trim_end()
        .to_owned()
}

/// Failures of the suspect by function and problem.
async fn failures(gateway: &Gateway) -> BTreeMap<String, f64> {
    let samples = gateway
        .samples("patchbay_plugin_failures_total")
        .await
        .into_iter();
    let ours = samples.filter(|(labels, _)| is_suspect(&labels["plugin"].clone().into()));
    let mut failures = BTreeMap::new();
    for (labels, count) in ours {
        *failures
            .entry(format!("{} {}", labels["function"], labels["problem"]))
            .or_default() += count;
    }
    failures
}

async fn refusals(gateway: &Gateway) -> f64 {
    gateway
        .metric("patchbay_reload_failures_total", &[("part", SUSPECT)])
        .await
}

fn is_suspect(plugin: &Value) -> bool {
    let name = plugin.as_str().and_then(|plugin| plugin.split('@').next());
    name == Some(SUSPECT)
}

fn bounded(reason: &str) -> String {
    if reason.len() <= LONGEST_REASON {
        reason.to_owned()
    } else {
        format!("{} bytes of words", reason.len())
    }
}
