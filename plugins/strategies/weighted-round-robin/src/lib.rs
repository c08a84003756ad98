//! `weighted-round-robin`: candidates take turns, the better ones more often, evenly spread. No candidate is left out.
//!
//! ```text
//! effective = weight × max(success rate × speed, floor)
//! speed     = fastest latency / own latency            success rate and speed are 1 while unknown
//! ```
//!
//! "Fastest" means among those of the call that can be asked now, and a latency below a millisecond counts as one. An
//! unknown weight is 1; a weight of 0 gets no turns while anybody else is there.
//!
//! The turns are those of nginx's smooth weighted round-robin (`ngx_http_upstream_round_robin.c`): each candidate's current weight grows by its effective one, the highest goes
//! first and gives up the sum of all. Here all of it is divided by that sum, so that a current weight counts turns that
//! are owed, and keeps its meaning when the effective ones change. Behind the first the order is that of the current
//! weights; among equals that of the pool.
//!
//! Whoever cannot be asked now goes last, and neither gains nor loses turns: who comes back is not flooded, and has his
//! share at once.

mod currents;

use patchbay_sdk::strategy::{Candidate, Description, Fact, Facts, Ranking, Request, Strategy};
use serde::Deserialize;

/// Weights beyond this count as this, so that their sum is a number.
const MOST: f64 = 1e12;

#[derive(Debug)]
pub struct WeightedRoundRobin {
    floor: f64,
    /// For notes.
    names: Vec<String>,
    /// What stands for each candidate's name in the state.
    marks: Vec<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    floor: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { floor: 0.05 }
    }
}

impl Strategy for WeightedRoundRobin {
    type Settings = Settings;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION"))
            .settings_schema(include_str!("settings.schema.json"))
            .facts([Fact::Available, Fact::Weight, Fact::SuccessRate, Fact::LatencyMs])
    }

    fn configure(Settings { floor }: Settings, pool: Vec<Candidate>) -> Result<Self, String> {
        if !(0.001..=1.0).contains(&floor) {
            return Err(format!("floor is {floor}; give a number from 0.001 to 1"));
        }
        if pool.len() > currents::MOST {
            return Err(format!(
                "{} candidates; at most {} fit the state",
                pool.len(),
                currents::MOST
            ));
        }
        let marks = pool.iter().map(currents::mark).collect();
        Ok(Self {
            floor,
            names: pool.iter().map(Candidate::to_string).collect(),
            marks,
        })
    }

    fn rank(
        &mut self,
        _: &Request,
        candidates: &[u32],
        facts: Facts<'_>,
        state: &[u8],
    ) -> Result<Ranking, String> {
        let mut places = self.effective(facts.rows());
        let here = places.iter().filter(|effective| !effective.is_nan());
        let (total, here) = here.fold((0.0, 0.0), |(total, here), effective| {
            (total + effective, here + 1.0)
        });
        let mut currents = currents::read(&self.marks, state);
        for (place, &candidate) in places.iter_mut().zip(candidates) {
            if !place.is_nan() {
                let current = &mut currents[candidate as usize];
                *current += if total > 0.0 { *place / total } else { 1.0 / here };
                *place = *current;
            }
        }
        let ranking = Ranking::highest_first(candidates, |row| places[row]);
        let Some(&first) = ranking.order.first().filter(|_| here > 0.0) else {
            return Ok(ranking);
        };
        currents[first as usize] -= 1.0;
        Ok(ranking
            .state(currents::write(&self.marks, &currents))
            .note(["the turn of ", &self.names[first as usize]].concat()))
    }
}

impl WeightedRoundRobin {
    /// Of each row, NaN for those that cannot be asked now: their place is the last.
    fn effective(&self, rows: &[[f64; 4]]) -> Vec<f64> {
        let here = rows.iter().filter(|row| is_here(row));
        let lower = |fastest, own| if own < fastest { own } else { fastest };
        let fastest = here.map(latency).fold(f64::MAX, lower);
        let effective = |row: &[f64; 4]| {
            let quality = or_one(row[2]) * or_one(fastest / latency(row));
            or_one(row[1]).clamp(0.0, MOST) * quality.clamp(self.floor, 1.0)
        };
        let of = |row| if is_here(row) { effective(row) } else { f64::NAN };
        rows.iter().map(of).collect()
    }
}

/// What is not known to be away takes its turn.
fn is_here(row: &[f64; 4]) -> bool {
    row[0] != 0.0
}

fn latency(row: &[f64; 4]) -> f64 {
    row[3].clamp(1.0, f64::MAX)
}

fn or_one(number: f64) -> f64 {
    if number.is_nan() { 1.0 } else { number }
}

patchbay_sdk::export_strategy!(WeightedRoundRobin);

#[cfg(test)]
mod tests;
