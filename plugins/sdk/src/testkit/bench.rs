//! A strategy over a pool.

use std::collections::HashMap;

use serde_json::Value;

use crate::strategy::exported::{act, configured};
use crate::strategy::{Candidate, Dice, Fact, Facts, Ranking, Request, Steered, Strategy};
use crate::words::Operation;

/// Ranks again and again, as the host would: it counts the requests and keeps the state.
#[derive(Debug)]
pub struct Bench<S> {
    strategy: S,
    pool: u32,
    described: Vec<String>,
    facts: HashMap<String, Vec<f64>>,
    /// What it returned last.
    pub state: Vec<u8>,
    /// The next request. Its sequence number goes up with each ranking.
    pub request: Request,
}

impl<S: Strategy> Bench<S> {
    /// A pool of `size` candidates and no settings.
    pub fn new(size: u32) -> Self {
        Self::configured(&Value::Object(serde_json::Map::new()), pool(size))
            .expect("a strategy without settings")
    }

    pub fn configured(settings: &Value, pool: Vec<Candidate>) -> Result<Self, String> {
        Ok(Self {
            pool: pool.len() as u32,
            strategy: configured(&settings.to_string(), pool)?,
            described: S::describe().facts,
            facts: HashMap::new(),
            state: Vec::new(),
            request: request(),
        })
    }

    /// What is known of each candidate of the pool. What is never said is NaN.
    pub fn fact(mut self, fact: &Fact, numbers: &[f64]) -> Self {
        assert_eq!(numbers.len(), self.pool as usize, "one number for each candidate");
        self.facts.insert(fact.as_str().to_owned(), numbers.to_vec());
        self
    }

    /// Ranks the whole pool.
    pub fn rank(&mut self) -> Ranking {
        self.rank_among(&(0..self.pool).collect::<Vec<_>>())
    }

    /// Ranks a part of the pool.
    pub fn rank_among(&mut self, candidates: &[u32]) -> Ranking {
        let facts = self.rows(candidates);
        let ranking = self
            .strategy
            .rank(
                &self.request,
                candidates,
                Facts::new(&facts, candidates.len()),
                &self.state,
            )
            .unwrap_or_else(|error| panic!("rank failed: {error}"));
        for (place, candidate) in ranking.order.iter().enumerate() {
            assert!(candidates.contains(candidate), "{candidate} is no candidate");
            assert!(
                !ranking.order[..place].contains(candidate),
                "{candidate} is ranked twice"
            );
        }
        if let Some(state) = &ranking.state {
            assert!(state.len() <= 64 * 1024, "the state is too large");
            self.state.clone_from(state);
        }
        self.request.sequence += 1;
        ranking
    }

    /// How often each candidate of the pool is the first in the order that can serve, over so many requests, each
    /// with random bits of its own.
    pub fn served(&mut self, requests: usize) -> Vec<usize> {
        let mut dice = Dice::new(self.request.sequence);
        let mut served = vec![0; self.pool as usize];
        for _ in 0..requests {
            self.request.entropy = dice.bits();
            let order = self.rank().order;
            let first = order
                .into_iter()
                .find(|&candidate| self.number(Fact::Available.as_str(), candidate) != 0.0);
            if let Some(first) = first {
                served[first as usize] += 1;
            }
        }
        served
    }

    /// Makes one of the moves that people may make by hand.
    pub fn act(&mut self, action: &str) -> Result<(), String>
    where
        S: Steered,
    {
        self.state = act(&mut self.strategy, action, &self.state)?;
        Ok(())
    }

    fn rows(&self, candidates: &[u32]) -> Vec<f64> {
        let row = |&candidate: &u32| {
            self.described
                .iter()
                .map(move |fact| self.number(fact, candidate))
        };
        candidates.iter().flat_map(row).collect()
    }

    fn number(&self, fact: &str, candidate: u32) -> f64 {
        self.facts
            .get(fact)
            .map_or(f64::NAN, |numbers| numbers[candidate as usize])
    }
}

/// One that could be the first a public model gets.
pub fn request() -> Request {
    Request {
        operation: Operation::Chat.into(),
        model: "model".to_owned(),
        caller: "caller".to_owned(),
        tags: Vec::new(),
        streaming: false,
        input_tokens: 100,
        affinity: None,
        sequence: 0,
        entropy: 0,
        now: 1_763_000_000_000,
        deadline: 1_763_000_060_000,
    }
}

/// So many candidates, each at an account of its own.
pub fn pool(size: u32) -> Vec<Candidate> {
    (0..size)
        .map(|index| Candidate {
            vendor: format!("vendor-{index}"),
            account: format!("account-{index}"),
            model: "upstream-model".to_owned(),
            tags: Vec::new(),
        })
        .collect()
}
