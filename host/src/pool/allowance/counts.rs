//! What one account, or one of its models, has used, holds reserved and may still use. Pure: time comes with each
//! call, and what is worth saying is returned.
//!
//! Two kinds of measure. A request counts when it is leased, since the vendor sees it soon after. Tokens and money
//! count as reserved for as long as the attempt is under way, and from its end on with what was really used: a stream
//! may write its last token minutes after its first, and at any moment of that no more may be used than there is.

use super::bounds::{Bound, Bounds, Unit};
use super::learned::{Learned, Reported};
use super::measure::{Measure, Now, Outcome, Over, Passed, Passes};
use super::need::{Amount, Demand};
use super::quota::{Period, Span, Told};
use super::window::{Uptime, Window};
use crate::pool::Millis;

/// When room may come, at the earliest, where only what is under way stands in the way.
const SOON: Millis = 1000;

#[derive(Debug, Clone)]
pub(super) struct Counts {
    pub(super) bounds: Bounds,
    requests: Window,
    tokens: Window,
    /// By what is under way.
    reserved: Amount,
    /// Bookings that are counted here.
    under_way: u64,
    /// Of those, requests and tokens that no report of the vendor can hold.
    unreported: (u64, u64),
    pub(super) day: Period,
    pub(super) month: Period,
    learned: Learned,
}

/// The part of one attempt. Whoever has it must settle it.
#[derive(Debug, Default)]
pub(super) struct Booking {
    /// It was booked while there was something to count.
    counted: bool,
    /// The vendor has said what is left after it.
    reported: bool,
    at: Uptime,
    amount: Amount,
}

// === impl Counts ===

impl Counts {
    pub(super) fn new(now: Millis) -> Self {
        Self {
            bounds: Bounds::default(),
            requests: Window::new(),
            tokens: Window::new(),
            reserved: Amount::default(),
            under_way: 0,
            unreported: (0, 0),
            day: Period::new(Span::Day, now),
            month: Period::new(Span::Month, now),
            learned: Learned::default(),
        }
    }

    /// Whether anything has to be looked up before it is asked.
    pub(super) fn are_needed(&self, now: Millis) -> bool {
        !self.bounds.are_none() || !self.learned.is_over(now)
    }

    /// Why nothing at all may be asked now.
    pub(super) fn over(&mut self, now: Now) -> Option<Over> {
        self.over_with(now, None)
    }

    /// Counts an attempt in.
    ///
    /// # Errors
    ///
    /// Why it is not to be made. Nothing is counted then.
    pub(super) fn book(&mut self, now: Now, demand: &Demand) -> Result<Booking, Over> {
        let amount = self.fitted(demand);
        if let Some(over) = self.over_with(now, Some(amount)) {
            return Err(over);
        }
        self.requests.add(now.up, 1);
        self.reserved.tokens += amount.tokens;
        self.reserved.cost += amount.cost;
        self.under_way += 1;
        self.unreported.0 += 1;
        self.unreported.1 += amount.tokens;
        self.learned.count(1, amount.tokens);
        Ok(Booking {
            counted: true,
            reported: false,
            at: now.up,
            amount,
        })
    }

    /// The attempt is over.
    pub(super) fn settle(&mut self, now: Now, booking: &Booking, outcome: Outcome) -> Passes {
        if !booking.counted {
            return Passes::default();
        }
        let reserved = booking.amount;
        self.under_way -= 1;
        self.reserved.tokens = self.reserved.tokens.saturating_sub(reserved.tokens);
        // Sums of floating point numbers do not come back to zero by themselves.
        let none_left = self.under_way == 0;
        self.reserved.cost = if none_left {
            0.0
        } else {
            (self.reserved.cost - reserved.cost).max(0.0)
        };
        let (sent, used) = match outcome {
            Outcome::Unused => (false, Amount::default()),
            Outcome::Used(used) => (true, used),
        };
        if !sent {
            self.requests.take_back(now.up, booking.at, 1);
        }
        if !booking.reported {
            self.unreported.0 = self.unreported.0.saturating_sub(1);
            self.unreported.1 = self.unreported.1.saturating_sub(reserved.tokens);
            self.learned
                .correct(u64::from(!sent), reserved.tokens, used.tokens);
        }
        self.tokens.add(now.up, used.tokens);
        self.turn(now);
        self.day.add(used.tokens, used.cost);
        self.month.add(used.tokens, used.cost);
        self.passes(now)
    }

