//! From a request to the order in which candidates are tried: who can serve it, which of them a rule chooses, in what
//! order a strategy puts them, and who of them can be asked now.

use std::sync::Arc;

use super::facts;
use super::rules::{Applied, Rule};
use super::{Candidate, Decides, PlanError, Route};
use crate::chat::ChatRequest;
use crate::clock;
use crate::config::{BUILT_IN, Strategy};
use crate::decision::{Decision, Given, Made, Shadow};
use crate::plugin::{PluginError, Turn};
use crate::pool::Held;

/// A request that is to be planned.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    pub request: &'a ChatRequest,
    pub request_id: &'a str,
    /// The name of the caller's key.
    pub caller: &'a str,
    /// Of the request and of the caller's key.
    pub tags: &'a [String],
    /// The strategy that the request names, one of those that its caller may.
    pub strategy: Option<&'a Strategy>,
    /// Unix time in milliseconds.
    pub deadline: u64,
}

/// The candidates a request will try, best first.
#[derive(Debug)]
pub struct Plan {
    pub order: Vec<Arc<Candidate>>,
    /// Of those that are left alone now, the first one to come back.
    pub held: Option<Held>,
}

/// What was decided, and what is to be done.
#[derive(Debug)]
pub struct Planned {
    /// None where there was nothing to decide.
    pub decision: Option<Arc<Decision>>,
    /// The strategy failed and the host's own order took its place.
    pub fell_back: Option<PluginError>,
    pub plan: Result<Plan, PlanError>,
}

// === impl Planned ===

impl From<PlanError> for Planned {
    fn from(error: PlanError) -> Self {
        Self {
            decision: None,
            fell_back: None,
            plan: Err(error),
        }
    }
}

// === impl Route ===

impl Route {
    /// Decides in which order the candidates that can serve the request are tried.
    pub async fn plan(&self, asking: Asking<'_>) -> Planned {
        let mut offered = match self.capable(asking.request) {
            Ok(offered) => offered,
            Err(error) => return error.into(),
        };
        let applied = Rule::apply(
            &self.rules,
            asking.request,
            asking.caller,
            asking.tags,
            &mut offered,
        );
        if offered.is_empty() {
            let what = format!("it by rule {} of this model", applied.rule.unwrap_or_default());
            return PlanError::Incapable(what).into();
        }
        let decider = self.decider(asking.strategy);
        let given = Arc::new(self.given(asking, offered, decider.map(|(_, decides)| decides)));
        let (made, fell_back) = self.decide(&given, decider, applied).await;
        let decision = self.noted(asking.request_id, given, made);
        let plan = self.askable(&decision);
        Planned {
            plan,
            decision: Some(decision),
            fell_back,
        }
    }

    /// Who decides, and its index among the deciders of the pool; none is the host's own order.
    fn decider(&self, named: Option<&Strategy>) -> Option<(usize, &Decides)> {
        match named {
            Some(named) if named.name == BUILT_IN => None,
            Some(named) => {
                let mut deciders = self.deciders.iter().enumerate();
                deciders.find(|(_, decides)| decides.strategy == *named)
            }
            None => self.own().map(|own| (0, own)),
        }
    }

    fn given(&self, asking: Asking<'_>, offered: Vec<u32>, decides: Option<&Decides>) -> Given {
        let now = clock::unix_millis();
        let memory = decides.map_or(&self.memory, |decides| &decides.memory);
        let turn = Turn {
            operation: asking.request.operation,
            model: self.name.clone(),
            caller: asking.caller.to_owned(),
            tags: asking.tags.to_vec(),
            streaming: asking.request.streaming,
            input_tokens: asking.request.input_tokens,
            sequence: memory.turn(),
            entropy: clock::entropy(),
            now,
            deadline: asking.deadline,
        };
        let mut facts = Vec::with_capacity(offered.len() * facts::NAMES.len());
        for candidate in offered.iter().filter_map(|index| self.candidate(*index)) {
            facts.extend(facts::row(candidate, now));
        }
        Given { turn, offered, facts }
    }

