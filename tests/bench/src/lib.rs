//! Plugins under the host's own API, without a gateway around them: what both the table and the criterion benches
//! time.

mod guests;
mod ranking;

pub use guests::{Guests, Vendor};
pub use ranking::{Ranking, strategies};
