//! Further addresses to reach a vendor by, all of them hard to get through: one that refuses, one that
//! never answers, one behind TLS. Must never change what the simulator says to those who get in.

mod refused;
mod silent;
mod tls;

pub use refused::Refused;
pub use silent::Silent;
pub use tls::Tls;
