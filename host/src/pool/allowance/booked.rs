//! The parts of one attempt in the allowances of its candidate. Dropping them settles them, whatever has become of the
//! attempt: with what was used by the last that was said of it.

use std::mem;
use std::sync::Arc;

use super::counts::Booking;
use super::measure::Outcome;
use super::need::{Amount, Need};
use super::{Allowance, Bounds, LimitView, Reported};
use crate::chat::{TokenClass, Tokens};
use crate::config::Price;
use crate::failure::Scope;
use crate::pool::average::Average;
use crate::pool::{Gate, Held, Millis};

/// What a candidate is allowed: as an account, and as this model of it.
#[derive(Debug)]
pub struct Allowed {
    account: Arc<Allowance>,
    model: Arc<Allowance>,
    /// Tokens written by the recent answers.
    answers: Average,
}

/// An attempt that was counted in.
#[derive(Debug)]
pub struct Booked {
    allowed: Arc<Allowed>,
    account: Booking,
    model: Booking,
    price: Price,
    fate: Fate,
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    /// Nothing has been sent for it.
    Unused,
    /// By the last that is known.
    Used(Tokens),
}

// === impl Allowed ===

impl Allowed {
    pub(super) fn new(account: Arc<Allowance>, model: Arc<Allowance>) -> Self {
        Self {
            account,
            model,
            answers: Average::unknown(),
        }
    }

    /// Of the account as a whole, over all of its models.
    pub fn account_limits(&self) -> Vec<LimitView> {
        self.account.view()
    }

    /// Of the account with this model.
    pub fn model_limits(&self) -> Vec<LimitView> {
        self.model.view()
    }

    /// Where attempts take their places: in the model's gate, which lies within the account's.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.model.gate
    }

    /// What holds from now on, of the account as a whole and of this model.
    pub fn configure(&self, account: &Bounds, model: &Bounds) {
        self.account.configure(account);
        self.model.configure(model);
    }

    /// Why nothing may be asked of it now; of two reasons the one that lasts longer.
    pub fn held(&self) -> Option<Held> {
        let both = [&self.account, &self.model].into_iter();
        both.filter_map(|allowance| allowance.held())
            .max_by_key(|held| held.until.unwrap_or(Millis::MAX))
    }

    /// Counts an attempt in.
    ///
    /// # Errors
    ///
    /// Why it is not to be made. Nothing is counted then.
    pub fn book(self: &Arc<Self>, need: &Need) -> Result<Booked, Held> {
        let demand = || need.demand(self.answers.get());
        let account = self.account.book(demand)?;
        let mut booked = Booked {
            allowed: self.clone(),
            account,
            model: Booking::default(),
            price: need.price,
            fate: Fate::Unused,
        };
        // If it is refused, dropping what is booked already gives that back.
        booked.model = self.model.book(demand)?;
        Ok(booked)
    }

    #[expect(clippy::cast_precision_loss, reason = "token counts stay far below 2^52")]
    fn answered(&self, written: u64) {
        if written > 0 {
            self.answers.observe(written as f64);
        }
    }

    /// What is left of the quota that has the least, 0 to 1; infinite without one.
    pub fn quota_left(&self) -> f64 {
        self.account.quota_left().min(self.model.quota_left())
    }
}

// === impl Booked ===

impl Booked {
    /// The vendor is asked. Until more is known, it has read the input and written nothing.
    pub fn asked(&mut self, input: u64) {
        let mut tokens = Tokens::default();
        tokens.set(TokenClass::Input, input);
        self.fate = Fate::Used(tokens);
    }

    /// What has been used so far.
    pub fn uses(&mut self, tokens: Tokens) {
        self.fate = Fate::Used(tokens);
    }

    /// The vendor is going to be asked once more, as if it were another attempt.
    ///
    /// # Errors
    ///
    /// A limit stands against it.
    pub fn renew(&mut self, need: &Need) -> Result<(), Held> {
        self.settle();
        *self = self.allowed.book(need)?;
        Ok(())
    }

    /// Once; then nothing is booked.
    fn settle(&mut self) {
        let (account, model) = (mem::take(&mut self.account), mem::take(&mut self.model));
        let outcome = match mem::replace(&mut self.fate, Fate::Unused) {
            Fate::Unused => Outcome::Unused,
            Fate::Used(tokens) => {
                self.allowed.answered(tokens.completion());
                Outcome::Used(Amount::of(&tokens, &self.price))
            }
        };
        self.allowed.account.settle(&account, outcome);
        self.allowed.model.settle(&model, outcome);
    }

    /// The vendor says what is left. What it says of the endpoint or the request is nobody's limit.
    pub fn learn(&mut self, reported: &Reported) {
        match reported.scope {
            Scope::Account => self.allowed.account.learn(reported, &mut self.account),
            Scope::Candidate | Scope::Model => self.allowed.model.learn(reported, &mut self.model),
            Scope::Request | Scope::Endpoint => {}
        }
    }
}

impl Drop for Booked {
    fn drop(&mut self) {
        self.settle();
    }
}
