//! What a rule makes a reply do. Each effect is one small file in `behaviour/`: its value in a rule's
//! JSON, its builder method on `Rule`, and what it changes. To add one, write its file and name it in the
//! list below. Effects must never wait or send: they only change a draft or a reply.

mod body;
mod coalesce;
mod content_length;
mod cut_after;
mod drip;
mod end_after;
mod endless;
mod error_after;
mod first_token;
mod gzip;
mod headers;
mod huge_after;
mod informational;
mod interval;
mod latency;
mod malformed_after;
mod never;
mod noise_after;
mod omit;
mod reset;
mod reset_after;
mod split;
mod stall_after;
mod status;
mod stream;
mod twice;
mod wording;

pub use reset::Reset;

use serde::{Deserialize, Serialize};

use crate::answer::Draft;
use crate::reply::Reply;
use crate::vendors::Format;

/// One thing a rule can do to a reply; an effect changes the draft, the reply, or both.
pub(crate) trait Effect {
    /// Changes what is going to be said, before a vendor's format writes it down.
    fn shape(&self, _draft: &mut Draft) {}

    /// Changes the finished reply.
    fn alter(&self, _reply: &mut Reply, _format: &dyn Format) {}
}

macro_rules! effects {
    ($($name:ident: $effect:ty,)*) => {
        /// The `then` of a rule: any of the effects.
        #[derive(Clone, Debug, Default, Deserialize, Serialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct Behaviour {
            $(#[serde(skip_serializing_if = "Option::is_none")] $name: Option<$effect>,)*
        }

        impl Behaviour {
            /// Takes over everything `later` speaks of.
            pub(crate) fn overlay(&mut self, later: &Self) {
                $(if later.$name.is_some() { self.$name.clone_from(&later.$name); })*
            }

            pub(crate) fn effects(&self) -> impl Iterator<Item = &dyn Effect> {
                [$(self.$name.as_ref().map(|effect| effect as &dyn Effect)),*].into_iter().flatten()
            }
        }
    };
}

// Applied in this order: what is said, when, what is wrong with it, how it breaks off, and last how it is
// written.
effects! {
    reply: wording::ReplyWith,
    stream: stream::Stream,
    omit: omit::Omit,
    twice: twice::Twice,
    huge_after: huge_after::HugeAfter,
    status: status::Status,
    body: body::FixedBody,
    headers: headers::Headers,
    informational: informational::Informational,
    latency_ms: latency::Latency,
    never: never::Never,
    endless: endless::Endless,
    first_token_ms: first_token::FirstToken,
    interval_ms: interval::Interval,
    malformed_after: malformed_after::MalformedAfter,
    noise_after: noise_after::NoiseAfter,
    error_after: error_after::ErrorAfter,
    end_after: end_after::EndAfter,
    gzip: gzip::Gzip,
    stall_after: stall_after::StallAfter,
    cut_after: cut_after::CutAfter,
    reset_after: reset_after::ResetAfter,
    reset: reset::Reset,
    coalesce: coalesce::Coalesce,
    content_length: content_length::ContentLength,
    split: split::Split,
    drip_ms: drip::Drip,
}

/// What an error says that a rule asked for.
const ASKED_FOR: &str = "a simulator rule asked for this error";

/// The timer's resolution is a millisecond, so rules count in whole ones.
fn whole_millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
