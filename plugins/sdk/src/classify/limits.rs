//! Limits as the dialect reports them: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`.

use super::duration;
use crate::adapter::{Head, Limit, Scope};

/// What the head says of requests and tokens. They are counted per account and model, and the reset is a duration
/// like `1m30s`.
pub fn rate_limits(head: &Head) -> Vec<Limit> {
    ["requests", "tokens"]
        .into_iter()
        .filter_map(|what| rate_limit(head, what))
        .collect()
}

fn rate_limit(head: &Head, what: &str) -> Option<Limit> {
    let header = |part: &str| head.header(&format!("x-ratelimit-{part}-{what}"));
    let number = |part: &str| {
        header(part)?
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
    };
    let limit = Limit {
        capacity: number("limit"),
        remaining: number("remaining"),
        resets_in: header("reset").and_then(duration),
        ..Limit::new(what, Scope::Candidate)
    };
    (limit.capacity.is_some() || limit.remaining.is_some()).then_some(limit)
}
