//! What a request is like chooses among the targets of its public model, before anybody ranks them.

use crate::chat::ChatRequest;
use crate::config::{self, Chooses};

/// A rule of the configuration, and which candidates it chooses.
#[derive(Debug)]
pub struct Rule {
    terms: config::Rule,
    /// By the candidate's place.
    chosen: Vec<bool>,
}

/// What a rule has made of the candidates that were offered.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// From 1.
    pub(super) rule: Option<usize>,
    /// Those that go before all others.
    pub(super) preferred: Vec<u32>,
}

// === impl Rule ===

impl Rule {
    /// `chosen`: for each candidate of the public model, whether it is one of the rule's targets.
    pub fn new(terms: config::Rule, chosen: Vec<bool>) -> Self {
        Self { terms, chosen }
    }

    /// Applies the first of the rules that fits the request.
    pub(super) fn apply(
        rules: &[Self],
        request: &ChatRequest,
        caller: &str,
        tags: &[String],
        offered: &mut Vec<u32>,
    ) -> Applied {
        let fits = |(_, rule): &(usize, &Self)| rule.fits(request, caller, tags);
        let Some((index, rule)) = rules.iter().enumerate().find(fits) else {
            return Applied::default();
        };
        let mut applied = Applied {
            rule: Some(index + 1),
            preferred: Vec::new(),
        };
        let chosen = |candidate: &u32| rule.chosen.get(*candidate as usize).copied().unwrap_or(false);
        match rule.terms.chooses {
            Chooses::Only => offered.retain(chosen),
            Chooses::First => applied.preferred = offered.iter().copied().filter(chosen).collect(),
        }
        applied
    }

    fn fits(&self, request: &ChatRequest, caller: &str, tags: &[String]) -> bool {
        let terms = &self.terms;
        let input = request.input_tokens;
        terms.tags.iter().all(|tag| tags.contains(tag))
            && (terms.callers.is_empty() || terms.callers.iter().any(|name| name == caller))
            && terms.least_input.is_none_or(|least| input >= least)
            && terms.most_input.is_none_or(|most| input <= most)
            && terms.tools.is_none_or(|tools| request.needs.tools == tools)
            && terms.images.is_none_or(|images| request.needs.vision == images)
    }
}
