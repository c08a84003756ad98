//! Connections that do not come about, break, or fall silent.

use std::num::NonZeroU16;
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue};
use patchbay_simulator::{Reset, Rule};

use super::{late, malformed, network, out_of_time};
use crate::fault::{Clock, Error, Expect, Fault, Place};

pub(super) fn faults() -> Vec<Fault> {
    [
        vec![Fault::new("none", Rule::always())],
        addresses(),
        breaks(),
        silence(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn addresses() -> Vec<Fault> {
    let at = |name, place| Fault::new(name, Rule::always()).at(place);
    vec![
        at("connection refused", Place::Refused).expects(Expect::Hidden(network())),
        at("connecting hangs", Place::Silent).expects(late(Clock::Connect)),
        at("no TLS handshake", Place::NoTls).expects(late(Clock::Connect)),
        at("slow TLS handshake", Place::SlowTls),
    ]
}

fn breaks() -> Vec<Fault> {
    let hidden = || Expect::Hidden(network());
    let broken = || Expect::Broken(network());
    let cut = || Expect::Broken(malformed());
    vec![
        Fault::new("reset before headers", Rule::always().reset(Reset::BeforeHeaders))
            .expects(hidden())
            .repeated(),
        Fault::new(
            "reset before headers, once",
            Rule::first(1).reset(Reset::BeforeHeaders),
        )
        .expects(Expect::Once),
        Fault::new("reset after headers", Rule::always().reset(Reset::AfterHeaders)).expects(hidden()),
        Fault::new(
            "reset after headers, once",
            Rule::first(1).reset(Reset::AfterHeaders),
        )
        .expects(hidden()),
        Fault::new("reset after 0 tokens", Rule::always().reset_after(0)).expects(hidden()),
        Fault::new("reset after 3 tokens", Rule::always().reset_after(3))
            .whole(hidden())
            .streamed(broken()),
        Fault::new("cut after 0 tokens", Rule::always().cut_after(0)).expects(hidden()),
        Fault::new("cut after 3 tokens", Rule::always().cut_after(3))
            .whole(hidden())
            .streamed(broken()),
        Fault::new("cut after all tokens", Rule::always().cut_after(1000))
            .whole(hidden())
            .streamed(broken()),
        Fault::new("ended after 0 tokens", Rule::always().end_after(0)).expects(Expect::Hidden(malformed())),
        Fault::new("ended after 3 tokens", Rule::always().end_after(3))
            .whole(Expect::Hidden(malformed()))
            .streamed(cut()),
        Fault::new("ended after all tokens", Rule::always().end_after(1000))
            .whole(Expect::Hidden(malformed()))
            .streamed(cut()),
        Fault::new(
            "connection: close",
            Rule::always().header(CONNECTION, HeaderValue::from_static("close")),
        ),
    ]
}

fn silence() -> Vec<Fault> {
    let dripping = |bytes, pause| {
        let split = NonZeroU16::new(bytes).unwrap_or(NonZeroU16::MIN);
        Rule::always().split(split).drip(Duration::from_millis(pause))
    };
    vec![
        Fault::new("never answered", Rule::always().never()).expects(late(Clock::FirstByte)),
        Fault::new(
            "headers after 400 ms",
            Rule::always().latency(Duration::from_millis(400)),
        ),
        Fault::new("stalled after 0 tokens", Rule::always().stall_after(0))
            .whole(late(Clock::Idle))
            .streamed(late(Clock::FirstToken)),
        Fault::new("stalled after 3 tokens", Rule::always().stall_after(3))
            .whole(late(Clock::Idle))
            .streamed(Expect::Broken(Error::timeout(Clock::Idle))),
        Fault::new("slow drip", dripping(16, 3)),
        Fault::new("drip that takes too long", dripping(1, 60))
            .whole(out_of_time())
            .streamed(late(Clock::FirstToken)),
        Fault::endless("endless").streamed(Expect::Broken(Error::timeout(Clock::Stream))),
    ]
}
