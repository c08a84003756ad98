//! A strategy's component decides as its source does: for each strategy at least 10,000 made-up decisions, with all that
//! numbers may be, compared to the bit with what the same crate makes of them when it is compiled for this machine
//! (`plugins/native`). So what a test kit shows holds for the component, and what was recorded can be replayed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it must be"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use patchbay::chat::Operation;
use patchbay::config::Plugins;
use patchbay::plugin::{
    Engine, Plugin, PoolMember, Ranked, Role, Serves, StrategyInstance, StrategyPlugin, Turn,
};
use patchbay_tests::root;
use serde::Deserialize;

/// For each strategy, and decisions over each of them.
const POOLS: usize = 400;
const DECISIONS: usize = 25;

/// What the native program says.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Pool(Pool),
    Decision(Decision),
}

/// The decisions that follow are over this one.
#[derive(Deserialize)]
struct Pool {
    strategy: String,
    settings: String,
    /// Vendor, account, model and tags.
    members: Vec<(String, String, String, Vec<String>)>,
}

#[derive(Debug, Deserialize)]
struct Decision {
    model: String,
    caller: String,
    streaming: bool,
    input_tokens: u32,
    sequence: u64,
    entropy: u64,
    now: u64,
    deadline: u64,
    candidates: Vec<u32>,
    /// Their bits.
    facts: Vec<u64>,
    state: Vec<u8>,
    answer: Answer,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Answer {
    order: Vec<u32>,
    state: Option<Vec<u8>>,
    note: Option<String>,
}

#[test]
fn components_decide_as_their_sources_do() {
    let components = components();
    let mut same: BTreeMap<String, usize> = components.keys().map(|name| (name.clone(), 0)).collect();
    let mut over: Option<(Pool, StrategyInstance)> = None;
    let mut native = native();
    for line in BufReader::new(native.stdout.take().unwrap()).lines() {
        match serde_json::from_str(&line.unwrap()).unwrap() {
            Line::Pool(pool) => {
                let component = components.get(&pool.strategy);
                let component =
                    component.unwrap_or_else(|| panic!("no {}.wasm: run `make plugins`", pool.strategy));
                let instance = component
                    .instance(&pool.settings, &pool.members(), Role::Live)
                    .unwrap();
                over = Some((pool, instance));
            }
            Line::Decision(decision) => {
                let (pool, instance) = over.as_mut().unwrap();
                let answer = decision.ask(instance);
                let (strategy, settings) = (&pool.strategy, &pool.settings);
                assert_eq!(
                    answer, decision.answer,
                    "{strategy} with {settings}: {decision:?}"
                );
                *same.get_mut(strategy).unwrap() += 1;
            }
        }
    }
    assert!(native.wait().unwrap().success());
    let few: Vec<_> = same
        .iter()
        .filter(|&(_, &decisions)| decisions < 10_000)
        .collect();
    assert!(
        few.is_empty(),
        "too few decisions; are they in plugins/native? {few:?}"
    );
    println!("the same decisions: {same:?}");
}

fn native() -> std::process::Child {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(root())
        .args([
            "run",
            "--quiet",
            "--release",
            "--locked",
            "--manifest-path",
            "plugins/Cargo.toml",
        ])
        .args(["--package", "patchbay-native", "--"])
        .args([POOLS.to_string(), DECISIONS.to_string()])
        .stdout(Stdio::piped());
    cargo.spawn().unwrap()
}

/// Every strategy that is shipped, as it was built last.
fn components() -> BTreeMap<String, Arc<StrategyPlugin>> {
    let plugins = Plugins::default();
    let engine = Engine::new(&plugins).unwrap();
    let load = |path: &Path| match Plugin::from_file(&engine, path, &plugins) {
        Ok(plugin) => plugin.serves,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let shipped = std::fs::read_dir(root().join("plugins/strategies")).unwrap();
    let names = shipped.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let strategy = |name: String| {
        let file = root().join("target/plugins").join(format!("{name}.wasm"));
        match load(&file) {
            Serves::Strategy(strategy) => (name, strategy),
            Serves::Adapter(_) => panic!("{} is an adapter", file.display()),
        }
    };
    names.map(strategy).collect()
}

// === impl Pool ===

impl Pool {
    fn members(&self) -> Vec<PoolMember> {
        let member = |(vendor, account, model, tags): &(String, String, String, Vec<String>)| PoolMember {
            vendor: vendor.clone(),
            account: account.clone(),
            model: model.clone(),
            tags: tags.clone(),
        };
        self.members.iter().map(member).collect()
    }
}

// === impl Decision ===

impl Decision {
    fn ask(&self, component: &mut StrategyInstance) -> Answer {
        let turn = Turn {
            operation: Operation::Chat,
            model: self.model.clone(),
            caller: self.caller.clone(),
            tags: Vec::new(),
            streaming: self.streaming,
            input_tokens: self.input_tokens,
            sequence: self.sequence,
            entropy: self.entropy,
            now: self.now,
            deadline: self.deadline,
        };
        let facts: Vec<f64> = self.facts.iter().copied().map(f64::from_bits).collect();
        let ranked = component.rank(&turn, &self.candidates, &facts, &self.state);
        let Ranked { order, state, note } = ranked.unwrap_or_else(|error| panic!("{error}: {self:?}"));
        Answer { order, state, note }
    }
}
