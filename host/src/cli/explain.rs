//! `patchbay explain`: why a request went where it went, from a sentence to the numbers behind it.

mod candidates;
mod latest;
mod story;

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::keys::words::shown_latency;
use super::lines::{INDENT, fact, line};
use super::output::{Look, say_json};
use super::remote::Remote;
use super::style::{BAD, BOLD, GOOD, PASSING, QUIET, painted};
use super::table::{Cell, Column, Table};
use super::text::{WIDTH, ago, clean, wrap};
use crate::decision::told::{Explained, Name, ShadowView};

/// What every request id begins with.
const ID: &str = "req_";
/// Longest note that is shown, in columns.
const LONGEST_NOTE: usize = 600;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay explain                        the latest requests and where they went
  patchbay explain --failed               only those in which something failed
  patchbay explain req_0f3a9c             one of them; the beginning of its x-request-id is enough
  patchbay explain req_0f3a9c --json | jq '.candidates[].facts'

Knows the last 1,000 requests that a candidate was looked for ([decisions] keep).")]
pub(super) struct Explain {
    /// The request, by the header x-request-id of its answer
    #[arg(value_name = "REQUEST-ID", num_args = 0..)]
    request: Vec<String>,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    only: latest::Only,
}

// === impl Explain ===

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let words = self.request.join(" ");
        let running = self.remote.find()?;
        if words.trim().is_empty() {
            let query = self.only.query();
            let query: Vec<(&str, &str)> = query
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let told = running.get(&["admin", "decisions"], &query)?;
            self.show(told, latest::render)?;
            return Ok(ExitCode::SUCCESS);
        }
        let Some(id) = request_id(&words) else {
            let shown = clean(&words, 60);
            bail!("{shown:?} is not a request id; it begins with {ID}, as the answer's x-request-id has it");
        };
        let told = running.get(&["admin", "decisions", &id], &[])?;
        self.show(told, render)?;
        Ok(ExitCode::SUCCESS)
    }

    fn show<T: DeserializeOwned>(
        &self,
        told: Value,
        render: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        if self.look.json {
            say_json(&told);
            return Ok(());
        }
        let told = serde_json::from_value(told).context("the gateway's answer is not understood")?;
        self.look.show(&render(&told));
        Ok(())
    }
}

/// The id in whatever was copied with it: a header's name, quotes, a piece of a log line. The digits alone will do.
fn request_id(words: &str) -> Option<String> {
    let words = words.to_ascii_lowercase();
    let rest = match words.find(ID) {
        Some(at) => words.get(at + ID.len()..)?,
        None => words.trim_matches(|letter: char| !letter.is_alphanumeric()),
    };
    let end = rest
        .find(|letter: char| !letter.is_ascii_hexdigit())
        .unwrap_or(rest.len());
    let (digits, after) = rest.split_at(end);
    let whole = !digits.is_empty() && !after.starts_with(char::is_alphanumeric);
    whole.then(|| format!("{ID}{digits}"))
}

fn render(told: &Explained) -> String {
    let mut text = format!("{}\n\n", painted(BOLD, &clean(&told.asked.request_id, WIDTH)));
    for line in wrap(&story::of(told), WIDTH) {
        text.push_str(&line);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&facts(told));
    text.push('\n');
    text.push_str(&candidates::table(told));
    if !told.attempts.is_empty() {
        text.push('\n');
        text.push_str(&attempts(told));
    }
    text
}

/// One line for each thing that is known of the request and the decision.
fn facts(told: &Explained) -> String {
    let asked = &told.asked;
    let streaming = if asked.streaming { ", streaming" } else { "" };
    let caller = match asked.caller.as_str() {
        "" => String::new(),
        caller => format!(" by {}", clean(caller, 64)),
    };
    let mut text = fact(
        "Asked",
        &format!(
            "{}{caller}: {} with {}{streaming}, about {} tokens",
            ago(told.now, asked.at),
            clean(&asked.operation, 24),
            clean(&asked.model, 64),
            asked.estimated_tokens
        ),
    );
    if !asked.tags.is_empty() {
        text.push_str(&fact("Tags", &clean(&asked.tags.join(", "), LONGEST_NOTE)));
    }
    if let Some(rule) = told.rule {
        text.push_str(&line("Rule", &format!("number {rule} of this model applied")));
    }
    if let Some(why) = &told.failed {
        text.push_str(&fact("No decision", &clean(why, LONGEST_NOTE)));
    }
    if let Some(note) = &told.note {
        text.push_str(&fact("Because", &clean(note, LONGEST_NOTE)));
    }
    if let Some(shadow) = &told.shadow {
        text.push_str(&fact("In shadow", &in_shadow(shadow)));
    }
    if !told.unfit.is_empty() {
        text.push_str(&fact("Not offered", &unfit(&told.unfit, told.rule.is_some())));
    }
    text.push_str(&fact("Ended", &end(told)));
    text
}

