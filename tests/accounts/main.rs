//! Pools know their accounts: the real program with its shipped plugins in front of the vendor simulator, whose log is
//! the witness of who was asked, and when. Whoever is out of service, cooling down, disabled or removed is not asked
//! before its time, not after a power cut either; callers are served as long as there is anybody to serve them, and
//! are told the truth about when to come back where there is not.
//!
//! All times are those of a gateway that is in a hurry: seconds in place of minutes and hours.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's own functions fail the test the way its body does"
)]

mod away;
mod changed_keys;
mod crowd;
mod door;
mod each_fault;
mod everybody;
mod fault;
mod flapping;
mod history;
mod new_keys;
mod operator;
mod oracle;
mod power_cut;
mod rolled_back;
mod stage;
mod traffic;
