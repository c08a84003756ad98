//! The order of the ladder. A step is a number that counts from its foot, and means nothing once the pool has changed.

use std::collections::BTreeMap;

use patchbay_sdk::strategy::Candidate;

#[derive(Debug)]
pub(crate) struct Steps {
    pool: Vec<Candidate>,
    /// Indices into the pool, by step.
    candidates: Vec<u32>,
    /// Steps, by index into the pool.
    step_of: Vec<usize>,
}

impl Steps {
    pub(crate) fn new(pool: Vec<Candidate>) -> Self {
        let mut accounts = BTreeMap::new();
        let account_of: Vec<usize> = pool
            .iter()
            .map(|candidate| {
                let next = accounts.len();
                *accounts
                    .entry((&candidate.vendor, &candidate.account))
                    .or_insert(next)
            })
            .collect();
        let mut candidates: Vec<u32> = (0..pool.len() as u32).collect();
        candidates.sort_by_key(|&candidate| account_of[candidate as usize]);
        let mut step_of = vec![0; pool.len()];
        for (step, &candidate) in candidates.iter().enumerate() {
            step_of[candidate as usize] = step;
        }
        Self {
            pool,
            candidates,
            step_of,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.candidates.len()
    }

    /// `candidate`: index into the pool.
    pub(crate) fn of(&self, candidate: u32) -> usize {
        self.step_of[candidate as usize]
    }

    /// An index into the pool.
    pub(crate) fn candidate(&self, step: usize) -> u32 {
        self.candidates[step]
    }

    pub(crate) fn at(&self, step: usize) -> &Candidate {
        &self.pool[self.candidates[step] as usize]
    }

    /// All steps from this one on.
    pub(crate) fn round(&self, from: usize) -> impl Iterator<Item = usize> {
        (from..self.len()).chain(0..from)
    }

    pub(crate) fn next(&self, step: usize) -> usize {
        (step + 1) % self.len()
    }

    /// The first step of the next account, or of the only one.
    pub(crate) fn next_account(&self, step: usize) -> usize {
        let Candidate { vendor, account, .. } = self.at(step);
        let is_another = |&other: &usize| {
            let other = self.at(other);
            (&other.vendor, &other.account) != (vendor, account)
        };
        self.round(step).find(is_another).unwrap_or(0)
    }
}
