//! Where it stands: over 9 accounts with 4 models, by failures and by hand, with candidates missing from a call, with
//! the pool changing under it, and with state that is none.

mod moves;
mod pools;

use patchbay_sdk::testkit::{Bench, assert_ranks_everybody, assert_schema_tells_defaults};
use serde_json::json;

use super::*;

/// Candidates as `vendor account model`.
fn candidates(names: &[&str]) -> Vec<Candidate> {
    let member = |name: &&str| {
        let parts: Vec<&str> = name.split(' ').collect();
        Candidate {
            vendor: parts[0].to_owned(),
            account: parts[1].to_owned(),
            model: parts[2].to_owned(),
            tags: Vec::new(),
        }
    };
    names.iter().map(member).collect()
}

/// A ladder at work, and the counts of failures that a host would keep.
struct Climb {
    bench: Option<Bench<Ladder>>,
    pool: Vec<Candidate>,
    failures: Vec<f64>,
    available: Vec<f64>,
}

impl Climb {
    fn new(pool: Vec<Candidate>) -> Self {
        Self {
            bench: Some(Bench::configured(&json!({}), pool.clone()).unwrap()),
            failures: vec![0.0; pool.len()],
            available: vec![1.0; pool.len()],
            pool,
        }
    }

    fn of(names: &[&str]) -> Self {
        Self::new(candidates(names))
    }

    /// As configurations make them: model by model, and each with all accounts.
    fn nine_by_four() -> Self {
        let model = |model| (1..=9).map(move |account| format!("v a{account} m{model}"));
        let names: Vec<String> = (1..=4).flat_map(model).collect();
        Self::of(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The same memory over another pool; nobody has failed yet.
    fn moved_to(mut self, names: &[&str]) -> Self {
        let mut next = Self::of(names);
        next.bench().state = std::mem::take(&mut self.bench().state);
        next
    }

    fn bench(&mut self) -> &mut Bench<Ladder> {
        self.bench.as_mut().unwrap()
    }

    fn rank_among(&mut self, part: &[u32]) -> Ranking {
        let bench = self.bench.take().unwrap();
        let bench = bench
            .fact(&Fact::ConsecutiveFailures, &self.failures)
            .fact(&Fact::Available, &self.available);
        let ranking = self.bench.insert(bench).rank_among(part);
        assert_eq!(ranking.order.len(), part.len(), "nobody is lost");
        ranking
    }

    fn rank(&mut self) -> Ranking {
        self.rank_among(&(0..self.pool.len() as u32).collect::<Vec<_>>())
    }

    /// Who is first, as `account model`.
    fn first(&mut self) -> String {
        let order = self.rank().order;
        self.name(order[0])
    }

    fn note(&mut self) -> String {
        self.rank().note.unwrap()
    }

    fn name(&self, candidate: u32) -> String {
        let Candidate { account, model, .. } = &self.pool[candidate as usize];
        format!("{account} {model}")
    }

    fn names(&self, ranking: &Ranking) -> Vec<String> {
        ranking
            .order
            .iter()
            .map(|&candidate| self.name(candidate))
            .collect()
    }

    fn index(&self, name: &str) -> usize {
        (0..self.pool.len())
            .find(|&index| self.name(index as u32) == name)
            .unwrap()
    }

    fn fails(&mut self, name: &str, times: u32) {
        let index = self.index(name);
        self.failures[index] += f64::from(times);
    }

    fn serves(&mut self, name: &str) {
        let index = self.index(name);
        self.failures[index] = 0.0;
    }

    fn act(&mut self, action: &str) {
        self.bench().act(action).unwrap();
    }
}

/// All steps in order, as `account model`.
fn ladder(accounts: u32, models: u32) -> Vec<String> {
    let models = |account| (1..=models).map(move |model| format!("a{account} m{model}"));
    (1..=accounts).flat_map(models).collect()
}

#[test]
fn settings_are_what_the_schema_says() {
    assert_schema_tells_defaults::<Settings>(&Ladder::describe().settings_schema);
    let refused = Bench::<Ladder>::configured(&json!({"failures": 0}), Vec::new()).unwrap_err();
    assert!(refused.contains("nonzero"), "{refused}");
}

#[test]
fn everybody_is_ranked() {
    assert_ranks_everybody::<Ladder>(&json!({}));
}
