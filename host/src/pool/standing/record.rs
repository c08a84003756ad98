//! A key's standing as it is kept over restarts.

use super::{Standing, State};
use crate::failure::{Failure, Kind, Scope};
use crate::pool::rules::Rules;
use crate::storage::{KeyName, KeyRecord};

// === impl Standing ===

impl Standing {
    /// As it is kept.
    pub fn record(&self, key: KeyName, credential: Option<String>) -> KeyRecord {
        let failure = self.failure.as_ref();
        KeyRecord {
            key,
            state: self.state.name().to_owned(),
            class: failure.map(|failure| failure.kind.as_str().to_owned()),
            attempts: self.state.attempts(),
            until: self.state.until(),
            since: self.since,
            first_error: self.first_error,
            last_error: self.last_error,
            message: failure.map(|failure| failure.message.clone()),
            credential,
        }
    }

    /// As it was kept. A trial that was under way is to be made again; what cannot be read counts as nothing known.
    pub fn restored(record: &KeyRecord, rules: &Rules) -> Self {
        let kind = Kind::from(record.class.as_deref().unwrap_or("unknown_error"));
        let schedule = rules.schedule(&kind);
        let (until, attempts) = (record.until.unwrap_or(record.since), record.attempts);
        let state = match record.state.as_str() {
            "verifying" => State::Verifying { until },
            "cooling down" | "half-open" => State::CoolingDown {
                until,
                trials: attempts,
            },
            "out of service" | "rechecking" => State::OutOfService {
                until,
                failed: attempts,
                schedule,
            },
            "disabled by failure" => State::DisabledByFailure {
                until: record.until,
                schedule: record.until.map(|_| schedule),
            },
            "disabled by hand" => State::DisabledByHand,
            _ => State::Available { failures: 0 },
        };
        let failure = record.class.is_some().then(|| {
            let message = record.message.clone().unwrap_or_default();
            Failure::new(kind, Scope::Account, message)
        });
        Self {
            state,
            failure,
            since: record.since,
            first_error: record.first_error,
            last_error: record.last_error,
        }
    }
}