    /// The vendor says what is left. `in_flight`: attempts under way, counted here or not, the booking's own included.
    pub(super) fn report(&mut self, now: Now, reported: &Reported, booking: &mut Booking, in_flight: u64) {
        if !booking.counted {
            booking.counted = true;
            self.under_way += 1;
        } else if !booking.reported {
            self.unreported.0 = self.unreported.0.saturating_sub(1);
            self.unreported.1 = self.unreported.1.saturating_sub(booking.amount.tokens);
        }
        booking.reported = true;
        // Of those that began before anything was counted, only the number is known.
        let uncounted = in_flight.saturating_sub(self.under_way);
        let on_its_way = (self.unreported.0 + uncounted, self.unreported.1);
        self.learned.report(now.unix, reported, on_its_way);
    }

    /// It was refused: for the operator a quota that has no room for what is asked is used up.
    pub(super) fn refused(&mut self, now: Now, over: &Over) -> Option<Passed> {
        let Over::Bound { bound, needed, .. } = *over else {
            return None;
        };
        let Measure { most, used, .. } = self.measure(bound, now)?;
        let told = self.told(bound)?;
        let is_news = needed <= most && used + needed > most && *told < Told::UsedUp;
        is_news.then(|| {
            *told = Told::UsedUp;
            Passed {
                bound,
                told: Told::UsedUp,
                used,
                most,
            }
        })
    }

    /// What is left of the quota that has the least, 0 to 1; infinite without one.
    pub(super) fn quota_left(&mut self, now: Now) -> f64 {
        let measures = Bound::QUOTAS.map(|bound| self.measure(bound, now));
        let left = measures.into_iter().flatten().map(|measure| measure.left());
        left.fold(f64::INFINITY, f64::min)
    }

    /// The limit and what is used of it, if there is one.
    pub(super) fn measure(&mut self, bound: Bound, now: Now) -> Option<Measure> {
        let most = self.bounds.most(bound)?;
        self.turn(now);
        let (used, reserved) = match bound {
            Bound::RequestsPerMinute => (number(self.requests.sum(now.up)), 0.0),
            Bound::TokensPerMinute => (number(self.tokens.sum(now.up)), number(self.reserved.tokens)),
            Bound::DailyTokens => (number(self.day.tokens), number(self.reserved.tokens)),
            Bound::MonthlyTokens => (number(self.month.tokens), number(self.reserved.tokens)),
            Bound::DailyCost => (self.day.cost, self.reserved.cost),
            Bound::MonthlyCost => (self.month.cost, self.reserved.cost),
        };
        Some(Measure { most, used, reserved })
    }

