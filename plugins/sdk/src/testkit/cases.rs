//! Decisions made up at random, with everything a host may hand over and some that no host should: to find out what
//! holds for all of them, and whether a component decides as its source does natively.

use super::request;
use crate::strategy::{Candidate, Dice, Request};

/// One decision to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub request: Request,
    /// A part of the pool.
    pub candidates: Vec<u32>,
    /// Row by row.
    pub facts: Vec<f64>,
}

/// Decisions over one pool, one after the other, without end.
#[derive(Clone, Debug)]
pub struct Cases {
    dice: Dice,
    pool: Vec<Candidate>,
    columns: Vec<String>,
    request: Request,
}

impl Cases {
    /// `columns`: the facts, as described. The same seed makes the same cases.
    pub fn new(seed: u64, columns: &[String]) -> Self {
        let mut dice = Dice::new(seed);
        let pool = pool(&mut dice);
        let mut request = request();
        request.sequence = dice.bits() >> (dice.below(63) + 1);
        Self {
            dice,
            pool,
            columns: columns.to_vec(),
            request,
        }
    }

    pub fn pool(&self) -> &[Candidate] {
        &self.pool
    }
}

impl Iterator for Cases {
    type Item = Case;

    fn next(&mut self) -> Option<Case> {
        let dice = &mut self.dice;
        let request = &mut self.request;
        request.sequence += dice.below(3) as u64;
        request.entropy = dice.bits();
        request.streaming = dice.below(2) == 0;
        request.input_tokens = dice.below(100_000) as u32;
        request.now += dice.below(10_000) as u64;
        request.deadline = request.now + 60_000;
        let most = dice.below(4);
        let mut candidates: Vec<u32> = (0..self.pool.len() as u32)
            .filter(|_| most == 0 || dice.below(4) < most)
            .collect();
        if dice.below(8) == 0 {
            candidates.reverse();
        }
        let columns = &self.columns;
        let facts = candidates
            .iter()
            .flat_map(|_| columns)
            .map(|fact| number(dice, fact))
            .collect();
        Some(Case {
            request: request.clone(),
            candidates,
            facts,
        })
    }
}

/// 1 to 60 candidates: some models at each of some accounts.
fn pool(dice: &mut Dice) -> Vec<Candidate> {
    let (size, models) = (1 + dice.below(60), 1 + dice.below(9));
    (0..size)
        .map(|index| {
            let account = index / models;
            Candidate {
                vendor: format!("vendor-{}", account % 3),
                account: format!("account-{account}"),
                model: format!("model-{}", index % models),
                tags: vec![format!("tag-{}", dice.below(4))],
            }
        })
        .collect()
}

/// Mostly what the fact may be, with many ties; now and then what no arithmetic likes.
fn number(dice: &mut Dice, fact: &str) -> f64 {
    match (dice.below(40), fact) {
        (0 | 1, _) => f64::NAN,
        (2, _) => f64::INFINITY,
        (3, _) => -0.0,
        (4, _) => 0.0,
        (5, _) => f64::from_bits(dice.bits()),
        (6, _) => 5e-324,
        (_, "available") => dice.below(2) as f64,
        (_, "health") => dice.below(3) as f64 / 2.0,
        (_, "success-rate" | "quota-left") => dice.below(11) as f64 / 10.0,
        (7..20, _) => dice.fraction() * 3000.0,
        _ => dice.below(5) as f64,
    }
}
