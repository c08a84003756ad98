//! What `patchbay plugin test` does with a plugin: the trial, twice to see whether it answers the same, and how long
//! its calls take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::adapter::Adapter;
use super::load::{Plugin, Serves};
use super::strategy::{Role, StrategyPlugin};
use super::trial::{TrialError, exchange, pool, rank, rank_once};

/// Calls that are timed.
const CALLS: u32 = 200;
/// Sizes of pools that ranking is timed for.
const POOLS: [u32; 3] = [4, 36, 500];

/// One thing that was tried.
#[derive(Debug, Serialize)]
pub struct Finding {
    pub what: String,
    pub ok: bool,
    /// Why not, or how long it took.
    pub detail: String,
}

// === impl Plugin ===

impl Plugin {
    /// Tries everything that can be tried without a vendor. `settings`: a JSON object.
    pub fn rehearse(&self, settings: &str) -> Vec<Finding> {
        if let Err(problem) = self.check_settings(settings) {
            return vec![Finding {
                what: "settings fit the schema".to_owned(),
                ok: false,
                detail: format!("{problem}; give some with --settings"),
            }];
        }
        match &self.serves {
            Serves::Adapter(adapter) => rehearse_adapter(adapter, settings),
            Serves::Strategy(strategy) => rehearse_strategy(strategy, settings),
        }
    }
}

fn rehearse_adapter(adapter: &Arc<Adapter>, settings: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (streaming, what) in [(false, "a whole answer"), (true, "a stream")] {
        let twice = || exchange(adapter, settings, streaming);
        findings.push(same_twice(&format!("an exchange for {what}"), twice));
    }
    if findings.iter().all(|finding| finding.ok) {
        let time = median(|| exchange(adapter, settings, false).map(|_| ()));
        findings.push(timed("an exchange: instance, start, a failed reply", time));
    }
    findings
}

fn rehearse_strategy(strategy: &Arc<StrategyPlugin>, settings: &str) -> Vec<Finding> {
    let mut findings = vec![same_twice("a decision over 3 candidates", || {
        rank(strategy, settings)
    })];
    if findings.iter().all(|finding| finding.ok) {
        for candidates in POOLS {
            let time = strategy
                .instance(settings, &pool(candidates), Role::Live)
                .map(|mut instance| {
                    median(|| Ok(rank_once(&mut instance, strategy, candidates, 1.0).map(|_| ())?))
                });
            let time = time.unwrap_or_else(|error| Err(error.into()));
            findings.push(timed(&format!("a decision over {candidates} candidates"), time));
        }
    }
    findings
}

/// A plugin that answers differently to the same questions cannot be replayed.
fn same_twice(what: &str, answer: impl Fn() -> Result<String, TrialError>) -> Finding {
    let (ok, detail) = match (answer(), answer()) {
        (Ok(first), Ok(second)) if first == second => (true, "the same answer twice".to_owned()),
        (Ok(_), Ok(_)) => (false, "two answers to the same question".to_owned()),
        (Err(error), _) | (_, Err(error)) => (false, error.to_string()),
    };
    Finding {
        what: what.to_owned(),
        ok,
        detail,
    }
}

fn timed(what: &str, time: Result<Duration, TrialError>) -> Finding {
    let (ok, detail) = match time {
        Ok(time) => (true, format!("{:.1} \u{b5}s", time.as_secs_f64() * 1e6)),
        Err(error) => (false, error.to_string()),
    };
    Finding {
        what: what.to_owned(),
        ok,
        detail,
    }
}

fn median(mut call: impl FnMut() -> Result<(), TrialError>) -> Result<Duration, TrialError> {
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        call()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}
