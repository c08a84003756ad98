//! What happens, told once: each event is a struct whose `emit` writes the log line and moves the counters.
//!
//! Metric names carry their unit; labels come from the configuration or from closed sets, never from a request.

mod accounts;
mod events;
mod log;
mod metrics;

pub use accounts::{HealthTurned, KeyChanged, LimitPassed, Probed};
pub use events::{
    AttemptFailed, PartFailed, PluginFailed, RequestEnded, ShadowDecided, StrategyFellBack, Swapped,
    TakenBack,
};
pub use log::{Flush, LogFormat, start_log};
pub use metrics::{METRICS, Metrics};
