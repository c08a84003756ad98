//! `patchbay strategies`: who decides for each public model, and moves by hand.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use http::Method;
use serde_json::json;

use super::output::{Look, say_json};
use super::remote::Remote;
use super::style::{BAD, QUIET, painted};
use super::table::{Cell, Column, Table};
use super::text::{WIDTH, clean, wrap};
use crate::config::BUILT_IN;
use crate::route::told::{Acted, ModelView, ShadowView, Strategies as Told, StrategyView};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  patchbay strategies                        who decides for each model, and what can be done by hand
  patchbay strategies --json | jq '.models[] | {model, decides}'
  patchbay strategies act fast next-model    have the strategy of a model do what it offers"
)]
pub(super) struct Strategies {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show who decides for each public model
    List(List),
    /// Have the strategy of a public model do what it offers to be done by hand
    Act(Act),
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    look: Look,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  patchbay strategies act fast reset --config patchbay.toml
  patchbay strategies act org/large next-account

`patchbay strategies` lists what each strategy offers.")]
struct Act {
    /// The public model whose strategy it is
    model: String,
    /// What it is to do
    action: String,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    look: Look,
}

// === impl Strategies ===

impl Strategies {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command.unwrap_or(Command::List(self.list)) {
            Command::List(list) => list.run(),
            Command::Act(act) => act.run(),
        }
    }
}

// === impl List ===

impl List {
    fn run(self) -> anyhow::Result<ExitCode> {
        let told = self.remote.find()?.get(&["admin", "strategies"], &[])?;
        if self.look.json {
            say_json(&told);
        } else {
            let told = serde_json::from_value(told).context("the gateway's answer is not understood")?;
            self.look.show(&render(&told));
        }
        Ok(ExitCode::SUCCESS)
    }
}

// === impl Act ===

