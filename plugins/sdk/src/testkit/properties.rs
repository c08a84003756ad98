//! What is to hold for many strategies, whatever they decide by.

use serde_json::Value;

use super::Cases;
use crate::strategy::exported::configured;
use crate::strategy::{Facts, Ranking, Strategy};

/// Pools, and decisions over each.
const POOLS: u64 = 200;
const DECISIONS: usize = 25;
/// Of a normal distribution: one test in two million fails by chance, and the tests' chance is the same in every run.
const DEVIATIONS: f64 = 5.0;

/// Over thousands of made-up decisions, each with the state that the one before it returned: every candidate that is
/// offered, available or not, is ranked exactly once, and a second instance decides the same.
///
/// # Panics
///
/// It is not so.
pub fn assert_ranks_everybody<S: Strategy>(settings: &Value) {
    let settings = settings.to_string();
    let facts = S::describe().facts;
    for seed in 0..POOLS {
        let cases = Cases::new(seed, &facts);
        let pool = cases.pool().to_vec();
        let instance = || configured::<S>(&settings, pool.clone()).expect("settings that it takes");
        let mut strategies = [instance(), instance()];
        let mut state = Vec::new();
        for case in cases.take(DECISIONS) {
            let facts = Facts::new(&case.facts, case.candidates.len());
            let [ranking, again]: [Ranking; 2] = strategies.each_mut().map(|strategy| {
                let ranking = strategy.rank(&case.request, &case.candidates, facts, &state);
                ranking.unwrap_or_else(|error| panic!("rank failed: {error}: {case:?}"))
            });
            assert_eq!(ranking, again, "two answers to {case:?}");
            let mut ranked = ranking.order.clone();
            ranked.sort_unstable();
            let mut offered = case.candidates.clone();
            offered.sort_unstable();
            assert_eq!(ranked, offered, "{:?} of {case:?}", ranking.order);
            state = ranking.state.unwrap_or(state);
        }
    }
}

/// What [`Bench::served`](super::Bench::served) counted follows these shares, which add up to 1: no count is further
/// from its share than five standard deviations, and nobody without a share was served.
///
/// # Panics
///
/// It is not so.
pub fn assert_shares(served: &[usize], shares: &[f64]) {
    assert_eq!(served.len(), shares.len(), "a share for each candidate");
    let all = served.iter().sum::<usize>() as f64;
    for (candidate, (&served, &share)) in served.iter().zip(shares).enumerate() {
        let expected = all * share;
        let most = DEVIATIONS * (expected * (1.0 - share)).sqrt();
        let off = (served as f64 - expected).abs();
        assert!(
            off <= most,
            "candidate {candidate} was served {served} times of {all}, not {expected:.0} +- {most:.0}"
        );
    }
}
