//! Makes up decisions for every strategy, has its source make them on this machine, and prints inputs and answers as
//! lines of JSON, for a test that has the component make them too (`tests/strategies`).
//!
//! `patchbay-native POOLS DECISIONS`: so many pools for each strategy, and so many decisions over each of them.

use std::io::{BufWriter, Write};

use patchbay_sdk::strategy::exported::configured;
use patchbay_sdk::strategy::{Facts, Ranking, Strategy};
use patchbay_sdk::testkit::{Case, Cases};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

/// Where the lines go, and how many are wanted.
struct Report {
    out: BufWriter<std::io::StdoutLock<'static>>,
    pools: u64,
    decisions: usize,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [pools, decisions] = arguments.as_slice() else {
        return Err("usage: patchbay-native POOLS DECISIONS".into());
    };
    let mut report = Report {
        out: BufWriter::new(std::io::stdout().lock()),
        pools: pools.parse()?,
        decisions: decisions.parse()?,
    };
    let none = json!({});
    let chain =
        json!([{"model": "model-0", "account": "account-0"}, {"model": "model-0"}, {"account": "account-0"}]);
    report.decide::<patchbay_composite::Composite>("composite", &none)?;
    report.decide::<patchbay_composite::Composite>("composite", &json!({"weight": 0.1, "load": 3}))?;
    report.decide::<patchbay_cost::Cost>("cost", &none)?;
    report.decide::<patchbay_cost::Cost>("cost", &json!({"input_share": 0.1}))?;
    report.decide::<patchbay_fallback_chain::FallbackChain>("fallback-chain", &json!({"order": chain}))?;
    report.decide::<patchbay_fallback_chain::FallbackChain>(
        "fallback-chain",
        &json!({"order": chain, "only": true}),
    )?;
    report.decide::<patchbay_health::Health>("health", &none)?;
    report.decide::<patchbay_health::Health>("health", &json!({"others_every": 2}))?;
    report.decide::<patchbay_ladder::Ladder>("ladder", &none)?;
    report.decide::<patchbay_ladder::Ladder>("ladder", &json!({"failures": 1}))?;
    report.decide::<patchbay_least_connections::LeastConnections>("least-connections", &none)?;
    report.decide::<patchbay_priority::Priority>("priority", &none)?;
    report.decide::<patchbay_random::Random>("random", &none)?;
    report.decide::<patchbay_response_time::ResponseTime>("response-time", &none)?;
    report.decide::<patchbay_response_time::ResponseTime>("response-time", &json!({"others_every": 3}))?;
    report.decide::<patchbay_round_robin::RoundRobin>("round-robin", &none)?;
    report.decide::<patchbay_weighted::Weighted>("weighted", &none)?;
    report.decide::<patchbay_weighted_round_robin::WeightedRoundRobin>("weighted-round-robin", &none)?;
    report.decide::<patchbay_weighted_round_robin::WeightedRoundRobin>(
        "weighted-round-robin",
        &json!({"floor": 1}),
    )?;
    report.out.flush()?;
    Ok(())
}

// === impl Report ===

impl Report {
    /// Each pool's decisions are made one after the other, with the state that came of the one before.
    fn decide<S: Strategy>(&mut self, name: &str, settings: &Value) -> Result<(), Failure> {
        let settings = settings.to_string();
        for seed in 0..self.pools {
            let cases = Cases::new(seed, &S::describe().facts);
            let mut strategy = configured::<S>(&settings, cases.pool().to_vec())?;
            let member = |candidate: &patchbay_sdk::strategy::Candidate| {
                json!([
                    candidate.vendor,
                    candidate.account,
                    candidate.model,
                    candidate.tags
                ])
            };
            let pool: Vec<Value> = cases.pool().iter().map(member).collect();
            self.say(&json!({"pool": {"strategy": name, "settings": settings, "members": pool}}))?;
            let mut state = Vec::new();
            for case in cases.take(self.decisions) {
                let facts = Facts::new(&case.facts, case.candidates.len());
                let ranking = strategy.rank(&case.request, &case.candidates, facts, &state)?;
                self.say(&decision(&case, &state, &ranking))?;
                state = ranking.state.unwrap_or(state);
            }
        }
        Ok(())
    }

    fn say(&mut self, line: &Value) -> std::io::Result<()> {
        writeln!(self.out, "{line}")
    }
}

/// Numbers go as their bits, because JSON has neither NaN nor minus zero.
fn decision(case: &Case, state: &[u8], ranking: &Ranking) -> Value {
    let request = &case.request;
    let facts: Vec<u64> = case.facts.iter().map(|number| number.to_bits()).collect();
    json!({"decision": {
        "model": request.model,
        "caller": request.caller,
        "streaming": request.streaming,
        "input_tokens": request.input_tokens,
        "sequence": request.sequence,
        "entropy": request.entropy,
        "now": request.now,
        "deadline": request.deadline,
        "candidates": case.candidates,
        "facts": facts,
        "state": state,
        "answer": {"order": ranking.order, "state": ranking.state, "note": ranking.note},
    }})
}