    /// Milliseconds until so much is left of what is used, whatever is reserved.
    pub(super) fn falls_to(&mut self, bound: Bound, now: Now, most: f64) -> Millis {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number that is not negative"
        )]
        let whole = most.max(0.0) as u64;
        match bound {
            Bound::RequestsPerMinute => self.requests.falls_to(now.up, whole),
            Bound::TokensPerMinute => self.tokens.falls_to(now.up, whole),
            Bound::DailyTokens | Bound::DailyCost => self.day.ends() - now.unix,
            Bound::MonthlyTokens | Bound::MonthlyCost => self.month.ends() - now.unix,
        }
    }

    /// The limits are others: what was said of the old ones is said anew.
    pub(super) fn forget_told(&mut self) {
        for period in [&mut self.day, &mut self.month] {
            (period.told_tokens, period.told_cost) = (Told::Nothing, Told::Nothing);
        }
    }

    pub(super) fn learned(&self) -> &Learned {
        &self.learned
    }

    pub(super) fn turn(&mut self, now: Now) {
        self.day.turn(now.unix);
        self.month.turn(now.unix);
    }

    /// What is worth saying of the quotas now and was not said before.
    pub(super) fn passes(&mut self, now: Now) -> Passes {
        Bound::QUOTAS.map(|bound| {
            let Measure { most, used, .. } = self.measure(bound, now)?;
            let warn_at = self.bounds.warn_at;
            let reached = match used {
                used if used >= most => Told::UsedUp,
                used if used >= most * warn_at => Told::Warned,
                _ => Told::Nothing,
            };
            let told = self.told(bound)?;
            let is_news = reached > *told;
            *told = reached.max(*told);
            is_news.then_some(Passed {
                bound,
                told: reached,
                used,
                most,
            })
        })
    }

    /// What was said of a quota in this period.
    fn told(&mut self, bound: Bound) -> Option<&mut Told> {
        match bound {
            Bound::DailyTokens => Some(&mut self.day.told_tokens),
            Bound::MonthlyTokens => Some(&mut self.month.told_tokens),
            Bound::DailyCost => Some(&mut self.day.told_cost),
            Bound::MonthlyCost => Some(&mut self.month.told_cost),
            Bound::RequestsPerMinute | Bound::TokensPerMinute => None,
        }
    }

    /// What is likely, but no more than the smallest limit if it could be less: a guess refuses nothing.
    fn fitted(&self, demand: &Demand) -> Amount {
        let mut amount = demand.likely;
        for bound in Bound::ALL {
            let Some(most) = self.bounds.most(bound) else {
                continue;
            };
            match bound.unit() {
                Unit::Requests => {}
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a limit of tokens is a whole number"
                )]
                Unit::Tokens => amount.tokens = amount.tokens.min(most as u64).max(demand.sure.tokens),
                Unit::Dollars => amount.cost = amount.cost.min(most).max(demand.sure.cost),
            }
        }
        amount
    }

    /// Of all reasons the one that lasts the longest.
    fn over_with(&mut self, now: Now, amount: Option<Amount>) -> Option<Over> {
        let tokens = amount.map_or(1, |amount| amount.tokens);
        let learned = self.learned.spent(now.unix, tokens).map(Over::Learned);
        let reasons = Bound::ALL.map(|bound| self.over_bound(bound, now, amount));
        let all = reasons.into_iter().flatten().chain(learned);
        all.max_by_key(|over| over.wait(now.unix).unwrap_or(Millis::MAX))
    }

    fn over_bound(&mut self, bound: Bound, now: Now, amount: Option<Amount>) -> Option<Over> {
        let Measure { most, used, reserved } = self.measure(bound, now)?;
        let needed = match (bound.unit(), amount) {
            (Unit::Requests, _) => 1.0,
            (Unit::Tokens, Some(amount)) => number(amount.tokens),
            (Unit::Dollars, Some(amount)) => amount.cost,
            (Unit::Tokens | Unit::Dollars, None) => 0.0,
        };
        if used + reserved + needed <= most && used + reserved < most {
            return None;
        }
        let wait = if needed > most {
            None
        } else if used + needed <= most && used < most {
            Some(SOON)
        } else {
            // Less than the limit, where nothing is asked for in particular.
            let room = needed.max(if bound.is_quota() { 0.0 } else { 1.0 });
            Some(self.falls_to(bound, now, most - room))
        };
        Some(Over::Bound {
            bound,
            most,
            wait,
            needed,
        })
    }
}

// === impl Booking ===

impl Booking {
    pub(super) fn is_counted(&self) -> bool {
        self.counted
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts beyond 2^52 are reached by nobody"
)]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