impl Act {
    fn run(self) -> anyhow::Result<ExitCode> {
        let body = json!({"model": self.model, "action": self.action});
        let running = self.remote.find()?;
        let told = running.ask(Method::POST, &["admin", "strategies", "act"], &[], Some(&body))?;
        if self.look.json {
            say_json(&told);
        } else {
            let told = serde_json::from_value(told).context("the gateway's answer is not understood")?;
            self.look.show(&done(&told));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn render(told: &Told) -> String {
    if told.models.is_empty() {
        return "There is no model to decide for.\nNext: add [vendors.NAME] with models to the configuration.\n"
            .to_owned();
    }
    let mut table = Table::new(&[
        Column::Left("MODEL"),
        Column::Left("STRATEGY"),
        Column::Right("DECISIONS"),
        Column::Right("STATE"),
    ]);
    for model in &told.models {
        own(&mut table, model);
        if let Some(shadow) = &model.shadow {
            row(&mut table, "  in shadow", &shadow.strategy);
            table.note(format!("    {}", painted(QUIET, &compared(shadow))));
        }
        for strategy in &model.on_request {
            row(&mut table, "  on request", strategy);
        }
    }
    let steered = told.models.iter().find_map(|model| {
        let steered = !model.strategy.as_ref()?.actions.is_empty();
        steered.then(|| clean(&model.model, 64))
    });
    let next = match steered {
        Some(model) => format!("Next: `patchbay strategies act {model} ACTION` moves it by hand.\n"),
        None => "Next: `patchbay explain` tells what they have decided.\n".to_owned(),
    };
    format!("{}\n{next}", table.render(WIDTH))
}

fn own(table: &mut Table, model: &ModelView) {
    match &model.strategy {
        Some(strategy) => row(table, &model.model, strategy),
        None => table.row([
            Cell::new(clean(&model.model, WIDTH)),
            Cell::styled(QUIET, BUILT_IN),
            Cell::new(model.built_in.to_string()),
            Cell::new(""),
        ]),
    }
}

fn row(table: &mut Table, name: &str, strategy: &StrategyView) {
    let shown = strategy.identity.as_ref().unwrap_or(&strategy.name);
    let blanks = name.len() - name.trim_start().len();
    table.row([
        Cell::new(format!("{}{}", " ".repeat(blanks), clean(name, WIDTH))),
        Cell::new(clean(shown, 36)),
        Cell::new(strategy.decisions.to_string()),
        Cell::new(match strategy.state_bytes {
            0 => String::new(),
            bytes => format!("{bytes} B"),
        }),
    ]);
    let indent = " ".repeat(blanks + 2);
    let mut tell = |style, text: &str| {
        for line in wrap(&clean(text, 600), WIDTH - indent.len()) {
            table.note(format!("{indent}{}", painted(style, &line)));
        }
    };
    if let Some(why) = &strategy.missing {
        tell(BAD, &format!("cannot decide: {why}"));
    }
    if strategy
        .settings
        .as_object()
        .is_some_and(|settings| !settings.is_empty())
    {
        tell(QUIET, &format!("settings: {}", strategy.settings));
    }
    if !strategy.actions.is_empty() {
        tell(QUIET, &format!("by hand: {}", strategy.actions.join(", ")));
    }
}

fn compared(shadow: &ShadowView) -> String {
    let counts = [
        ("agreed", shadow.agreed),
        ("differed", shadow.differed),
        ("failed", shadow.failed),
        ("left out", shadow.left_out),
    ];
    let counts = counts.iter().filter(|(_, count)| *count > 0);
    let told: Vec<String> = counts.map(|(what, count)| format!("{what} {count}")).collect();
    match told.len() {
        0 => "nothing decided yet".to_owned(),
        _ => told.join(", "),
    }
}

/// What was done, and where the strategy stands.
fn done(told: &Acted) -> String {
    let first = match &told.first {
        Some(name) => format!(
            "it now puts {}/{} {} first",
            name.vendor, name.account, name.model
        ),
        None => "it puts nobody first now".to_owned(),
    };
    let note = told
        .note
        .as_ref()
        .map_or_else(String::new, |note| format!(" ({note})"));
    let text = format!(
        "{} of {} did {}: {first}{note}",
        told.strategy, told.model, told.action
    );
    let lines = wrap(&clean(&text, 1_000), WIDTH);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::snapshot;
    use crate::decision::told::Name;

    fn strategy(name: &str, decisions: u64, state_bytes: usize) -> StrategyView {
        StrategyView {
            name: name.to_owned(),
            identity: Some(format!("{name}@0.1.0")),
            missing: None,
            settings: json!({}),
            decisions,
            state_bytes,
            actions: Vec::new(),
        }
    }

    fn model(name: &str, strategy: Option<StrategyView>) -> ModelView {
        ModelView {
            model: name.to_owned(),
            candidates: 4,
            decides: BUILT_IN.to_owned(),
            built_in: 12,
            strategy,
            shadow: None,
            on_request: Vec::new(),
        }
    }

    #[test]
    fn who_decides_for_each_model() {
        let steered = StrategyView {
            actions: vec!["reset".to_owned(), "next-model".to_owned()],
            settings: json!({"levels": [["large", "small"], ["tiny"]], "after": 3}),
            ..strategy("stairs", 120_400, 412)
        };
        let missing = StrategyView {
            identity: None,
            missing: Some("there is no plugin \"smoth\": no smoth.wasm in the folder of plugins; did you mean \"smooth\"?".to_owned()),
            ..strategy("smoth", 0, 0)
        };
        let mut first = model("fast", Some(steered));
        first.shadow = Some(ShadowView {
            strategy: strategy("cheapest", 120_390, 0),
            agreed: 98_000,
            differed: 22_388,
            failed: 2,
            left_out: 0,
        });
        first.on_request = vec![strategy("turns", 7, 8)];
        let models = vec![first, model("org/small", None), model("other", Some(missing))];
        snapshot::matches("strategies", &render(&Told { models }));
        assert!(render(&Told { models: vec![] }).contains("no model"));
    }

    #[test]
    fn what_was_done() {
        let mut acted = Acted {
            model: "fast".to_owned(),
            strategy: "stairs@0.1.0".to_owned(),
            action: "next-model".to_owned(),
            state_bytes: 3,
            first: Some(Name {
                vendor: "v".to_owned(),
                account: "a".to_owned(),
                model: "small".to_owned(),
            }),
            note: Some("step 2\nof 3".to_owned()),
        };
        assert_eq!(
            done(&acted),
            "stairs@0.1.0 of fast did next-model: it now puts v/a small first (step 2 of 3)\n"
        );
        (acted.first, acted.note) = (None, None);
        assert_eq!(
            done(&acted),
            "stairs@0.1.0 of fast did next-model: it puts nobody first now\n"
        );
    }
}
