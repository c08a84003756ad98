//! `patchbay config show`

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use crate::cli::output::{Look, say_json};
use crate::cli::remote::Remote;
use crate::cli::style::{BAD, PASSING, QUIET, painted};
use crate::cli::text::{ago, clean};
use crate::clock;
use crate::config::{SettingPath, to_text};

/// Where the marks begin, if the setting leaves room.
const MARK: usize = 44;
/// Longest value that is shown whole, in columns.
const LONGEST: usize = 200;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay config show --config patchbay.toml
  patchbay config show | grep 'run time'       what was set at run time
  patchbay config show --json | jq .changes

Asks the running gateway. Each line is a PATH for `config set`. What is not shown has its default; credentials are
masked.")]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    look: Look,
}

/// What is read of the answer.
#[derive(Deserialize)]
struct Answer {
    file: String,
    values: Vec<Shown>,
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Shown {
    path: String,
    value: Value,
    line: Option<usize>,
}

#[derive(Deserialize)]
struct Change {
    path: String,
    removed: bool,
    at: u64,
    in_effect: bool,
    why: Option<String>,
    in_file: Option<Value>,
}

// === impl Show ===

impl Show {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let told = self.remote.find()?.get(&["admin", "config"], &[])?;
        if self.look.json {
            say_json(&told);
        } else {
            let answer: Answer =
                serde_json::from_value(told).context("the gateway's answer is not understood")?;
            self.look.show(&answer.render(clock::unix_millis()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

// === impl Answer ===

impl Answer {
    fn render(&self, now: u64) -> String {
        let mut text = format!("# {}, and what was set at run time\n", clean(&self.file, LONGEST));
        let mut table = None;
        for shown in &self.values {
            let own = Some(group(&shown.path));
            if own != table {
                text.push('\n');
                table = own;
            }
            let setting = format!("{} = {}", shown.path, to_text(&shown.value));
            let mark = match shown.line {
                Some(line) => painted(QUIET, &format!("# line {line}")),
                None => painted(PASSING, &format!("# {}", self.set(&shown.path, now))),
            };
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{:MARK$}  {mark}", clean(&setting, LONGEST));
        }
        let removed = self
            .changes
            .iter()
            .filter(|change| change.removed && change.in_effect);
        self.list(&mut text, "removed at run time", removed, now);
        let aside = self.changes.iter().filter(|change| !change.in_effect);
        self.list(
            &mut text,
            "set at run time and set aside, since it does not fit",
            aside,
            now,
        );
        text
    }

    /// What was set at or above this path last.
    fn set(&self, path: &str, now: u64) -> String {
        let above = |change: &&Change| {
            let below = path.strip_prefix(&change.path);
            change.in_effect && below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
        };
        let Some(change) = self
            .changes
            .iter()
            .filter(above)
            .max_by_key(|change| change.path.len())
        else {
            return "set at run time".to_owned();
        };
        let instead = match &change.in_file {
            Some(value) if change.path == path => format!("; the file says {}", to_text(value)),
            _ => String::new(),
        };
        format!("set at run time, {}{instead}", ago(now, change.at))
    }

    fn list<'a>(&self, text: &mut String, title: &str, changes: impl Iterator<Item = &'a Change>, now: u64) {
        for (index, change) in changes.enumerate() {
            if index == 0 {
                let _ = writeln!(text, "\n# {title}:");
            }
            let when = painted(QUIET, &format!("# {}", ago(now, change.at)));
            let _ = writeln!(text, "{:MARK$}  {when}", clean(&change.path, LONGEST));
            if let Some(why) = &change.why {
                let _ = writeln!(text, "    {}", painted(BAD, &clean(why, LONGEST)));
            }
        }
    }
}

/// What stands together: a vendor's account or model with all of its fields, a public model, a table.
fn group(path: &str) -> SettingPath {
    let path: SettingPath = path.parse().unwrap_or_else(|_| SettingPath::of([path]));
    let keys = path.keys();
    let most = if keys.first() == Some(&"vendors") { 4 } else { 2 };
    let depth = most.min(keys.len().saturating_sub(1)).max(1);
    SettingPath::of(keys.into_iter().take(depth))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_reads_like_the_file_with_marks() {
        let answer: Answer = serde_json::from_value(json!({
            "file": "patchbay.toml",
            "values": [
                {"path": "server.listen", "value": "127.0.0.1:8080", "line": 2},
                {"path": "server.admin_key", "value": "***-key", "line": 3},
                {"path": "vendors.one.accounts.a.weight", "value": 2.5, "line": null},
                {"path": "vendors.one.accounts.b.api_key", "value": "***wxyz", "line": null},
                {"path": "vendors.one.models.\"gpt-4.1\"", "value": {}, "line": 9},
            ],
            "changes": [
                {"path": "vendors.one.accounts.a.weight", "removed": false, "at": 1000, "in_effect": true, "why": null,
                 "in_file": 1.0},
                {"path": "vendors.one.accounts.b", "removed": false, "at": 61000, "in_effect": true, "why": null,
                 "in_file": null},
                {"path": "vendors.one.accounts.c", "removed": true, "at": 61000, "in_effect": true, "why": null,
                 "in_file": null},
                {"path": "vendors.two.models.x.weight", "removed": false, "at": 61000, "in_effect": false,
                 "why": "there is no vendor \"two\"\u{1b}", "in_file": null},
            ],
        }))
        .unwrap();
        let text = anstream::adapter::strip_str(&answer.render(63_000)).to_string();
        let expected = "\
# patchbay.toml, and what was set at run time

server.listen = \"127.0.0.1:8080\"              # line 2
server.admin_key = \"***-key\"                  # line 3

vendors.one.accounts.a.weight = 2.5           # set at run time, 1m 02s ago; the file says 1.0

vendors.one.accounts.b.api_key = \"***wxyz\"    # set at run time, 2s ago

vendors.one.models.\"gpt-4.1\" = {}             # line 9

# removed at run time:
vendors.one.accounts.c                        # 2s ago

# set at run time and set aside, since it does not fit:
vendors.two.models.x.weight                   # 2s ago
    there is no vendor \"two\"
";
        assert_eq!(text, expected);
    }
}
