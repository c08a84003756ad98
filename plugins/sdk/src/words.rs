//! The contract's growing sets of strings as enums. Each keeps a word it does not know as `Other`, because a
//! newer host or plugin may use one.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
            /// A word that is not listed here.
            Other(String),
        }

        impl $name {
            /// The word as the contract spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => $text,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($text => Self::$word,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a caller wants done.
    Operation {
        Chat = "chat",
        Embeddings = "embeddings",
        /// List what the account may use.
        Models = "models",
        /// The cheapest request that proves the account works.
        Probe = "probe",
    }
}

words! {
    /// What went wrong. `Other` is a class the operator has added in the configuration.
    FailureKind {
        /// The account's credential is wrong; permanent until somebody acts.
        AuthenticationError = "authentication_error",
        /// The account may not do this; permanent until somebody acts.
        PermissionDenied = "permission_denied",
        /// Too much too fast; passes within minutes.
        RateLimitExceeded = "rate_limit_exceeded",
        /// A longer quota is used up; passes when it resets.
        ResourceExhausted = "resource_exhausted",
        ServiceUnavailable = "service_unavailable",
        InternalError = "internal_error",
        /// No money left; may recover.
        InsufficientQuota = "insufficient_quota",
        UnknownError = "unknown_error",
        ModelNotFound = "model_not_found",
        InvalidRequest = "invalid_request",
        ContextLengthExceeded = "context_length_exceeded",
        ContentFilter = "content_filter",
        Timeout = "timeout",
        NetworkError = "network_error",
        /// The vendor answered what the adapter cannot read.
        MalformedReply = "malformed_reply",
        /// The adapter cannot do this operation.
        NotSupported = "not_supported",
    }
}

words! {
    /// A class of tokens. Classes do not overlap. `Other` is the vendor's own word.
    UsageClass {
        /// Without both cache classes.
        Input = "input",
        /// Without reasoning.
        Output = "output",
        CachedInput = "cached-input",
        CacheWrite = "cache-write",
        Reasoning = "reasoning",
    }
}

words! {
    /// A number that a strategy may ask for about each candidate.
    Fact {
        /// 1 if it can be leased now, else 0.
        Available = "available",
        /// 1 healthy, 0.5 degraded, 0 unhealthy.
        Health = "health",
        /// From the configuration.
        Weight = "weight",
        /// From the configuration; the lower goes first.
        Priority = "priority",
        /// Attempts under way.
        InFlight = "in-flight",
        /// Attempts since the gateway started.
        Requests = "requests",
        /// Since the last success.
        ConsecutiveFailures = "consecutive-failures",
        /// 0 to 1, over the recent attempts.
        SuccessRate = "success-rate",
        /// Moving average over the recent successes.
        LatencyMs = "latency-ms",
        LatencyP95Ms = "latency-p95-ms",
        /// Moving average over the recent successes.
        FirstTokenMs = "first-token-ms",
        /// US dollars per million tokens.
        InputPrice = "input-price",
        /// US dollars per million tokens.
        OutputPrice = "output-price",
        /// Share of the quota that is left, 0 to 1.
        QuotaLeft = "quota-left",
        /// Tokens.
        ContextLength = "context-length",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_way_there_and_back() {
        assert_eq!(Fact::from("latency-p95-ms"), Fact::LatencyP95Ms);
        assert_eq!(FailureKind::ContentFilter.to_string(), "content_filter");
        assert_eq!(Operation::from("rerank"), Operation::Other("rerank".to_owned()));
        assert_eq!(String::from(UsageClass::from("audio")), "audio");
    }
}
