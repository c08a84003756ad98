//! What follows a failed attempt that the caller has seen nothing of: nobody, another candidate, or the same one
//! once more. A table, and nothing else: it waits for nothing and changes nothing.

use std::time::Duration;

use crate::config::Failover;
use crate::failure::{Failure, Kind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The caller gets the failure.
    GiveUp,
    /// The next candidate is tried at once.
    SwitchOver,
    /// The same candidate is asked again after this time, as part of the same attempt.
    Again(Duration),
}

/// What there is to be done still.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    /// Another candidate may be tried.
    pub(super) others: bool,
    /// This candidate has been asked again already.
    pub(super) again: bool,
    /// Until the deadline of all attempts.
    pub(super) left: Duration,
}

/// Judges by the failure first: one that speaks of the request would meet every candidate. Another candidate is
/// better than the same one, since it need not be waited for.
pub(super) fn judge(failure: &Failure, situation: Situation, rules: &Failover) -> Verdict {
    if !failure.worth_another_candidate() || situation.left.is_zero() {
        return Verdict::GiveUp;
    }
    if situation.others {
        return Verdict::SwitchOver;
    }
    let may_repeat = match failure.kind {
        Kind::Network => failure.unanswered && rules.retry_reset,
        Kind::MalformedReply => rules.retry_malformed,
        _ => false,
    };
    let delay = failure.retry_after.unwrap_or_default().max(rules.retry_delay);
    if may_repeat && !situation.again && delay < situation.left {
        Verdict::Again(delay)
    } else {
        Verdict::GiveUp
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Scope;

    const SECOND: Duration = Duration::from_secs(1);

    fn rules(retry_reset: bool, retry_malformed: bool) -> Failover {
        Failover {
            attempts: 3,
            retry_delay: SECOND,
            retry_reset,
            retry_malformed,
        }
    }

    fn situation(others: bool, again: bool, left: u64) -> Situation {
        Situation {
            others,
            again,
            left: SECOND * u32::try_from(left).unwrap(),
        }
    }

    fn failure(kind: Kind, scope: Scope) -> Failure {
        Failure::new(kind, scope, "")
    }

    fn reset() -> Failure {
        Failure {
            unanswered: true,
            ..failure(Kind::Network, Scope::Endpoint)
        }
    }

    #[test]
    fn what_speaks_of_the_request_goes_back_at_once() {
        for kind in [Kind::InvalidRequest, Kind::ContentFilter, Kind::NotSupported] {
            let verdict = judge(
                &failure(kind, Scope::Request),
                situation(true, false, 9),
                &rules(true, true),
            );
            assert_eq!(verdict, Verdict::GiveUp);
        }
        let too_long = failure(Kind::ContextLength, Scope::Request);
        assert_eq!(
            judge(&too_long, situation(true, false, 9), &rules(true, true)),
            Verdict::SwitchOver
        );
    }

    #[test]
    fn whatever_speaks_of_the_candidate_switches_over_at_once() {
        for kind in [
            Kind::Authentication,
            Kind::PermissionDenied,
            Kind::RateLimit,
            Kind::ModelNotFound,
            Kind::Internal,
            Kind::ServiceUnavailable,
            Kind::Timeout,
            Kind::MalformedReply,
            Kind::Plugin,
        ] {
            let failure = failure(kind, Scope::Candidate);
            assert_eq!(
                judge(&failure, situation(true, false, 9), &rules(true, true)),
                Verdict::SwitchOver
            );
            assert_eq!(
                judge(&failure, situation(true, false, 0), &rules(true, true)),
                Verdict::GiveUp,
                "there is no time left"
            );
        }
        assert_eq!(
            judge(&reset(), situation(true, false, 9), &rules(true, true)),
            Verdict::SwitchOver
        );
    }

    #[test]
    fn only_a_reset_and_a_malformed_reply_are_repeated_and_only_once() {
        let malformed = failure(Kind::MalformedReply, Scope::Candidate);
        let broken_later = failure(Kind::Network, Scope::Endpoint);
        let limited = failure(Kind::RateLimit, Scope::Candidate);
        let again = Verdict::Again(SECOND);
        for (failure, on, off) in [
            (&reset(), again, Verdict::GiveUp),
            (&malformed, again, Verdict::GiveUp),
            (&broken_later, Verdict::GiveUp, Verdict::GiveUp),
            (&limited, Verdict::GiveUp, Verdict::GiveUp),
        ] {
            assert_eq!(judge(failure, situation(false, false, 9), &rules(true, true)), on);
            assert_eq!(
                judge(failure, situation(false, false, 9), &rules(false, false)),
                off
            );
            let repeated = judge(failure, situation(false, true, 9), &rules(true, true));
            assert_eq!(repeated, Verdict::GiveUp);
        }
    }

    #[test]
    fn the_vendors_own_delay_counts_within_the_deadline() {
        let asks_for = |seconds| Failure {
            retry_after: Some(Duration::from_secs(seconds)),
            ..reset()
        };
        let judge = |failure: &Failure| judge(failure, situation(false, false, 9), &rules(true, false));
        assert_eq!(judge(&asks_for(3)), Verdict::Again(SECOND * 3));
        assert_eq!(judge(&asks_for(0)), Verdict::Again(SECOND));
        assert_eq!(judge(&asks_for(9)), Verdict::GiveUp);
    }
}
