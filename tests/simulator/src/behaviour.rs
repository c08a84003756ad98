//! What a rule makes a reply do. Each effect is one small file in `behaviour/`: its value in a rule's
//! JSON, its builder method on `Rule`, and what it changes. To add one, write its file and name it in the
//! list below. Effects must never wait or send: they only change a draft or a reply.

mod body;
mod coalesce;
mod cut_after;
mod first_token;
mod headers;
mod interval;
mod latency;
mod stall_after;
mod status;
mod wording;

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

// Applied in this order: first what is said, then when, then how it goes wrong, writes last.
effects! {
    reply: wording::ReplyWith,
    status: status::Status,
    body: body::FixedBody,
    headers: headers::Headers,
    latency_ms: latency::Latency,
    first_token_ms: first_token::FirstToken,
    interval_ms: interval::Interval,
    stall_after: stall_after::StallAfter,
    cut_after: cut_after::CutAfter,
    coalesce: coalesce::Coalesce,
}

/// The timer's resolution is a millisecond, so rules count in whole ones.
fn whole_millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
