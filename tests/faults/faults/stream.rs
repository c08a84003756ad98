//! Streams, and whole replies like them, that HTTP finds nothing wrong with.

use std::num::NonZeroU16;

use patchbay_simulator::{Part, Rule};

use super::{hidden, malformed};
use crate::cell::{Dialect, Form};
use crate::fault::{Error, Expect, Fault};

/// Below and above the longest event that is taken, in bytes.
const LARGE: usize = 1 << 20;
const TOO_LARGE: usize = 20 << 20;

pub(super) fn faults() -> Vec<Fault> {
    [events(), parts(), errors(), sizes()]
        .into_iter()
        .flatten()
        .collect()
}

fn events() -> Vec<Fault> {
    vec![
        Fault::new(
            "malformed event after 0 tokens",
            Rule::always().malformed_after(0),
        )
        .expects(Expect::Hidden(malformed())),
        Fault::new(
            "malformed event after 3 tokens",
            Rule::always().malformed_after(3),
        )
        .whole(Expect::Hidden(malformed()))
        .streamed(Expect::Broken(malformed())),
        Fault::new("noise after 0 tokens", Rule::always().noise_after(0)),
        Fault::new("noise after 3 tokens", Rule::always().noise_after(3)),
        // So many small packets that the system drops some, and sends them again seconds later, where it has much to do.
        Fault::new("a byte at a time", Rule::always().split(NonZeroU16::MIN)).heavy(),
    ]
}

fn parts() -> Vec<Fault> {
    let without = |name, parts: &[Part]| Fault::new(name, Rule::always().omit(parts.to_vec()));
    vec![
        without("no end mark", &[Part::Done]),
        without("no finish reason", &[Part::Finish]),
        without("no usage", &[Part::Usage]).uncounted(),
        // Nothing says any more that the stream was complete; in a whole reply its form does.
        without("no finish reason, no end mark", &[Part::Finish, Part::Done])
            .streamed(Expect::Broken(malformed())),
        Fault::new("two finish reasons", Rule::always().twice(Part::Finish)),
        Fault::new("two usages", Rule::always().twice(Part::Usage)),
        Fault::new("two end marks", Rule::always().twice(Part::Done)),
    ]
}

/// Errors under a status of success.
fn errors() -> Vec<Fault> {
    let broken = |status, code| Expect::Broken(Error::new(status, code));
    let internal = || hidden(502, "internal_error");
    vec![
        Fault::new("error event after 0 tokens", Rule::always().error_after(0))
            .expects(internal())
            .but(
                Form::Streamed,
                Dialect::Translated,
                hidden(503, "service_unavailable"),
            ),
        Fault::new("error event after 3 tokens", Rule::always().error_after(3))
            .whole(internal())
            .streamed(broken(502, "internal_error"))
            .but(
                Form::Streamed,
                Dialect::Translated,
                broken(503, "service_unavailable"),
            ),
        Fault::new("a whole reply to either", Rule::always().stream(false)),
        Fault::new("a stream to either", Rule::always().stream(true)).whole(Expect::Hidden(malformed())),
    ]
}

fn sizes() -> Vec<Fault> {
    vec![
        Fault::huge("a first event of 1 MiB", 0, LARGE),
        Fault::huge("a later event of 1 MiB", 3, LARGE),
        // A whole reply may be longer than an event, but an adapter has only so much memory to translate it in.
        Fault::huge("a first event of 20 MiB", 0, TOO_LARGE)
            .streamed(Expect::Hidden(malformed()))
            .but(Form::Whole, Dialect::Translated, Expect::Either)
            .heavy(),
        Fault::huge("a later event of 20 MiB", 3, TOO_LARGE)
            .streamed(Expect::Broken(malformed()))
            .but(Form::Whole, Dialect::Translated, Expect::Either)
            .heavy(),
    ]
}
