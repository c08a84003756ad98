//! `fallback-chain`: the order stands in the settings.
//!
//! ```toml
//! settings.order = [
//!     { vendor = "openai", account = "main", model = "gpt-4o" },
//!     { model = "meta/llama-3" },     # at every vendor, with every account
//!     { vendor = "local" },           # every model there
//! ]
//! ```
//!
//! An entry means all candidates that fit what it says, in the order of the pool; whom two entries fit, the first one
//! places. Whom none fits goes last in the order of the pool, or is left out if `only` is set.
//!
//! An entry that fits nobody is told of on the log and is no error: accounts come and go while the gateway runs, and
//! an error would put this order out of use altogether, for want of one of its entries.

use patchbay_sdk::log;
use patchbay_sdk::strategy::{Candidate, Description, Facts, Ranking, Request, Strategy};
use serde::Deserialize;

#[derive(Debug)]
pub struct FallbackChain {
    /// Indices into the pool.
    chain: Vec<u32>,
    pool: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    order: Vec<Entry>,
    #[serde(default)]
    only: bool,
}

/// What is not said fits everybody.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    vendor: Option<String>,
    account: Option<String>,
    model: Option<String>,
}

impl Strategy for FallbackChain {
    type Settings = Settings;

    fn describe() -> Description {
        Description::new(env!("CARGO_PKG_VERSION")).settings_schema(include_str!("settings.schema.json"))
    }

    fn configure(Settings { order, only }: Settings, pool: Vec<Candidate>) -> Result<Self, String> {
        for (number, entry) in (1..).zip(&order) {
            if !pool.iter().any(|candidate| entry.fits(candidate)) {
                log::warn(&format!("order: entry {number} fits no candidate: {entry}"));
            }
        }
        let last = (!only).then_some(order.len());
        let place = |candidate: &Candidate| order.iter().position(|entry| entry.fits(candidate)).or(last);
        let mut chain: Vec<(usize, u32)> = (0..)
            .zip(&pool)
            .filter_map(|(index, candidate)| Some((place(candidate)?, index)))
            .collect();
        chain.sort_unstable();
        Ok(Self {
            chain: chain.into_iter().map(|(_, index)| index).collect(),
            pool: pool.len(),
        })
    }

    fn rank(&mut self, _: &Request, candidates: &[u32], _: Facts<'_>, _: &[u8]) -> Result<Ranking, String> {
        let mut offered = vec![false; self.pool];
        for &candidate in candidates {
            offered[candidate as usize] = true;
        }
        let order = self
            .chain
            .iter()
            .copied()
            .filter(|&candidate| offered[candidate as usize]);
        Ok(Ranking::new(order.collect()))
    }
}

impl Entry {
    fn fits(&self, candidate: &Candidate) -> bool {
        let fits = |said: &Option<String>, name: &String| said.as_ref().is_none_or(|said| said == name);
        fits(&self.vendor, &candidate.vendor)
            && fits(&self.account, &candidate.account)
            && fits(&self.model, &candidate.model)
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            ("vendor", &self.vendor),
            ("account", &self.account),
            ("model", &self.model),
        ];
        let said = parts
            .iter()
            .filter_map(|(part, name)| Some(format!("{part} = {:?}", name.as_ref()?)));
        out.write_str(&said.collect::<Vec<_>>().join(", "))
    }
}

patchbay_sdk::export_strategy!(FallbackChain);

#[cfg(test)]
mod tests;
