//! The score of a candidate, and what each part of it counts. The formula is explained at the top of the crate.

use patchbay_sdk::strategy::or;
use serde::Deserialize;

/// A share beyond this is a mistake, and infinity would make all scores the same.
const MOST: f64 = 1e6;
/// 0.8 to the power of the failures in a row, beyond 64 of which nothing worth mentioning is left. Multiplied out, since
/// what `powi` gives differs between machines.
const LEFT: [f64; 65] = {
    let mut left = [1.0; 65];
    let mut failures = 1;
    while failures < left.len() {
        left[failures] = left[failures - 1] * 0.8;
        failures += 1;
    }
    left
};

/// What each part of the score counts.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shares {
    weight: f64,
    health: f64,
    performance: f64,
    reliability: f64,
    cost: f64,
    load: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            weight: 0.30,
            health: 0.25,
            performance: 0.20,
            reliability: 0.15,
            cost: 0.10,
            load: 0.0,
        }
    }
}

impl Shares {
    /// Refuses what no order could come of.
    pub(crate) fn check(&self) -> Result<(), String> {
        let all = [
            self.weight,
            self.health,
            self.performance,
            self.reliability,
            self.cost,
            self.load,
        ];
        if let Some(share) = all.iter().find(|share| !(0.0..=MOST).contains(*share)) {
            return Err(format!("{share} is no share; give a number from 0 to {MOST}"));
        }
        if all.iter().sum::<f64>() == 0.0 {
            return Err("all shares are 0, so nothing would be compared; make one of them larger".to_owned());
        }
        Ok(())
    }

    /// `heaviest`, `dearest`: the highest weight and the highest price.
    pub(crate) fn score(&self, row: &[f64; 8], heaviest: f64, dearest: f64) -> f64 {
        let &[weight, health, latency, success, failures, input, output, load] = row;
        self.weight * part(or(weight, 1.0), heaviest)
            + self.health * or(health, 1.0)
            + self.performance * or(1000.0 / (1000.0 + latency), 0.5)
            + self.reliability * or(success, 1.0) * LEFT[(failures as usize).min(LEFT.len() - 1)]
            + self.cost * or(1.0 - part(price(input, output), dearest), 0.5)
            + self.load / (1.0 + or(load, 0.0))
    }
}

/// US dollars per million tokens of a chat.
pub(crate) fn price(input: f64, output: f64) -> f64 {
    (3.0 * or(input, output) + or(output, input)) / 4.0
}

/// Where the highest is 0, all are 0.
fn part(number: f64, highest: f64) -> f64 {
    if number == 0.0 { 0.0 } else { number / highest }
}
