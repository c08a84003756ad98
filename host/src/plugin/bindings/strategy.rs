//! A strategy's guest of any version, in the newest version's words.

use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::v0_1::strategy as wit;
use super::{Version, v0_0, v0_1};
use crate::plugin::store::State;

/// A component that has been linked, not yet instantiated.
pub(in crate::plugin) enum StrategyPre {
    V0_0(v0_0::StrategyPluginPre<State>),
    V0_1 {
        pre: InstancePre<State>,
        strategy: v0_1::StrategyPluginIndices,
        control: Option<v0_1::ControlIndices>,
    },
}

/// An instance.
pub(in crate::plugin) enum StrategyGuest {
    V0_0(v0_0::StrategyPlugin),
    /// With what it exports to be moved by hand, if it does.
    V0_1(v0_1::StrategyPlugin, Option<v0_1::Control>),
}

// === impl StrategyPre ===

impl StrategyPre {
    pub(in crate::plugin) fn new(version: Version, pre: InstancePre<State>) -> wasmtime::Result<Self> {
        Ok(match version {
            Version::V0_0 => Self::V0_0(v0_0::StrategyPluginPre::new(pre)?),
            Version::V0_1 => {
                let name = version.interface("control");
                let is_steered = pre.component().get_export_index(None, &name).is_some();
                Self::V0_1 {
                    strategy: v0_1::StrategyPluginIndices::new(&pre)?,
                    control: is_steered.then(|| v0_1::ControlIndices::new(&pre)).transpose()?,
                    pre,
                }
            }
        })
    }

    pub(in crate::plugin) fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<StrategyGuest> {
        Ok(match self {
            Self::V0_0(pre) => StrategyGuest::V0_0(pre.instantiate(store)?),
            Self::V0_1 {
                pre,
                strategy,
                control,
            } => {
                let instance = pre.instantiate(&mut *store)?;
                let control = control
                    .as_ref()
                    .map(|control| control.load(&mut *store, &instance));
                StrategyGuest::V0_1(strategy.load(&mut *store, &instance)?, control.transpose()?)
            }
        })
    }
}

// === impl StrategyGuest ===

impl StrategyGuest {
    pub(in crate::plugin) fn describe(&self, store: &mut Store<State>) -> wasmtime::Result<wit::Description> {
        match self {
            Self::V0_0(guest) => {
                let old = guest.patchbay_plugin_strategy().call_describe(store)?;
                Ok(wit::Description {
                    version: old.version,
                    settings_schema: old.settings_schema,
                    facts: old.facts,
                })
            }
            Self::V0_1(guest, _) => guest.patchbay_plugin_strategy().call_describe(store),
        }
    }

    pub(in crate::plugin) fn configure(
        &self,
        store: &mut Store<State>,
        settings: &str,
        pool: &[wit::Candidate],
    ) -> wasmtime::Result<Result<(), String>> {
        match self {
            Self::V0_0(guest) => {
                let pool: Vec<_> = pool.iter().map(Into::into).collect();
                let guest = guest.patchbay_plugin_strategy();
                guest.call_configure(store, settings, &pool)
            }
            Self::V0_1(guest, _) => {
                let guest = guest.patchbay_plugin_strategy();
                guest.call_configure(store, settings, pool)
            }
        }
    }

    pub(in crate::plugin) fn rank(
        &self,
        store: &mut Store<State>,
        request: &wit::Request,
        candidates: &[u32],
        facts: &[f64],
        state: &[u8],
    ) -> wasmtime::Result<Result<wit::Ranking, String>> {
        match self {
            Self::V0_0(guest) => {
                let guest = guest.patchbay_plugin_strategy();
                let ranked = guest.call_rank(store, &request.into(), candidates, facts, state)?;
                Ok(ranked.map(Into::into))
            }
            Self::V0_1(guest, _) => {
                let guest = guest.patchbay_plugin_strategy();
                guest.call_rank(store, request, candidates, facts, state)
            }
        }
    }

    /// What can be done to it by hand.
    pub(in crate::plugin) fn actions(&self, store: &mut Store<State>) -> wasmtime::Result<Vec<String>> {
        match self {
            Self::V0_1(_, Some(control)) => control.patchbay_plugin_control().call_actions(store),
            Self::V0_0(_) | Self::V0_1(_, None) => Ok(Vec::new()),
        }
    }

    pub(in crate::plugin) fn act(
        &self,
        store: &mut Store<State>,
        action: &str,
        state: &[u8],
    ) -> wasmtime::Result<Result<Vec<u8>, String>> {
        match self {
            Self::V0_1(_, Some(control)) => {
                let control = control.patchbay_plugin_control();
                control.call_act(store, action, state)
            }
            Self::V0_0(_) | Self::V0_1(_, None) => Ok(Err("it offers no actions".to_owned())),
        }
    }
}
