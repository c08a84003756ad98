//! Drives plugins natively, as the host drives components: an adapter through scripted replies, a strategy over a
//! pool with made-up facts. No network, no WebAssembly; what the host would refuse, it refuses with a panic.
//!
//! ```
//! use patchbay_sdk::adapter::*;
//! use patchbay_sdk::testkit::{Scenario, Scripted};
//! use serde_json::json;
//! # struct Mine;
//! # struct Attempt;
//! # impl Adapter for Mine {
//! #     type Exchange = Attempt;
//! #     fn describe() -> Description { Description::new("mine", "1.0.0").endpoint("api", None) }
//! # }
//! # impl Exchange for Attempt {
//! #     fn start(_: &Call, _: &Target, _: &Payload<'_>) -> Result<(Self, Progress), Failure> {
//! #         Ok((Attempt, Progress::send(Request::post("/chat").json_unchanged().canonical())))
//! #     }
//! #     fn advance(&mut self, now: Millis, input: Input) -> Progress {
//! #         let Input::Reply(reply) = input else { return Progress::more() };
//! #         patchbay_sdk::classify::error_reply(&reply, now, &[]).into()
//! #     }
//! # }
//!
//! let outcome = Scenario::chat(&json!({"model": "m", "messages": []}))
//!     .reply(Scripted::json(429, &json!({"error": {"message": "slow down"}})))
//!     .run::<Mine>();
//! assert_eq!(outcome.sent[0].request.path, "/chat");
//! assert_eq!(outcome.failure.unwrap().kind, "rate_limit_exceeded");
//! ```
#![expect(clippy::panic, clippy::expect_used, reason = "a test ends with a panic")]

mod bench;
mod cases;
mod outcome;
mod properties;
mod recording;
mod scenario;
mod schema;
mod scripted;

pub use crate::strategy::Dice;
pub use bench::{Bench, pool, request};
pub use cases::{Case, Cases};
pub use outcome::{Outcome, Sent};
pub use properties::{assert_ranks_everybody, assert_shares};
pub use recording::{Recording, VARIABLE, recordings};
pub use scenario::Scenario;
pub use schema::assert_schema_tells_defaults;
pub use scripted::Scripted;