    async fn decide(
        &self,
        given: &Arc<Given>,
        decider: Option<(usize, &Decides)>,
        applied: Applied,
    ) -> (Made, Option<PluginError>) {
        let made = Made {
            decider: decider.map(|(index, _)| index),
            rule: applied.rule,
            preferred: applied.preferred,
            ..Made::default()
        };
        let built_in = |made: Made, failed: Option<String>| Made {
            decider: None,
            order: self.built_in(given.offered.clone()),
            failed,
            ..made
        };
        let Some((_, decides)) = decider else {
            return (built_in(made, None), None);
        };
        let ranker = match &decides.ranker {
            Ok(ranker) => ranker,
            Err(why) => return (built_in(made, Some(why.clone())), None),
        };
        let (state, ranked) = ranker.rank(given, &decides.memory).await;
        match ranked {
            Ok(ranked) => {
                let made = Made {
                    state,
                    order: ranked.order,
                    note: ranked.note,
                    ..made
                };
                (made, None)
            }
            Err(error) => {
                let failed = Some(error.to_string());
                (built_in(Made { state, ..made }, failed), Some(error))
            }
        }
    }

    /// Numbers the decision, and has the shadow follow it.
    fn noted(&self, request_id: &str, given: Arc<Given>, made: Made) -> Arc<Decision> {
        let mark = self
            .shadow
            .as_ref()
            .map(|shadow| Arc::new(Shadow::new(shadow.index)));
        let number = self.journal.number();
        let request_id = request_id.to_owned();
        let decision = Decision::new(number, request_id, self.pool.clone(), given, made, mark);
        let decision = Arc::new(decision);
        if let (Some(shadow), Some(mark)) = (&self.shadow, &decision.shadow) {
            shadow.follow(&decision, mark);
        }
        decision
    }

    /// Those of the order that can be asked now.
    fn askable(&self, decision: &Decision) -> Result<Plan, PlanError> {
        let mut held = None;
        let order = decision.order().into_iter();
        let order = order
            .filter_map(|index| self.candidate(index))
            .filter(|candidate| {
                let why = candidate.state.held().filter(|_| candidate.is_available());
                let can_be_asked = candidate.is_available() && why.is_none();
                Held::sooner(&mut held, why);
                can_be_asked
            });
        let order: Vec<Arc<Candidate>> = order.cloned().collect();
        if !order.is_empty() {
            return Ok(Plan { order, held });
        }
        Err(match held {
            Some(held) => PlanError::Held(Box::new(held)),
            None => PlanError::Unavailable,
        })
    }

    /// Indices of the candidates that can serve the request at all.
    fn capable(&self, request: &ChatRequest) -> Result<Vec<u32>, PlanError> {
        let mut obstacles = Vec::new();
        let mut offered = Vec::with_capacity(self.candidates.len());
        for (index, candidate) in (0u32..).zip(&self.candidates) {
            match candidate.obstacle(request) {
                None => offered.push(index),
                Some(obstacle) => obstacles.push(obstacle),
            }
        }
        // Vendors can be left without any account.
        if self.candidates.is_empty() {
            return Err(PlanError::Unavailable);
        }
        if offered.is_empty() {
            obstacles.sort();
            obstacles.dedup();
            return Err(PlanError::Incapable(obstacles.join(", ")));
        }
        Ok(offered)
    }

    /// By priority, lower first, and then in the order of the configuration.
    fn built_in(&self, mut offered: Vec<u32>) -> Vec<u32> {
        offered.sort_by_key(|index| self.candidate(*index).map_or(i64::MAX, |c| c.priority));
        offered
    }

    fn candidate(&self, index: u32) -> Option<&Arc<Candidate>> {
        self.candidates.get(index as usize)
    }
}