/// What the strategy in shadow would have done.
fn in_shadow(shadow: &ShadowView) -> String {
    let strategy = clean(&shadow.strategy, WIDTH);
    let took = match shadow.took_ms {
        Some(millis) if millis > 0.0 => format!(", in {:.0} µs", millis * 1e3),
        _ => String::new(),
    };
    let note = shadow
        .note
        .as_ref()
        .map_or_else(String::new, |note| format!(": {}", clean(note, LONGEST_NOTE)));
    match (&shadow.failed, &shadow.order) {
        (Some(why), _) => format!("{strategy} did not decide: {}", clean(why, LONGEST_NOTE)),
        (None, None) => format!("{strategy} has not decided yet"),
        (None, Some(order)) => match (shadow.agreed, shadow.same_order, order.first()) {
            (Some(true), Some(true), _) => format!("{strategy} agrees in everything{took}{note}"),
            (Some(true), ..) => {
                format!("{strategy} agrees on the first one, not on what follows{took}{note}")
            }
            (_, _, Some(first)) => format!("{strategy} would have put {} first{took}{note}", full(first)),
            (_, _, None) => format!("{strategy} would have left everybody out{took}{note}"),
        },
    }
}

fn unfit(unfit: &[Name], by_rule: bool) -> String {
    let names: Vec<String> = unfit.iter().take(5).map(full).collect();
    let more = match unfit.len().saturating_sub(names.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let why = if by_rule {
        ", or the rule left them out"
    } else {
        ""
    };
    format!("{}{more}: cannot serve such a request{why}", names.join(", "))
}

fn end(told: &Explained) -> String {
    let mut parts = vec![painted_outcome(&told.outcome)];
    if let Some(latency) = told.latency_ms {
        parts[0].push_str(&format!(" after {}", took(Some(latency))));
    }
    if told.first_token_ms.is_some() {
        parts.push(format!("first token after {}", took(told.first_token_ms)));
    }
    if let (Some(input), Some(output)) = (told.input_tokens, told.output_tokens)
        && input + output > 0
    {
        parts.push(format!("{input} tokens in and {output} out"));
    }
    if let Some(cost) = told.cost {
        parts.push(format!("${cost:.6}"));
    }
    parts.join(", ")
}

fn attempts(told: &Explained) -> String {
    let mut table = Table::new(&[
        Column::Left("ATTEMPT"),
        Column::Left("OUTCOME"),
        Column::Right("TOOK"),
    ]);
    for attempt in &told.attempts {
        table.row([
            Cell::new(full(&attempt.name)),
            Cell::styled(style(&attempt.outcome), clean(&attempt.outcome, 32)),
            Cell::new(took(attempt.took_ms)),
        ]);
    }
    table.render(WIDTH)
}

/// How long something took; what is quick, to a tenth of a millisecond.
fn took(millis: Option<f64>) -> String {
    match millis {
        Some(millis) if millis < 9.95 => format!("{millis:.1} ms"),
        millis => shown_latency(millis),
    }
}

/// "openai/main gpt-4o"
fn full(name: &Name) -> String {
    clean(
        &format!("{}/{} {}", name.vendor, name.account, name.model),
        WIDTH - INDENT,
    )
}

fn painted_outcome(outcome: &str) -> String {
    painted(style(outcome), &clean(outcome, 32))
}

fn style(outcome: &str) -> anstyle::Style {
    match outcome {
        "completed" => GOOD,
        "under way" => PASSING,
        "cancelled" => QUIET,
        _ => BAD,
    }
}

#[cfg(test)]
mod tests;
