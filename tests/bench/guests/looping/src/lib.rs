//! An adapter for benchmarks that never comes back from a call: what its neighbours must not notice.
//!
//! It answers the question whether anybody is there, or it would not be loaded at all.

use patchbay_sdk::adapter::{
    Adapter, Call, CredentialField, Description, Exchange, Failure, Input, Millis, Payload, Progress, Target,
};
use patchbay_sdk::words::Operation;

#[derive(Debug)]
pub struct Looping;

#[derive(Debug)]
pub struct Attempt;

impl Adapter for Looping {
    type Exchange = Attempt;

    fn describe() -> Description {
        Description::new("looping", env!("CARGO_PKG_VERSION"))
            .operations([Operation::Chat])
            .endpoint("api", None)
            .credential(CredentialField::secret("api_key", "any"))
    }
}

impl Exchange for Attempt {
    fn start(call: &Call, _: &Target, _: &Payload<'_>) -> Result<(Self, Progress), Failure> {
        if call.model != "looping" {
            return Err(Failure::not_supported("anything but the model looping"));
        }
        loop {
            std::hint::spin_loop();
        }
    }

    fn advance(&mut self, _: Millis, _: Input) -> Progress {
        Progress::done()
    }
}

patchbay_sdk::export_adapter!(Looping);
