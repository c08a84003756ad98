//! Counts per account. Must stay cheap enough for benchmarks: counting takes no lock, only the first
//! request of an account copies the table.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use arc_swap::ArcSwap;
use serde::Serialize;

use crate::record::How;

/// Accounts told apart; further ones are counted together as `(others)`, so that random keys cannot
/// fill the memory.
const MOST: usize = 1_000;
const OTHERS: &str = "(others)";

/// What one account has been used for.
#[derive(Clone, Debug, Serialize)]
pub struct AccountSnapshot {
    pub vendor: String,
    pub account: String,
    pub received: u64,
    pub in_flight: u64,
    /// The most that were ever in flight together.
    pub peak_in_flight: u64,
    pub completed: u64,
    pub caller_left: u64,
    pub cut: u64,
}

#[derive(Debug)]
pub(crate) struct Tally {
    vendor: String,
    account: String,
    received: AtomicU64,
    in_flight: AtomicU64,
    peak: AtomicU64,
    completed: AtomicU64,
    caller_left: AtomicU64,
    cut: AtomicU64,
}

#[derive(Debug, Default)]
pub(crate) struct Tallies {
    table: ArcSwap<Table>,
}

#[derive(Clone, Debug, Default)]
struct Table {
    /// By vendor, then account.
    vendors: HashMap<String, HashMap<String, Arc<Tally>>>,
    accounts: usize,
}

// === impl Tallies ===

impl Tallies {
    pub(crate) fn of(&self, vendor: &str, account: &str) -> Arc<Tally> {
        if let Some(tally) = self.table.load().get(vendor, account) {
            return Arc::clone(tally);
        }
        let known = self.table.load().accounts;
        let (vendor, account) = if known < MOST {
            (vendor, account)
        } else {
            (OTHERS, OTHERS)
        };
        let added = Arc::new(Tally::new(vendor, account));
        self.table.rcu(|table| table.with(&added));
        // Another request may have added the same account first; its tally is the one that counts.
        self.table.load().get(vendor, account).map_or(added, Arc::clone)
    }

    /// All accounts, by vendor and name.
    pub(crate) fn list(&self) -> Vec<AccountSnapshot> {
        let table = self.table.load();
        let mut accounts: Vec<_> = table
            .vendors
            .values()
            .flat_map(HashMap::values)
            .map(|t| t.snapshot())
            .collect();
        accounts.sort_by(|a, b| (&a.vendor, &a.account).cmp(&(&b.vendor, &b.account)));
        accounts
    }

    pub(crate) fn in_flight(&self) -> u64 {
        let table = self.table.load();
        table
            .vendors
            .values()
            .flat_map(HashMap::values)
            .map(|tally| tally.in_flight.load(Relaxed))
            .sum()
    }
}

// === impl Table ===

impl Table {
    fn get(&self, vendor: &str, account: &str) -> Option<&Arc<Tally>> {
        self.vendors.get(vendor)?.get(account)
    }

    fn with(&self, tally: &Arc<Tally>) -> Self {
        let mut table = self.clone();
        let accounts = table.vendors.entry(tally.vendor.clone()).or_default();
        if !accounts.contains_key(&tally.account) {
            accounts.insert(tally.account.clone(), Arc::clone(tally));
            table.accounts += 1;
        }
        table
    }
}

// === impl Tally ===

impl Tally {
    fn new(vendor: &str, account: &str) -> Self {
        Self {
            vendor: vendor.to_owned(),
            account: account.to_owned(),
            received: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            completed: AtomicU64::new(0),
            caller_left: AtomicU64::new(0),
            cut: AtomicU64::new(0),
        }
    }

    pub(crate) fn begin(&self) {
        self.received.fetch_add(1, Relaxed);
        let now = self.in_flight.fetch_add(1, Relaxed) + 1;
        self.peak.fetch_max(now, Relaxed);
    }

    pub(crate) fn end(&self, how: How) {
        let count = match how {
            How::Completed => &self.completed,
            How::CallerLeft => &self.caller_left,
            How::Cut => &self.cut,
        };
        count.fetch_add(1, Relaxed);
        self.in_flight.fetch_sub(1, Relaxed);
    }

    fn snapshot(&self) -> AccountSnapshot {
        AccountSnapshot {
            vendor: self.vendor.clone(),
            account: self.account.clone(),
            received: self.received.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed),
            peak_in_flight: self.peak.load(Relaxed),
            completed: self.completed.load(Relaxed),
            caller_left: self.caller_left.load(Relaxed),
            cut: self.cut.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_at_two_vendors_is_two_accounts() {
        let tallies = Tallies::default();
        tallies.of("a", "key").begin();
        tallies.of("b", "key").begin();
        tallies.of("a", "key").begin();
        tallies.of("a", "key").end(How::Cut);
        let seen: Vec<_> = tallies
            .list()
            .iter()
            .map(|a| (a.received, a.in_flight, a.peak_in_flight, a.cut))
            .collect();
        assert_eq!(seen, [(2, 1, 2, 1), (1, 1, 1, 0)]);
        assert_eq!(tallies.in_flight(), 2);
    }

    #[test]
    fn accounts_beyond_the_most_share_a_tally() {
        let tallies = Tallies::default();
        for key in 0..MOST + 5 {
            tallies.of("a", &key.to_string()).begin();
        }
        let accounts = tallies.list();
        assert_eq!(accounts.len(), MOST + 1);
        assert_eq!((accounts[0].account.as_str(), accounts[0].received), (OTHERS, 5));
    }
}
