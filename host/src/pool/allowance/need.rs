//! What an attempt is going to use, estimated before anybody has counted.
//!
//! The input is known well enough. Of the output only what the caller allows is sure to be enough, and vendors charge a
//! window with that too. A caller who names nothing is taken to get what the candidate's answers have been like lately:
//! to reserve all that a model could write would let an account of 100,000 tokens a minute serve six at once.

use crate::chat::{TokenClass, Tokens};
use crate::config::Price;

/// Output of an answer while none has been seen, in tokens.
const USUAL_OUTPUT: u64 = 1024;

/// An attempt, as far as limits are concerned.
#[derive(Debug, Clone, Copy, Default)]
pub struct Need {
    /// Estimated tokens of the input.
    pub input: u64,
    /// The most that may be written, if the request says so, all choices together.
    pub output: Option<u64>,
    /// The most that the model writes, all choices together.
    pub most_output: Option<u64>,
    pub price: Price,
    /// With which credentials is asked (see [`crate::pool::number_of`]).
    pub credentials: u64,
}

/// Tokens, read and written, and US dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Amount {
    pub(super) tokens: u64,
    pub(super) cost: f64,
}

/// What is sure to be enough, as far as that can be said, and what is likely.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Demand {
    pub(super) sure: Amount,
    pub(super) likely: Amount,
}

// === impl Need ===

impl Need {
    /// `usual`: output of the candidate's answers lately; NaN if there were none.
    pub(super) fn demand(&self, usual: f64) -> Demand {
        let most = self.most_output.unwrap_or(u64::MAX);
        let named = self.output.map(|output| output.min(most));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an average of token counts is neither negative nor near the end of the range"
        )]
        let usual = if usual.is_nan() {
            USUAL_OUTPUT
        } else {
            usual.ceil() as u64
        };
        Demand {
            sure: self.amount(named.unwrap_or(0)),
            likely: self.amount(named.unwrap_or(usual.min(most))),
        }
    }

    fn amount(&self, output: u64) -> Amount {
        let mut tokens = Tokens::default();
        tokens.set(TokenClass::Input, self.input);
        tokens.set(TokenClass::Output, output);
        Amount::of(&tokens, &self.price)
    }
}

// === impl Amount ===

impl Amount {
    /// What has no known price costs nothing here; the configuration was warned about that.
    pub(super) fn of(tokens: &Tokens, price: &Price) -> Self {
        Self {
            tokens: tokens.prompt().saturating_add(tokens.completion()),
            cost: tokens.cost(price).unwrap_or(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(output: Option<u64>, most_output: Option<u64>) -> Need {
        Need {
            input: 100,
            output,
            most_output,
            price: Price {
                input: Some(1.0),
                output: Some(10.0),
                ..Price::default()
            },
            credentials: 0,
        }
    }

    #[test]
    fn what_the_caller_names_is_reserved_and_else_what_is_usual() {
        for (output, most, usual, sure, likely) in [
            (Some(500), None, 7.0, 600, 600),
            (Some(500), Some(200), 7.0, 300, 300),
            (None, Some(200), f64::NAN, 100, 300),
            (None, None, f64::NAN, 100, 1124),
            (None, Some(200), 49.2, 100, 150),
            (None, Some(200), 900.0, 100, 300),
            (Some(0), Some(200), 900.0, 100, 100),
        ] {
            let demand = need(output, most).demand(usual);
            assert_eq!(
                (demand.sure.tokens, demand.likely.tokens),
                (sure, likely),
                "{output:?} {most:?} {usual}"
            );
        }
        let cost = need(Some(90), None).demand(f64::NAN).likely.cost;
        assert!((cost - 0.001).abs() < 1e-12, "{cost}");
    }

    #[test]
    fn what_has_no_price_costs_nothing() {
        let free = Need {
            price: Price::default(),
            ..need(Some(90), None)
        };
        assert_eq!(
            free.demand(f64::NAN).likely,
            Amount {
                tokens: 190,
                cost: 0.0
            }
        );
    }
}
