//! Strategies that rank pools with facts as a gateway under load would give them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use patchbay::chat::Operation;
use patchbay::config::Plugins;
use patchbay::plugin::{Engine, Plugin, PoolMember, Role, Serves, StrategyInstance, StrategyPlugin, Turn};
use serde_json::json;

use crate::guests::NOW;

/// A strategy with a pool, in an instance that is used again and again.
#[derive(Debug)]
pub struct Ranking {
    instance: StrategyInstance,
    turn: Turn,
    candidates: Vec<u32>,
    /// They change between requests, so that no processor learns a sort by heart.
    moments: Vec<Vec<f64>>,
    state: Vec<u8>,
}

const MOMENTS: usize = 64;
/// Models at each account of a pool.
const MODELS: u32 = 4;

/// Every strategy in a folder, in the order of their names.
pub fn strategies(folder: &Path) -> Result<Vec<Arc<StrategyPlugin>>> {
    let plugins = Plugins::default();
    let engine = Engine::new(&plugins)?;
    let mut files: Vec<_> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "wasm"));
    files.sort();
    let mut strategies = Vec::new();
    for path in files {
        let plugin = Plugin::from_file(&engine, &path, &plugins)
            .with_context(|| format!("cannot load {}", path.display()))?;
        if let Serves::Strategy(strategy) = plugin.serves {
            strategies.push(strategy);
        }
    }
    ensure!(
        !strategies.is_empty(),
        "no strategy in {}: run `make plugins`",
        folder.display()
    );
    Ok(strategies)
}

// === impl Ranking ===

impl Ranking {
    /// Over a pool of so many candidates, all of which are offered.
    pub fn new(strategy: &Arc<StrategyPlugin>, candidates: u32) -> Result<Self> {
        let mut numbers = Numbers(u64::from(candidates));
        let mut moment = || -> Vec<f64> {
            let facts = strategy.facts();
            (0..candidates)
                .flat_map(|candidate| facts.iter().map(move |fact| (fact, candidate)))
                .map(|(fact, candidate)| numbers.fact(fact, candidate))
                .collect()
        };
        let pool: Vec<PoolMember> = (0..candidates).map(member).collect();
        let settings = settings(strategy.name(), &pool);
        let instance = strategy
            .instance(&settings, &pool, Role::Live)
            .with_context(|| format!("no settings for {} are known here", strategy.name()))?;
        Ok(Self {
            instance,
            turn: Turn {
                operation: Operation::Chat,
                model: "model".to_owned(),
                caller: "bench".to_owned(),
                tags: Vec::new(),
                streaming: true,
                input_tokens: 250,
                sequence: 0,
                entropy: 0,
                now: NOW,
                deadline: NOW + 250_000,
            },
            candidates: (0..candidates).collect(),
            moments: (0..MOMENTS).map(|_| moment()).collect(),
            state: Vec::new(),
        })
    }

    /// Ranks all candidates with the state it returned last; returns the best.
    pub fn rank(&mut self) -> Result<u32> {
        self.turn.sequence += 1;
        self.turn.entropy = Numbers(self.turn.sequence).bits();
        let moment = usize::try_from(self.turn.sequence)? % MOMENTS;
        let facts = &self.moments[moment];
        let ranked = self
            .instance
            .rank(&self.turn, &self.candidates, facts, &self.state)?;
        if let Some(state) = ranked.state {
            self.state = state;
        }
        ranked.order.first().copied().context("nobody was ranked")
    }
}

fn member(index: u32) -> PoolMember {
    let account = index / MODELS;
    PoolMember {
        vendor: format!("vendor-{}", account % 6),
        account: format!("account-{account}"),
        model: format!("model-{}", index % MODELS),
        tags: Vec::new(),
    }
}

/// Those that a strategy does not do without.
fn settings(strategy: &str, pool: &[PoolMember]) -> String {
    match strategy {
        "fallback-chain" => {
            let account = |member: &PoolMember| json!({"account": member.account, "model": member.model});
            let order: Vec<_> = pool.iter().rev().step_by(3).map(account).collect();
            json!({ "order": order }).to_string()
        }
        _ => "{}".to_owned(),
    }
}

/// Made up, and the same in every run. SplitMix64.
struct Numbers(u64);

impl Numbers {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A whole number from 0 on, below `end`.
    fn below(&mut self, end: u32) -> f64 {
        f64::from((self.bits() >> 32) as u32 % end)
    }

    /// What a candidate of a pool under load may have.
    fn fact(&mut self, fact: &str, candidate: u32) -> f64 {
        let model = f64::from(candidate % MODELS);
        match fact {
            "available" => f64::from(u8::from(self.below(12) > 0.0)),
            "health" => 1.0 - (self.below(12) - 9.0).max(0.0) / 2.0,
            "weight" => f64::from(1 + candidate / MODELS % 5),
            "priority" => f64::from(candidate / MODELS % 3),
            "in-flight" => self.below(8),
            "requests" => self.below(1_000_000),
            "consecutive-failures" => (self.below(12) - 8.0).max(0.0),
            "success-rate" => 1.0 - self.below(200) / 1000.0,
            "latency-ms" => 300.0 + 500.0 * model + self.below(1_000_000) / 1000.0,
            "latency-p95-ms" => 900.0 + 1500.0 * model + self.below(1_000_000) / 1000.0,
            "first-token-ms" => 100.0 + 50.0 * model + self.below(100_000) / 1000.0,
            "input-price" => 0.15 * (1.0 + model),
            "output-price" => 0.60 * (1.0 + model),
            "quota-left" => self.below(1000) / 1000.0,
            "context-length" => 32_768.0 * (1.0 + model),
            _ => f64::NAN,
        }
    }
}
