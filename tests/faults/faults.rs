//! Everything that goes wrong at a vendor.

mod body;
mod connection;
mod refusals;
mod stream;

use crate::fault::{Clock, Error, Expect, Fault};

/// All of them, in the order in which they are printed. The first is none, to compare with.
pub(crate) fn all() -> Vec<Fault> {
    [
        connection::faults(),
        stream::faults(),
        body::faults(),
        refusals::faults(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn network() -> Error {
    Error::new(502, "network_error")
}

fn malformed() -> Error {
    Error::new(502, "malformed_reply")
}

fn hidden(status: u16, code: &'static str) -> Expect {
    Expect::Hidden(Error::new(status, code))
}

/// A clock rings before the caller has seen anything.
fn late(clock: Clock) -> Expect {
    Expect::Hidden(Error::timeout(clock))
}

/// A whole reply may take all the time there is, which leaves none for anybody else.
fn out_of_time() -> Expect {
    Expect::Final(Error::timeout(Clock::Total))
}
