//! A way to choose: ranks the candidates of a request. Pure, given what it is handed, so a decision can be
//! replayed to the bit.
//!
//! ```
//! use patchbay_sdk::strategy::*;
//!
//! struct Cheapest;
//!
//! impl Strategy for Cheapest {
//!     type Settings = NoSettings;
//!
//!     fn describe() -> Description {
//!         Description::new(env!("CARGO_PKG_VERSION")).facts([Fact::InputPrice])
//!     }
//!
//!     fn configure(_: NoSettings, _: Vec<Candidate>) -> Result<Self, String> {
//!         Ok(Self)
//!     }
//!
//!     fn rank(&mut self, _: &Request, candidates: &[u32], facts: Facts<'_>, _: &[u8]) -> Result<Ranking, String> {
//!         Ok(Ranking::lowest_first(candidates, |row| facts.get(row, 0)))
//!     }
//! }
//!
//! patchbay_sdk::export_strategy!(Cheapest);
//! ```
//!
//! A strategy that people may move by hand implements [`Steered`] too, one that learns from what came of its
//! decisions [`Learning`]; the macro is told of them: `export_strategy!(Mine: Steered + Learning)`.

mod dice;
#[doc(hidden)]
pub mod exported;
mod ranking;
mod turns;

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::adapter::NO_SETTINGS;
use crate::bindings::strategy::exports::patchbay::plugin::strategy as wit;

pub use crate::Millis;
pub use crate::bindings::observer::exports::patchbay::plugin::observer::Outcome;
pub use crate::words::Fact;
pub use dice::Dice;
pub use ranking::{Facts, or};
pub use turns::Turns;
pub use wit::{Candidate, Description, Ranking, Request};

/// A way to choose among the candidates of a pool.
pub trait Strategy: Sized + 'static {
    /// What the operator may set; [`NoSettings`] for nothing.
    type Settings: DeserializeOwned;

    /// Pure and quick: called when the plugin is loaded.
    fn describe() -> Description;

    /// Called before the first `rank`, and again when the pool or the settings change. An error is shown to the
    /// operator and keeps the strategy from being used.
    fn configure(settings: Self::Settings, pool: Vec<Candidate>) -> Result<Self, String>;

    /// `candidates`: indices into the pool. `facts`: a row for each of `candidates`, a column for each described
    /// fact. `state`: what `rank` returned last, or nothing; state it cannot read counts as nothing.
    fn rank(
        &mut self,
        request: &Request,
        candidates: &[u32],
        facts: Facts<'_>,
        state: &[u8],
    ) -> Result<Ranking, String>;
}

/// Moves that a person may make by hand, see `patchbay strategies act`.
///
/// ```
/// # use patchbay_sdk::strategy::*;
/// # struct Mine;
/// # impl Strategy for Mine {
/// #     type Settings = NoSettings;
/// #     fn describe() -> Description { Description::new("1.0.0") }
/// #     fn configure(_: NoSettings, _: Vec<Candidate>) -> Result<Self, String> { Ok(Self) }
/// #     fn rank(&mut self, _: &Request, candidates: &[u32], _: Facts<'_>, _: &[u8]) -> Result<Ranking, String> {
/// #         Ok(Ranking::new(candidates.to_vec()))
/// #     }
/// # }
/// impl Steered for Mine {
///     const ACTIONS: &[&str] = &["reset"];
///
///     fn act(&mut self, _: &str, _: &[u8]) -> Result<Vec<u8>, String> {
///         Ok(Vec::new())
///     }
/// }
///
/// patchbay_sdk::export_strategy!(Mine: Steered);
/// ```
pub trait Steered: Strategy {
    /// Their names: "reset", "next-model" and "next-account" where they make sense, or the strategy's own.
    const ACTIONS: &'static [&'static str];

    /// Makes one of [`Self::ACTIONS`]. Returns the new state; an error is shown to whoever asked.
    fn act(&mut self, action: &str, state: &[u8]) -> Result<Vec<u8>, String>;
}

/// Learns from what came of its decisions.
pub trait Learning: Strategy {
    /// Returns the new state, if it changed.
    fn observe(&mut self, outcome: &Outcome, state: &[u8]) -> Option<Vec<u8>>;
}

/// Settings that have no member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// Makes a component of a type that implements [`Strategy`], and [`Steered`] or [`Learning`] where they are named:
/// `export_strategy!(Mine)`, `export_strategy!(Mine: Steered)`. In native builds it makes nothing.
#[macro_export]
macro_rules! export_strategy {
    ($strategy:ty $(: $part:ident $(+ $more:ident)*)?) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::strategy::exported;
            thread_local! {
                static CONFIGURED: exported::Slot<$strategy> = const { exported::Slot::empty() };
            }
            struct Component;
            impl exported::Guest for Component {
                fn describe() -> exported::Description {
                    exported::describe::<$strategy>()
                }
                fn configure(settings: String, pool: Vec<exported::Candidate>) -> Result<(), String> {
                    CONFIGURED.with(|slot| slot.configure(&settings, pool))
                }
                fn rank(
                    request: exported::Request,
                    candidates: Vec<u32>,
                    facts: Vec<f64>,
                    state: Vec<u8>,
                ) -> Result<exported::Ranking, String> {
                    CONFIGURED.with(|slot| slot.rank(&request, &candidates, &facts, &state))
                }
            }
            $crate::bindings::strategy::export_strategy_component!(
                Component with_types_in $crate::bindings::strategy
            );
            $(
                $crate::export_strategy_part!($part, $strategy, Component, CONFIGURED);
                $($crate::export_strategy_part!($more, $strategy, Component, CONFIGURED);)*
            )?
        };
    };
}

/// The optional exports of [`export_strategy!`].
#[doc(hidden)]
#[macro_export]
macro_rules! export_strategy_part {
    (Steered, $strategy:ty, $component:ident, $configured:ident) => {
        impl exported::Control for $component {
            fn actions() -> Vec<String> {
                exported::actions::<$strategy>()
            }
            fn act(action: String, state: Vec<u8>) -> Result<Vec<u8>, String> {
                $configured.with(|slot| slot.act(&action, &state))
            }
        }
        $crate::bindings::control::export_control_component!(
            $component with_types_in $crate::bindings::control
        );
    };
    (Learning, $strategy:ty, $component:ident, $configured:ident) => {
        impl exported::Observer for $component {
            fn observe(outcome: exported::Outcome, state: Vec<u8>) -> Option<Vec<u8>> {
                $configured.with(|slot| slot.observe(&outcome, &state))
            }
        }
        $crate::bindings::observer::export_observer_component!(
            $component with_types_in $crate::bindings::observer
        );
    };
}

/// As notes and people call it: vendor/account/model.
impl fmt::Display for Candidate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/{}", self.vendor, self.account, self.model)
    }
}

impl Description {
    /// `version`: `env!("CARGO_PKG_VERSION")`. It has no settings and wants no facts.
    pub fn new(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            settings_schema: NO_SETTINGS.to_owned(),
            facts: Vec::new(),
        }
    }

    /// The columns of [`Facts`], in this order.
    pub fn facts(mut self, facts: impl IntoIterator<Item = Fact>) -> Self {
        self.facts.extend(facts.into_iter().map(String::from));
        self
    }

    /// JSON Schema of [`Strategy::Settings`].
    pub fn settings_schema(mut self, schema: &str) -> Self {
        schema.clone_into(&mut self.settings_schema);
        self
    }
}

/// Compiles what the guide shows.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/strategies.md")]
struct Guide;
