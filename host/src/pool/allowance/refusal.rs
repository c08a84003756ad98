//! Why an attempt was not made, in words for the caller. They name no account: whose limit it is, the operator sees.

use std::time::Duration;

use super::bounds::{Bound, Unit};
use super::measure::Over;
use crate::failure::{Failure, Kind, Scope};
use crate::pool::{Held, Millis};

/// `account`: it is a limit of the account as a whole. `now`: Unix time in milliseconds.
pub(super) fn held(over: &Over, account: bool, now: Millis) -> Held {
    let wait = over.wait(now);
    let (kind, message) = match *over {
        Over::Bound {
            bound, most, needed, ..
        } => (kind(bound), message(bound, most, needed)),
        Over::Learned(spent) => (
            Kind::RateLimit,
            format!("the vendor's limit of {} is used up", spent.what),
        ),
    };
    let scope = if account { Scope::Account } else { Scope::Candidate };
    let failure = Failure {
        retry_after: wait.map(Duration::from_millis),
        ..Failure::new(kind, scope, message)
    };
    Held {
        until: wait.map(|wait| now + wait),
        verifying: false,
        failure: Box::new(failure),
    }
}

fn kind(bound: Bound) -> Kind {
    if bound.is_quota() {
        Kind::InsufficientQuota
    } else {
        Kind::RateLimit
    }
}

fn message(bound: Bound, most: f64, needed: f64) -> String {
    let limit = bound.words(most);
    if needed <= most {
        return format!("the limit of {limit} is reached");
    }
    match bound.unit() {
        Unit::Requests => format!("the limit is {limit}"),
        Unit::Tokens => format!("the request may need {needed} tokens, and the limit is {limit}"),
        Unit::Dollars => format!("the request may cost ${needed:.4}, and the limit is {limit}"),
    }
}
