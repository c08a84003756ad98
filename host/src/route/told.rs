//! What operators are told of strategies: plain data that [`crate::app`] gathers, [`crate::http`] sends as JSON and
//! [`crate::cli`] shows. This is the documented shape of `/admin/strategies`; members are only ever added.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Decides, InShadow, Memory, Route};
use crate::decision::told::Name;
use crate::telemetry::ShadowDecided;

/// `GET /admin/strategies`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Strategies {
    pub models: Vec<ModelView>,
}

/// Who decides for a public model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelView {
    pub model: String,
    pub candidates: usize,
    /// name@version of whoever decides now, or "built-in".
    pub decides: String,
    /// Decisions of the built-in order since the gateway started, but for those in the place of a strategy.
    pub built_in: u64,
    /// As configured; none is the built-in order.
    pub strategy: Option<StrategyView>,
    pub shadow: Option<ShadowView>,
    /// Those that requests may name.
    pub on_request: Vec<StrategyView>,
}

/// A strategy that is configured for a public model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StrategyView {
    /// The plugin's name.
    pub name: String,
    /// name@version; none while it is missing.
    pub identity: Option<String>,
    /// Why it cannot decide.
    pub missing: Option<String>,
    pub settings: Value,
    /// Since the gateway started.
    pub decisions: u64,
    /// What it remembers.
    pub state_bytes: usize,
    /// What can be done to it by hand.
    pub actions: Vec<String>,
}

/// One that decides without effect, and how it compared since the gateway started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShadowView {
    #[serde(flatten)]
    pub strategy: StrategyView,
    pub agreed: u64,
    pub differed: u64,
    pub failed: u64,
    /// Not asked: it was resting, or too much was waiting.
    pub left_out: u64,
}

/// `POST /admin/strategies/act`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acted {
    pub model: String,
    /// name@version
    pub strategy: String,
    pub action: String,
    /// What it remembers now.
    pub state_bytes: usize,
    /// Whom it would put first of all candidates now, and why; none if it would not decide.
    pub first: Option<Name>,
    pub note: Option<String>,
}

// === impl ModelView ===

impl ModelView {
    pub fn of(route: &Route) -> Self {
        let named = route.deciders.iter().skip(usize::from(route.has_strategy));
        Self {
            model: route.name.clone(),
            candidates: route.candidates.len(),
            decides: route.strategy().to_owned(),
            built_in: route.memory.turns(),
            strategy: route.own().map(StrategyView::of),
            shadow: route
                .shadow
                .as_ref()
                .map(|shadow| ShadowView::of(&route.name, shadow)),
            on_request: named.map(StrategyView::of).collect(),
        }
    }
}

// === impl StrategyView ===

impl StrategyView {
    fn of(decides: &Decides) -> Self {
        let ranker = decides.ranker.as_ref();
        let memory: &Memory = &decides.memory;
        Self {
            name: decides.strategy.name.clone(),
            identity: ranker.ok().map(|ranker| ranker.identity().to_owned()),
            missing: ranker.err().cloned(),
            settings: serde_json::from_str(&decides.strategy.settings).unwrap_or_default(),
            decisions: memory.turns(),
            state_bytes: memory.size(),
            actions: ranker.map_or_else(|_| Vec::new(), |ranker| ranker.actions().to_vec()),
        }
    }
}

// === impl ShadowView ===

impl ShadowView {
    fn of(model: &str, shadow: &InShadow) -> Self {
        let strategy = StrategyView::of(&shadow.decides);
        let [agreed, differed, failed, left_out] = ShadowDecided::counted(model, &strategy.name);
        Self {
            strategy: StrategyView {
                decisions: agreed + differed + failed,
                // Whatever it is moved to has no effect.
                actions: Vec::new(),
                ..strategy
            },
            agreed,
            differed,
            failed,
            left_out,
        }
    }
}
